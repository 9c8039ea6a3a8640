"""Certificate requests (PKCS #10, RFC 2986): a key never leaves its machine, or its card.

A request carries a public key and the proof that its sender has the private one.  What else it asks
for is shown to whoever decides, and not taken over: name, profile, policies and life are theirs to
give.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from platformio_secureota import names
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.hierarchy.certify import check_public_key
from platformio_secureota.identity import spki

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from platformio_secureota.identity import PrivateKey

MAX_SIZE = 65536
"""Bytes of a request; real ones have less than 2,000."""


def make(key: PrivateKey, *, name: str) -> bytes:
    """A request for this key, PEM.  `name` is a proposal."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Request:
    """A request whose sender has the private key."""

    public_key: CertificatePublicKeyTypes
    asks_for: tuple[str, ...]
    """Everything it says, a line each, for people."""

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return spki(self.public_key)

    @classmethod
    def parse(cls, data: bytes) -> Request:
        """Read PEM or DER.  Unusable(RequestUnusable)."""
        try:
            load = x509.load_pem_x509_csr if b"-----BEGIN" in data else x509.load_der_x509_csr
            request = load(data)
            public_key = request.public_key()
            is_proved = request.is_signature_valid
            asks_for = tuple(_asked(request))
        # Whatever is wrong with it, and the library has many words for that.
        except Exception as cause:
            raise Unusable(Reason.RequestUnusable, "not PKCS #10 in PEM or DER") from cause
        check_public_key(public_key)
        if not is_proved:
            detail = "its signature is wrong: the sender has not shown that the key is theirs"
            raise Unusable(Reason.RequestUnusable, detail)
        return cls(public_key, asks_for)

    @classmethod
    def read(cls, path: Path) -> Request:
        """`parse` of a file."""
        try:
            with path.open("rb") as file:
                data = file.read(MAX_SIZE + 1)
        except OSError as cause:
            raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
        if len(data) > MAX_SIZE:
            raise Unusable(Reason.RequestUnusable, f"{path} is longer than {MAX_SIZE} bytes")
        try:
            return cls.parse(data)
        except Unusable as cause:
            raise Unusable(cause.reason, f"{path}: {cause.detail}") from cause


def _asked(request: x509.CertificateSigningRequest) -> list[str]:
    lines = [f"name: {names.show(request.subject.public_bytes())}"]
    for each in request.extensions:
        critical = ", critical" if each.critical else ""
        # Names like basicConstraints; the value as the library shows it.
        kind = getattr(each.oid, "_name", each.oid.dotted_string)
        lines.append(f"extension {kind}{critical}: {names.printable(_value(each.value))}")
    return lines


def _value(value: x509.ExtensionType) -> str:
    text = repr(value)
    return text[1:-1] if text.startswith("<") else text
