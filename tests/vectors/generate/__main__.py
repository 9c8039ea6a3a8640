"""Makes the corpus: `python tests/vectors/generate`; with `--check` it only says what differs.

Needs a library of OpenSSL 3.2 or later below Python's cryptography: ECDSA signatures are
deterministic (RFC 6979), so that the same bytes come out each time.
"""

from __future__ import annotations

import sys
from itertools import chain

import algorithms
import attributes
import containers
import encoding
import field_bugs
import good
import paths
import signatures
import signer_certificates
import structure
import times_and_policies
import tst_info
from corpus import Files

GROUPS = [
    good,
    encoding,
    structure,
    algorithms,
    attributes,
    signatures,
    tst_info,
    signer_certificates,
    paths,
    times_and_policies,
    containers,
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
