"""Writing timestamp tokens, in strict DER and in the order of the ASN.1.

Every function returns one encoding.  What goes into them is decided in `tsa.local`; `tsa.template`
puts them together.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from platformio_secureota import der
from platformio_secureota.algorithms import SHA256_SIZE
from platformio_secureota.timestamp import (
    ID_CONTENT_TYPE,
    ID_CT_TST_INFO,
    ID_SHA256,
    ID_SIGNING_CERTIFICATE,
    ID_SIGNING_CERTIFICATE_V2,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable


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


NULL = der.encode(der.NULL)


def _imprint_without_digest(parameters: bytes) -> bytes:
    # SEQUENCE { hashAlgorithm, hashedMessage OCTET STRING }, up to the 32 octets of the digest.
    digest = der.encode(der.OCTET_STRING, bytes(SHA256_SIZE))
    return sequence(sequence(oid(ID_SHA256), parameters), digest)[:-SHA256_SIZE]


_IMPRINTS = {None: _imprint_without_digest(b""), NULL: _imprint_without_digest(NULL)}


@lru_cache(maxsize=4)
def gen_time(moment: dt.datetime, fraction_digits: int) -> bytes:
    """GeneralizedTime in UTC; a fraction without trailing zeros (RFC 3161 2.4.2)."""
    # "2026-05-04T03:02:01", without what GeneralizedTime does without; strftime is a lot slower.
    text = moment.isoformat()[:19].encode("ascii").translate(None, b"-T:")
    if fraction_digits:
        fraction = b"%06d" % moment.microsecond
        text += (b"." + fraction[:fraction_digits]).rstrip(b"0").rstrip(b".")
    return der.encode(der.GENERALIZED_TIME, text, b"Z")


def imprint_of(parameters: bytes | None, digest: bytes) -> bytes:
    """MessageImprint of a SHA-256 digest, its algorithm's parameters as in the request."""
    return _IMPRINTS[parameters] + digest


def accuracy(value: Accuracy) -> bytes:
    """Accuracy ::= SEQUENCE { seconds, millis [0], micros [1] }, each OPTIONAL, tags IMPLICIT."""

    def tagged(number: int, value: int) -> bytes:
        return bytes([der.context(number)]) + der.encode_integer(value)[1:] if value else b""

    seconds = der.encode_integer(value.seconds) if value.seconds else b""
    return sequence(seconds, tagged(0, value.millis), tagged(1, value.micros))


def attribute(name: bytes, value: bytes) -> bytes:
    """Attribute with one value (RFC 5652 5.3)."""
    return sequence(oid(name), der.encode(der.SET, value))


def content_type_attribute() -> bytes:
    """Say that the signed content is a TSTInfo (RFC 5652 11.1)."""
    return attribute(ID_CONTENT_TYPE, oid(ID_CT_TST_INFO))


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


def rejection(fail_info: int, text: str) -> bytes:
    """TimeStampResp without one: PKIFailureInfo bit number, and a line for people."""
    # A named bit list ends with its last set bit (X.690 11.2.2).
    octets = bytearray(fail_info // 8 + 1)
    octets[-1] = 0x80 >> (fail_info % 8)
    bits = der.encode(der.BIT_STRING, bytes([7 - fail_info % 8]), bytes(octets))
    texts = sequence(der.encode(der.UTF8_STRING, text.encode("utf-8")))
    return sequence(sequence(der.encode_integer(REJECTION), texts, bits))
