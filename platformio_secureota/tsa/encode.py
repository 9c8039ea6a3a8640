"""Writing timestamp tokens, in strict DER and in the order of the ASN.1.

Every function returns one encoding.  What goes into them is decided in `tsa.local`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platformio_secureota import der
from platformio_secureota.timestamp import (
    ID_CONTENT_TYPE,
    ID_CT_TST_INFO,
    ID_MESSAGE_DIGEST,
    ID_SIGNED_DATA,
    ID_SIGNING_CERTIFICATE,
    ID_SIGNING_CERTIFICATE_V2,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from platformio_secureota.algorithms import AlgorithmIdentifier
    from platformio_secureota.certificate import Certificate

_ID_SIGNING_TIME = der.oid_contents("1.2.840.113549.1.9.5")

_FIRST_YEAR_OF_GENERALIZED_TIME = 2050

GRANTED, REJECTION = 0, 2
"""PKIStatus (RFC 3161 2.4.2)."""


@dataclass(frozen=True)
class Accuracy:
    """How far genTime may be off (RFC 3161 2.4.2); a zero is left out."""

    seconds: int = 0
    millis: int = 0
    micros: int = 0


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE of encodings."""
    return der.encode(der.SEQUENCE, *parts)


def set_of(parts: Iterable[bytes], *, tag: int = der.SET) -> bytes:
    """SET OF encodings, in the order that DER asks for (X.690 11.6)."""
    return der.encode(tag, *sorted(parts))


def oid(contents: bytes) -> bytes:
    """OBJECT IDENTIFIER."""
    return der.encode(der.OBJECT_IDENTIFIER, contents)


def algorithm(name: str, *, null: bool = False) -> bytes:
    """AlgorithmIdentifier; its parameters are absent, or NULL."""
    identifier = oid(der.oid_contents(name))
    return sequence(identifier, der.encode(der.NULL)) if null else sequence(identifier)


def gen_time(moment: dt.datetime, fraction_digits: int) -> bytes:
    """GeneralizedTime in UTC; a fraction without trailing zeros (RFC 3161 2.4.2)."""
    text = f"{moment.year:04d}{moment:%m%d%H%M%S}"
    fraction = f"{moment.microsecond:06d}"[:fraction_digits].rstrip("0")
    text += f".{fraction}Z" if fraction else "Z"
    return der.encode(der.GENERALIZED_TIME, text.encode("ascii"))


def imprint(hash_algorithm: AlgorithmIdentifier, digest: bytes) -> bytes:
    """MessageImprint, the same as in the request."""
    identifier = sequence(oid(hash_algorithm.algorithm), hash_algorithm.parameters or b"")
    return sequence(identifier, der.encode(der.OCTET_STRING, digest))


def tst_info(
    *,
    policy: str,
    message_imprint: bytes,
    serial: int,
    time: bytes,
    accuracy: Accuracy | None,
    nonce: int | None,
) -> bytes:
    """TSTInfo (RFC 3161 2.4.2).  ordering is FALSE and so absent; tsa and extensions are absent."""
    return sequence(
        der.encode_integer(1),
        oid(der.oid_contents(policy)),
        message_imprint,
        der.encode_integer(serial),
        time,
        b"" if accuracy is None else _accuracy(accuracy),
        b"" if nonce is None else der.encode_integer(nonce),
    )


def _accuracy(accuracy: Accuracy) -> bytes:
    # Accuracy ::= SEQUENCE { seconds, millis [0], micros [1] }, each OPTIONAL, the tags IMPLICIT.
    def tagged(number: int, value: int) -> bytes:
        return bytes([der.context(number)]) + der.encode_integer(value)[1:] if value else b""

    seconds = der.encode_integer(accuracy.seconds) if accuracy.seconds else b""
    return sequence(seconds, tagged(0, accuracy.millis), tagged(1, accuracy.micros))


def attribute(name: bytes, value: bytes) -> bytes:
    """Attribute with one value (RFC 5652 5.3)."""
    return sequence(oid(name), der.encode(der.SET, value))


