"""Makes the corpus: `python tests/vectors/generate`; with `--check` it only says what differs.

Needs a library of OpenSSL 3.2 or later below Python's cryptography: ECDSA signatures are
deterministic (RFC 6979), so that the same bytes come out each time.
"""

from __future__ import annotations

import sys
from itertools import chain

import algorithms
import anchors
import attributes
import bindings
import certificate_algorithms
import certificate_shapes
import container_sizes
import containers
import encoding
import field_bugs
import gen_times
import good
import imprints
import not_der
import paths
import policy_and_deny_list
import public_keys
import shadows
import shapes
import signatures
import signer_certificates
import structure
import tsa_names
import tst_info
import unsigned_attributes
import validity
from corpus import Files

import authorities

GROUPS = [
    good,
    encoding,
    not_der,
    shapes,
    structure,
    algorithms,
    public_keys,
    certificate_algorithms,
    attributes,
    bindings,
    unsigned_attributes,
    signatures,
    shadows,
    tst_info,
    imprints,
    gen_times,
    tsa_names,
    signer_certificates,
    certificate_shapes,
    anchors,
    paths,
    authorities,
    validity,
    policy_and_deny_list,
    containers,
    container_sizes,
    field_bugs,
]


def main() -> int:
    """Exit status 0: written, or nothing differs."""
    files = Files(chain.from_iterable(group.cases() for group in GROUPS))
    if "--check" in sys.argv[1:]:
        differences = files.differences()
        sys.stdout.writelines(f"differs: {name}\n" for name in differences)
        return 1 if differences else 0
    files.write()
    sys.stdout.write(f"{len(files.entries)} cases\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
