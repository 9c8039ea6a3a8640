"""A signing identity: a private key, and the certificate that names it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from platformio_secureota import names

if TYPE_CHECKING:
    from cryptography import x509

PrivateKey = Union[ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey]

ALLOWED_KEYS = "P-256, P-384, or RSA of 2048 to 4096 bits"
"""What both verifiers take, in words."""


@dataclass(frozen=True)
class SigningIdentity:
    """A private key, its certificate, and the certificates that lead on to an anchor."""

    key: PrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()
    """Issuers, as the file has them; the last may be the anchor."""

    @property
    def certificate_der(self) -> bytes:
        """The certificate as the device takes it."""
        return to_der(self.certificate)

    @property
    def anchor_der(self) -> bytes:
        """The last certificate of the chain, or the only one: what a device would be given."""
        return to_der(self.chain[-1] if self.chain else self.certificate)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo, lower-case hex: the name of the key itself."""
        return spki_sha256(self.certificate)


def to_der(certificate: x509.Certificate) -> bytes:
    """DER of a certificate."""
    return certificate.public_bytes(serialization.Encoding.DER)


def spki_sha256(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate's SubjectPublicKeyInfo, lower-case hex."""
    return hashlib.sha256(spki(certificate.public_key())).hexdigest()


def spki(key: object) -> bytes:
    """DER SubjectPublicKeyInfo of a public key."""
    # Certificate.public_key() has a dozen types; all of them can do this.
    encoded = key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return bytes(encoded)


def describe(certificate: x509.Certificate) -> str:
    """Name a certificate for a message: its subject (RFC 4514)."""
    return names.show(certificate.subject.public_bytes())
