"""Requests, responses and tokens of RFC 3161, taken apart.

Each function reads one structure and says what is there, in the order of the ASN.1.  `verify` calls
them one by one and decides in between, so that what is wrong is named for what it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from platformio_secureota import der
from platformio_secureota.algorithms import AlgorithmIdentifier
from platformio_secureota.certificate import read_extension
from platformio_secureota.errors import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

ID_SIGNED_DATA = der.oid_contents("1.2.840.113549.1.7.2")
ID_CT_TST_INFO = der.oid_contents("1.2.840.113549.1.9.16.1.4")
ID_CONTENT_TYPE = der.oid_contents("1.2.840.113549.1.9.3")
ID_MESSAGE_DIGEST = der.oid_contents("1.2.840.113549.1.9.4")
ID_SIGNING_CERTIFICATE = der.oid_contents("1.2.840.113549.1.9.16.2.12")
ID_SIGNING_CERTIFICATE_V2 = der.oid_contents("1.2.840.113549.1.9.16.2.47")
ID_SHA256 = der.oid_contents("2.16.840.1.101.3.4.2.1")

MAX_CERTIFICATES = 16
"""Certificates that a token may carry; real ones carry up to 4."""

MAX_ATTRIBUTES = 16
"""Signed attributes; real tokens have 4 to 6."""


@dataclass(frozen=True)
class TimeStampReq:
    """What is asked of an authority (RFC 3161 2.4.1), for a SHA-256 digest."""

    digest: bytes
    nonce: int | None = None
    policy: str | None = None
    """Dotted OBJECT IDENTIFIER."""
    cert_req: bool = True

    def encode(self) -> bytes:
        """DER."""
        algorithm = der.encode(der.SEQUENCE, der.encode(der.OBJECT_IDENTIFIER, ID_SHA256))
        imprint = der.encode(der.SEQUENCE, algorithm, der.encode(der.OCTET_STRING, self.digest))
        parts = [der.encode_integer(1), imprint]
        if self.policy is not None:
            parts.append(der.encode(der.OBJECT_IDENTIFIER, der.oid_contents(self.policy)))
        if self.nonce is not None:
            parts.append(der.encode_integer(self.nonce))
        if self.cert_req:
            parts.append(der.encode(der.BOOLEAN, b"\xff"))
        return der.encode(der.SEQUENCE, *parts)


class ParsedRequest(NamedTuple):
    """A TimeStampReq that somebody sent."""

    version: int
    imprint_algorithm: AlgorithmIdentifier
    imprint: bytes
    policy: str | None
    nonce: int | None
    cert_req: bool
    has_extensions: bool


def parse_request(data: bytes) -> ParsedRequest:
    """Parse a DER TimeStampReq; Refused(NotDer, Malformed, UnexpectedField)."""
    der.check(data)
    outer = der.Reader(data)
    fields = der.Reader(outer.read(der.SEQUENCE))
    outer.expect_end(Reason.TrailingData)
    version = der.integer(fields.read(der.INTEGER))
    algorithm, imprint = _read_imprint(fields)
    policy = fields.read_optional(der.OBJECT_IDENTIFIER)
    nonce = fields.read_optional(der.INTEGER)
    cert_req = fields.read_default_false()
    extensions = fields.read_optional(der.context_constructed(0))
    fields.expect_end(Reason.UnexpectedField)
    return ParsedRequest(
        version=version,
        imprint_algorithm=algorithm,
        imprint=imprint,
        policy=None if policy is None else der.oid_text(policy),
        nonce=None if nonce is None else der.integer(nonce),
        cert_req=cert_req,
        has_extensions=extensions is not None,
    )


@dataclass(frozen=True)
class TimeStampResp:
    """TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken OPTIONAL } (2.4.2)."""

    status: int
    status_text: tuple[str, ...]
    has_fail_info: bool
    fail_info: bytes
    """Octets of the PKIFailureInfo bits, most significant first."""
    token: bytes | None
    """ContentInfo, as encoded."""


def parse_response(data: bytes) -> TimeStampResp:
    """Parse a response that `der.check` has seen."""
    fields = der.Reader(der.Reader(data).read(der.SEQUENCE))
    # PKIStatusInfo ::= SEQUENCE { status, statusString OPTIONAL, failInfo BIT STRING OPTIONAL }
    info = der.Reader(fields.read(der.SEQUENCE))
    status = der.integer(info.read(der.INTEGER))
    texts = der.Reader(info.read_optional(der.SEQUENCE) or b"")
    text: list[str] = []
    while not texts.at_end():
        text.append(texts.read(der.UTF8_STRING).decode("utf-8", "replace"))
    fail_info = info.read_optional(der.BIT_STRING)
    info.expect_end(Reason.UnexpectedField)
    token = None if fields.at_end() else fields.read_whole(der.SEQUENCE)
    fields.expect_end(Reason.UnexpectedField)
    return TimeStampResp(
        status=status,
        status_text=tuple(text),
        has_fail_info=fail_info is not None,
        fail_info=(fail_info or b"\x00")[1:],
        token=token,
    )


def parse_content_info(token: bytes) -> tuple[bytes, bytes]:
    """ContentInfo ::= SEQUENCE { contentType, content [0] EXPLICIT } (RFC 5652 3).

    Returns (contents of the type's OBJECT IDENTIFIER, the content as encoded).
    """
    fields = der.Reader(der.Reader(token).read(der.SEQUENCE))
    content_type = fields.read(der.OBJECT_IDENTIFIER)
    content = fields.read(der.context_constructed(0))
    fields.expect_end(Reason.UnexpectedField)
    return content_type, content


@dataclass(frozen=True)
class SignedData:
    """SignedData (RFC 5652 5.1)."""

    version: int
    digest_algorithms: tuple[AlgorithmIdentifier, ...]
    content_type: bytes
    content: bytes | None
    """eContent: what the OCTET STRING holds."""
    certificates: tuple[bytes, ...]
    """As encoded.  Candidates, never anchors."""
    signer_infos: tuple[bytes, ...]


def parse_signed_data(content: bytes) -> SignedData:
    """Parse the content of a ContentInfo (RFC 5652 5.1).

    SEQUENCE { version, digestAlgorithms, encapContentInfo, certificates [0], crls [1],
               signerInfos }
    """
    outer = der.Reader(content)
    fields = der.Reader(outer.read(der.SEQUENCE))
    outer.expect_end(Reason.UnexpectedField)
    version = der.integer(fields.read(der.INTEGER))
    algorithms = _read_algorithms(der.Reader(fields.read(der.SET)))
    encapsulated = der.Reader(fields.read(der.SEQUENCE))
    content_type = encapsulated.read(der.OBJECT_IDENTIFIER)
    wrapped = encapsulated.read_optional(der.context_constructed(0))
    encapsulated.expect_end(Reason.UnexpectedField)
    e_content = None
    if wrapped is not None:
        reader = der.Reader(wrapped)
        e_content = reader.read(der.OCTET_STRING)
        reader.expect_end(Reason.UnexpectedField)
    certificates = _read_all(fields.read_optional(der.context_constructed(0)) or b"")
    fields.read_optional(der.context_constructed(1))  # crls: not evidence here, never read
    signer_infos = _read_all(fields.read(der.SET))
    fields.expect_end(Reason.UnexpectedField)
    return SignedData(version, algorithms, content_type, e_content, certificates, signer_infos)


def _read_algorithms(reader: der.Reader) -> tuple[AlgorithmIdentifier, ...]:
    algorithms: list[AlgorithmIdentifier] = []
    while not reader.at_end():
        algorithms.append(AlgorithmIdentifier.read(reader))
    return tuple(algorithms)


def _read_all(contents: bytes) -> tuple[bytes, ...]:
    # Every SEQUENCE of a SET OF, as encoded.
    reader = der.Reader(contents)
    values: list[bytes] = []
    while not reader.at_end():
        values.append(reader.read_whole(der.SEQUENCE))
    return tuple(values)


@dataclass(frozen=True)
class SignerInfo:
    """SignerInfo (RFC 5652 5.3)."""

    version: int
    issuer: bytes
    """Name as encoded; empty where the signer is named in another way."""
    serial: bytes
    digest_algorithm: AlgorithmIdentifier
    signed_attributes: bytes | None = field(repr=False)
    """As encoded, tag [0] and all."""
    signature_algorithm: AlgorithmIdentifier
    signature: bytes = field(repr=False)


def parse_signer_info(data: bytes) -> SignerInfo:
    """Parse one element of signerInfos (RFC 5652 5.3).

    SEQUENCE { version, sid, digestAlgorithm, signedAttrs [0], signatureAlgorithm, signature,
               unsignedAttrs [1] }
    """
    fields = der.Reader(der.Reader(data).read(der.SEQUENCE))
    version = der.integer(fields.read(der.INTEGER))
    issuer, serial = b"", b""
    if fields.next_is(der.SEQUENCE):
        sid = der.Reader(fields.read(der.SEQUENCE))
        issuer = sid.read_whole(der.SEQUENCE)
        serial = sid.read(der.INTEGER)
        sid.expect_end(Reason.Malformed)
    else:
        fields.read(der.context(0))  # subjectKeyIdentifier
    digest_algorithm = AlgorithmIdentifier.read(fields)
    attributes = None
    if fields.next_is(der.context_constructed(0)):
        attributes = fields.read_whole(der.context_constructed(0))
    signature_algorithm = AlgorithmIdentifier.read(fields)
    signature = fields.read(der.OCTET_STRING)
    fields.read_optional(der.context_constructed(1))  # unsignedAttrs: never read (check 32)
    fields.expect_end(Reason.UnexpectedField)
    return SignerInfo(
        version, issuer, serial, digest_algorithm, attributes, signature_algorithm, signature
    )


def parse_attributes(signed_attributes: bytes) -> Iterator[tuple[bytes, bytes]]:
    """SET OF Attribute ::= SEQUENCE { attrType, attrValues SET OF } (RFC 5652 5.3).

    Yields (contents of the type, contents of the SET of values) in the order on the wire.
    """
    reader = der.Reader(der.Reader(signed_attributes).read(der.context_constructed(0)))
    while not reader.at_end():
        fields = der.Reader(reader.read(der.SEQUENCE))
        name = fields.read(der.OBJECT_IDENTIFIER)
        values = fields.read(der.SET)
        fields.expect_end(Reason.Malformed)
        if not values:
            raise Refused(Reason.Malformed, "an attribute without a value")
        yield name, values


@dataclass(frozen=True)
class EssCertId:
    """The first ESSCertID (RFC 2634 5.4.1) or ESSCertIDv2 (RFC 5035 4) of an attribute."""

    digest_algorithm: AlgorithmIdentifier | None
    """None: SHA-256 in version 2, SHA-1 in version 1."""
    certificate_digest: bytes
    issuer: bytes | None
    """Name as encoded, where issuerSerial is there."""
    serial: bytes | None


def parse_signing_certificate(value: bytes, *, v2: bool) -> EssCertId:
    """SigningCertificate ::= SEQUENCE { certs SEQUENCE OF ESSCertID, policies OPTIONAL }."""
    fields = der.Reader(der.Reader(value).read(der.SEQUENCE))
    certs = der.Reader(fields.read(der.SEQUENCE))
    fields.read_optional(der.SEQUENCE)  # policies
    fields.expect_end(Reason.Malformed)
    first = der.Reader(certs.read(der.SEQUENCE))
    while not certs.at_end():
        certs.read(der.SEQUENCE)
    algorithm = None
    if v2 and first.next_is(der.SEQUENCE):
        algorithm = AlgorithmIdentifier.read(first)
        if algorithm == AlgorithmIdentifier(ID_SHA256, None):
            raise Refused(Reason.NotDer, "a default value is encoded")
    digest = first.read(der.OCTET_STRING)
    issuer = serial = None
    if not first.at_end():
        issuer_serial = der.Reader(first.read(der.SEQUENCE))
        issuer = _read_directory_name(der.Reader(issuer_serial.read(der.SEQUENCE)))
        serial = issuer_serial.read(der.INTEGER)
        issuer_serial.expect_end(Reason.Malformed)
    first.expect_end(Reason.Malformed)
    return EssCertId(algorithm, digest, issuer, serial)


def _read_directory_name(names: der.Reader) -> bytes:
    # GeneralNames with one directoryName [4] EXPLICIT Name: the issuer (RFC 5035 5).
    wrapped = der.Reader(names.read(der.context_constructed(4)))
    names.expect_end(Reason.Malformed)
    name = wrapped.read_whole(der.SEQUENCE)
    wrapped.expect_end(Reason.Malformed)
    return name


@dataclass(frozen=True)
class Accuracy:
    """Accuracy: contents of the INTEGERs that are there (RFC 3161 2.4.2)."""

    seconds: bytes | None
    millis: bytes | None
    micros: bytes | None


@dataclass(frozen=True)
class TstInfo:
    """TSTInfo (RFC 3161 2.4.2)."""

    version: int
    policy: bytes
    imprint_algorithm: AlgorithmIdentifier
    imprint: bytes
    serial: bytes
    gen_time: bytes
    """Contents of the GeneralizedTime."""
    accuracy: Accuracy | None
    ordering: bool
    nonce: int | None
    tsa: bytes | None
    """GeneralName, as encoded."""
    unknown_critical: bool
    """There is a critical extension.  None is known, so each is unknown."""


def parse_tst_info(data: bytes) -> TstInfo:
    """Parse the eContent of a token, which `der.check` has seen."""
    outer = der.Reader(data)
    fields = der.Reader(outer.read(der.SEQUENCE))
    outer.expect_end(Reason.UnexpectedField)
    version = der.integer(fields.read(der.INTEGER))
    policy = fields.read(der.OBJECT_IDENTIFIER)
    imprint_algorithm, imprint = _read_imprint(fields)
    serial = fields.read(der.INTEGER)
    gen_time = fields.read(der.GENERALIZED_TIME)
    accuracy = _read_accuracy(fields) if fields.next_is(der.SEQUENCE) else None
    ordering = fields.read_default_false()
    nonce = fields.read_optional(der.INTEGER)
    tsa = None
    if fields.next_is(der.context_constructed(0)):
        wrapped = der.Reader(fields.read(der.context_constructed(0)))
        tsa = wrapped.read_any()[2]
        wrapped.expect_end(Reason.Malformed)
    extensions = fields.read_optional(der.context_constructed(1))
    fields.expect_end(Reason.UnexpectedField)
    return TstInfo(
        version=version,
        policy=policy,
        imprint_algorithm=imprint_algorithm,
        imprint=imprint,
        serial=serial,
        gen_time=gen_time,
        accuracy=accuracy,
        ordering=ordering,
        nonce=None if nonce is None else der.integer(nonce),
        tsa=tsa,
        unknown_critical=extensions is not None and _any_critical(extensions),
    )


def _read_imprint(fields: der.Reader) -> tuple[AlgorithmIdentifier, bytes]:
    # MessageImprint ::= SEQUENCE { hashAlgorithm, hashedMessage OCTET STRING }
    reader = der.Reader(fields.read(der.SEQUENCE))
    algorithm = AlgorithmIdentifier.read(reader)
    imprint = reader.read(der.OCTET_STRING)
    reader.expect_end(Reason.Malformed)
    return algorithm, imprint


def _read_accuracy(fields: der.Reader) -> Accuracy:
    # Accuracy ::= SEQUENCE { seconds, millis [0], micros [1] }: INTEGERs, all of them OPTIONAL
    reader = der.Reader(fields.read(der.SEQUENCE))
    seconds = reader.read_optional(der.INTEGER)
    millis = reader.read_optional(der.context(0))
    micros = reader.read_optional(der.context(1))
    reader.expect_end(Reason.UnexpectedField)
    # `der.check` can't know that [0] and [1] stand for INTEGERs.
    if not all(der.integer_is_minimal(part) for part in (millis, micros) if part is not None):
        raise Refused(Reason.NotDer, "accuracy")
    return Accuracy(seconds, millis, micros)


def _any_critical(extensions: bytes) -> bool:
    reader = der.Reader(extensions)
    critical = False
    while not reader.at_end():
        critical = read_extension(reader)[1] or critical
    return critical
