"""Who takes part: a company, people in it, and a stranger.

myCorp > production > product 1
myCorp > engineering > development > Fred
own key (self-signed: the signer is the anchor)
"""

from __future__ import annotations

import base64

from certificates import Certificate, authority

IMAGE = b"\xe9" + bytes(range(1, 64))
"""What most tokens of the corpus cover: 64 bytes that begin as ESP32's images do."""

ROOT = authority("myCorp", "root", serial=100)
PRODUCTION = authority("production", "production", ROOT, serial=101)
PRODUCT = Certificate("product 1", "product-1", PRODUCTION, 1001)

ENGINEERING = authority("engineering", "engineering", ROOT, serial=102)
DEVELOPMENT = authority("development", "development", ENGINEERING, serial=103)
FRED = Certificate("Fred", "fred", DEVELOPMENT, 1002)

DIRECT = Certificate("product 1", "product-1", ROOT, 1003)
"""No authority between it and the root."""

OWN = Certificate("own key", "product-1", serial=7)

STRANGERS_ROOT = authority("stranger's root", "strangers-root", serial=666)
STRANGER = Certificate("stranger", "stranger", STRANGERS_ROOT, 667)


def pem(certificate: Certificate) -> bytes:
    """One certificate as text."""
    encoded = base64.encodebytes(certificate.der)
    return b"-----BEGIN CERTIFICATE-----\n" + encoded + b"-----END CERTIFICATE-----\n"
