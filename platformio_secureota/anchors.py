"""Trust anchors: the keys that may approve firmware (RFC 5280 6.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asn1crypto import pem

from platformio_secureota import der
from platformio_secureota.algorithms import key_family
from platformio_secureota.certificate import KEY_CERT_SIGN, Certificate, Extensions
from platformio_secureota.errors import Reason, SecureOTAError, Unusable

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class TrustAnchor:
    """A name and a key that are trusted because the user says so.

    A certificate that came with a token has another type (`Certificate`) and can't become one.
    """

    certificate: Certificate
    may_issue: bool
    """CA:TRUE, and keyCertSign where keyUsage is there: other certificates may stand below it."""
    path_len: int | None
    """Authorities that may stand between it and a signer; None: as many as the verifier takes."""

    @classmethod
    def from_der(cls, data: bytes) -> TrustAnchor:
        """Read one certificate.  Unusable(AnchorUnusable) says what is wrong with it."""
        try:
            der.check(data)
            certificate = Certificate.parse(data)
            extensions = Extensions.parse(certificate)
            key_family(certificate.spki)
        except SecureOTAError as cause:
            raise Unusable(Reason.AnchorUnusable, str(cause)) from cause
        usage = extensions.key_usage
        may_issue = extensions.is_ca and (usage is None or usage & KEY_CERT_SIGN != 0)
        return cls(certificate, may_issue, extensions.path_len)


def load_anchors(data: bytes) -> list[TrustAnchor]:
    """Every certificate in a PEM file, or the one in a DER file.  Unusable(AnchorUnusable)."""
    if not pem.detect(data):
        return [TrustAnchor.from_der(data)]
    try:
        blocks = list(pem.unarmor(data, multiple=True))
    except ValueError as cause:
        raise Unusable(Reason.AnchorUnusable, f"not PEM: {cause}") from cause
    anchors = [TrustAnchor.from_der(body) for kind, _, body in blocks if kind == "CERTIFICATE"]
    if not anchors:
        raise Unusable(Reason.AnchorUnusable, "there is no certificate in the file")
    return anchors


def read_anchors(path: Path) -> list[TrustAnchor]:
    """`load_anchors` of a file; the error names it."""
    try:
        data = path.read_bytes()
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
    try:
        return load_anchors(data)
    except Unusable as cause:
        raise Unusable(cause.reason, f"{path}: {cause.detail}") from cause
