"""Who signed: the certificate that the token names and binds (checks 13, 16, 19, 30)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from platformio_secureota import der, timestamp
from platformio_secureota.algorithms import compute_digest, digest_name
from platformio_secureota.certificate import (
    DIGITAL_SIGNATURE,
    NON_REPUDIATION,
    TIME_STAMPING,
    Certificate,
    Extensions,
)
from platformio_secureota.errors import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platformio_secureota.anchors import TrustAnchor

_DIRECTORY_NAME = der.context_constructed(4)


@dataclass(frozen=True)
class Binding:
    """One attribute that says which certificate signs."""

    digest: str
    ess: timestamp.EssCertId


def read_bindings(attributes: dict[bytes, bytes], *, require_v2: bool) -> list[Binding]:
    """What the attributes bind, not compared with anything yet (check 13, first half).

    Refused(NoSigningCertificate, SigningCertificateV2Required, AlgorithmNotAllowed, ...).
    """
    bindings: list[Binding] = []
    v2 = attributes.get(timestamp.ID_SIGNING_CERTIFICATE_V2)
    if v2 is not None:
        ess = timestamp.parse_signing_certificate(v2, v2=True)
        name = "sha256" if ess.digest_algorithm is None else digest_name(ess.digest_algorithm)
        bindings.append(Binding(name, ess))
    v1 = attributes.get(timestamp.ID_SIGNING_CERTIFICATE)
    if v1 is not None:
        bindings.append(Binding("sha1", timestamp.parse_signing_certificate(v1, v2=False)))
    if not bindings:
        raise Refused(Reason.NoSigningCertificate)
    if v2 is None and require_v2:
        raise Refused(Reason.SigningCertificateV2Required)
    return bindings


def find_signer(
    signer_info: timestamp.SignerInfo,
    bindings: list[Binding],
    bag: list[Certificate],
    anchors: Sequence[TrustAnchor],
) -> tuple[Certificate, TrustAnchor | None]:
    """The certificate that SignerInfo names and the attributes bind, and its anchor if it is one.

    Anchors come first: a signer that is one needs no path, and need not travel with the token.
    Refused(SignerNotFound, SigningCertificateMismatch).
    """
    candidates: list[tuple[Certificate, TrustAnchor | None]] = [
        *((anchor.certificate, anchor) for anchor in anchors),
        *((certificate, None) for certificate in bag),
    ]
    found_by_name = False
    for certificate, anchor in candidates:
        if (certificate.issuer, certificate.serial) != (signer_info.issuer, signer_info.serial):
            continue
        found_by_name = True
        if all(_is_bound(certificate, binding) for binding in bindings):
            return certificate, anchor
    missing = Reason.SigningCertificateMismatch if found_by_name else Reason.SignerNotFound
    raise Refused(missing)


def _is_bound(certificate: Certificate, binding: Binding) -> bool:
    ess = binding.ess
    if compute_digest(binding.digest, certificate.der) != ess.certificate_digest:
        return False
    return ess.issuer is None or (ess.issuer, ess.serial) == (
        certificate.issuer,
        certificate.serial,
    )


def is_name_of(name: bytes, signer: Certificate, extensions: Extensions) -> bool:
    """Whether a GeneralName is one of the subject names in the certificate (RFC 3161 2.4.2)."""
    if name == der.encode(_DIRECTORY_NAME, signer.subject):
        return True
    names = der.Reader(extensions.alternative_names)
    while not names.at_end():
        if names.read_any()[2] == name:
            return True
    return False


def check_signer(extensions: Extensions) -> None:
    """Whether the certificate is for time-stamping alone, and no authority's (check 19)."""
    if extensions.unknown_critical:
        raise Refused(Reason.CertificateExtensionUnknown, "in the signer's certificate")
    if (
        extensions.extended_key_usage != (TIME_STAMPING,)
        or not extensions.extended_key_usage_critical
    ):
        raise Refused(Reason.WrongPurpose, hint="make a signing key with `secureota keygen`")
    usage = extensions.key_usage
    if usage is not None and (usage == 0 or usage & ~(DIGITAL_SIGNATURE | NON_REPUDIATION)):
        raise Refused(Reason.WrongKeyUsage, "of the signer")
    if extensions.is_ca:
        raise Refused(Reason.SignerIsCa, hint="make a signing key with `secureota keygen`")