def content_type_attribute() -> bytes:
    """Say that the signed content is a TSTInfo (RFC 5652 11.1)."""
    return attribute(ID_CONTENT_TYPE, oid(ID_CT_TST_INFO))


def message_digest_attribute(digest: bytes) -> bytes:
    """Digest of the TSTInfo (RFC 5652 11.2)."""
    return attribute(ID_MESSAGE_DIGEST, der.encode(der.OCTET_STRING, digest))


def signing_time_attribute(moment: dt.datetime) -> bytes:
    """When it was signed, as UTCTime until 2049 (RFC 5652 11.3)."""
    full = f"{moment.year:04d}{moment:%m%d%H%M%S}Z".encode("ascii")
    if moment.year < _FIRST_YEAR_OF_GENERALIZED_TIME:
        return attribute(_ID_SIGNING_TIME, der.encode(der.UTC_TIME, full[2:]))
    return attribute(_ID_SIGNING_TIME, der.encode(der.GENERALIZED_TIME, full))


def signing_certificate_attribute(certificate: bytes) -> bytes:
    """ESSCertID: the signer's certificate by its SHA-1 (RFC 2634 5.4)."""
    # Deployed readers know no other form.  SHA-1 only names a certificate here.
    digest = hashlib.sha1(certificate, usedforsecurity=False).digest()
    ess_cert_id = sequence(der.encode(der.OCTET_STRING, digest))
    return attribute(ID_SIGNING_CERTIFICATE, sequence(sequence(ess_cert_id)))


def signing_certificate_v2_attribute(certificate: bytes) -> bytes:
    """ESSCertIDv2: by its SHA-256, which is the default and so not named (RFC 5035 3)."""
    digest = hashlib.sha256(certificate).digest()
    ess_cert_id = sequence(der.encode(der.OCTET_STRING, digest))
    return attribute(ID_SIGNING_CERTIFICATE_V2, sequence(sequence(ess_cert_id)))


def signer_info(
    *,
    signer: Certificate,
    digest_algorithm: bytes,
    signed_attributes: bytes,
    signature_algorithm: bytes,
    signature: bytes,
) -> bytes:
    """SignerInfo version 1 (RFC 5652 5.3); `signed_attributes` is the SET that was signed."""
    return sequence(
        der.encode_integer(1),
        sequence(signer.issuer, der.encode(der.INTEGER, signer.serial)),
        digest_algorithm,
        # [0] IMPLICIT in the place of the SET's own tag.
        bytes([der.context_constructed(0)]) + signed_attributes[1:],
        signature_algorithm,
        der.encode(der.OCTET_STRING, signature),
    )


def token(
    *, digest_algorithm: bytes, content: bytes, certificates: Iterable[bytes], signer: bytes
) -> bytes:
    """TimeStampToken: ContentInfo with SignedData version 3 (RFC 5652 5.1) around `content`."""
    wrapped = der.encode(der.context_constructed(0), der.encode(der.OCTET_STRING, content))
    bag = list(certificates)
    signed_data = sequence(
        der.encode_integer(3),
        der.encode(der.SET, digest_algorithm),
        sequence(oid(ID_CT_TST_INFO), wrapped),
        set_of(bag, tag=der.context_constructed(0)) if bag else b"",
        der.encode(der.SET, signer),
    )
    return sequence(oid(ID_SIGNED_DATA), der.encode(der.context_constructed(0), signed_data))


def granted(time_stamp_token: bytes) -> bytes:
    """TimeStampResp that carries a token."""
    return sequence(sequence(der.encode_integer(GRANTED)), time_stamp_token)


def rejection(fail_info: int, text: str) -> bytes:
    """TimeStampResp without one: PKIFailureInfo bit number, and a line for people."""
    # A named bit list ends with its last set bit (X.690 11.2.2).
    octets = bytearray(fail_info // 8 + 1)
    octets[-1] = 0x80 >> (fail_info % 8)
    bits = der.encode(der.BIT_STRING, bytes([7 - fail_info % 8]), bytes(octets))
    texts = sequence(der.encode(der.UTF8_STRING, text.encode("utf-8")))
    return sequence(sequence(der.encode_integer(REJECTION), texts, bits))
