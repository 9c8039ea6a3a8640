"""A signing key in a token (`pkcs11:`), as far as builds ask about it without a PIN."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from platformio_secureota.anchors import TrustAnchor
from platformio_secureota.cli import console
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.identity import to_der
from platformio_secureota.pio.options import PREFIX

if TYPE_CHECKING:
    from platformio_secureota.hsm import Pkcs11Uri


def own_certificate(uri: Pkcs11Uri) -> TrustAnchor:
    """The key's certificate as the anchor: what devices trust if nothing else is configured."""
    from platformio_secureota.hsm import identity  # noqa: PLC0415 - needs the extra `hsm`

    certificates = identity.load_certificates(uri, console.token_access())
    anchors = [TrustAnchor.from_der(to_der(certificate)) for certificate in certificates]
    if len(anchors) > 1 or not anchors[0].certificate.is_self_issued:
        raise Unusable(
            Reason.AnchorMissing,
            f"{uri} has {len(anchors)} certificates, or one that another key has signed",
            hint=f"name the certificates that devices shall trust in {PREFIX}trust_anchors",
        )
    return anchors[0]


def signer_of(uri: Pkcs11Uri) -> str:
    """Changes when the URI, or the certificate in the file that it names, does.

    The token isn't asked: a build that has nothing to sign does not need it.
    """
    total = hashlib.sha256(repr(uri).encode())
    if uri.certificate is not None and uri.certificate.is_file():
        total.update(uri.certificate.read_bytes())
    return f"token {total.hexdigest()}"
