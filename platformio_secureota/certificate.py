"""X.509 certificates as far as a timestamp needs them (RFC 5280 4.1 and 4.2).

Parsing decides nothing: it says what is there.  `verify` decides.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property

from platformio_secureota import der
from platformio_secureota.algorithms import AlgorithmIdentifier
from platformio_secureota.errors import Reason, Refused

_BASIC_CONSTRAINTS = der.oid_contents("2.5.29.19")
_KEY_USAGE = der.oid_contents("2.5.29.15")
_EXTENDED_KEY_USAGE = der.oid_contents("2.5.29.37")
_CERTIFICATE_POLICIES = der.oid_contents("2.5.29.32")
_SUBJECT_ALT_NAME = der.oid_contents("2.5.29.17")

TIME_STAMPING = der.oid_contents("1.3.6.1.5.5.7.3.8")
ANY_EXTENDED_KEY_USAGE = der.oid_contents("2.5.29.37.0")
ANY_POLICY = der.oid_contents("2.5.29.32.0")

# Bits of KeyUsage, as they lie in its first octet (RFC 5280 4.2.1.3); of nine, one is in a second.
DIGITAL_SIGNATURE, NON_REPUDIATION, KEY_CERT_SIGN = 0x80, 0x40, 0x04

_V3 = b"\x02"

MAX_EXTENSIONS = 32
"""Extensions of one certificate; real ones have up to 12."""


@dataclass(frozen=True)
class Certificate:
    """The fields of one certificate, as views of its bytes."""

    der: bytes = field(repr=False)
    tbs: bytes = field(repr=False)
    """What the signature covers."""
    serial: bytes
    """Contents of the INTEGER."""
    inner_algorithm: AlgorithmIdentifier = field(repr=False)
    issuer: bytes
    """Name, as encoded."""
    not_before: dt.datetime
    not_after: dt.datetime
    """The last second in which it is valid."""
    subject: bytes
    spki: bytes = field(repr=False)
    """SubjectPublicKeyInfo, as encoded."""
    extensions: bytes | None = field(repr=False)
    """Contents of the SEQUENCE OF Extension."""
    outer_algorithm: AlgorithmIdentifier = field(repr=False)
    signature: bytes = field(repr=False)

    @classmethod
    def parse(cls, data: bytes) -> Certificate:
        """Parse one certificate that `der.check` has seen; Refused(NotDer or Malformed)."""
        outer = der.Reader(data)
        fields = der.Reader(outer.read(der.SEQUENCE))
        outer.expect_end(Reason.Malformed)
        tbs = fields.read_whole(der.SEQUENCE)
        outer_algorithm = AlgorithmIdentifier.read(fields)
        signature = whole_octets(fields.read(der.BIT_STRING))
        fields.expect_end(Reason.Malformed)

        fields = der.Reader(der.Reader(tbs).read(der.SEQUENCE))
        version = _read_version(fields)
        serial = fields.read(der.INTEGER)
        inner_algorithm = AlgorithmIdentifier.read(fields)
        issuer = fields.read_whole(der.SEQUENCE)
        validity = der.Reader(fields.read(der.SEQUENCE))
        not_before = _read_time(validity)
        not_after = _read_time(validity)
        validity.expect_end(Reason.Malformed)
        subject = fields.read_whole(der.SEQUENCE)
        spki = fields.read_whole(der.SEQUENCE)
        fields.read_optional(der.context(1))  # issuerUniqueID
        fields.read_optional(der.context(2))  # subjectUniqueID
        extensions = _read_extensions(fields) if version == _V3 else None
        fields.expect_end(Reason.Malformed)
        return cls(
            der=data,
            tbs=tbs,
            serial=serial,
            inner_algorithm=inner_algorithm,
            issuer=issuer,
            not_before=not_before,
            not_after=not_after,
            subject=subject,
            spki=spki,
            extensions=extensions,
            outer_algorithm=outer_algorithm,
            signature=signature,
        )

    @cached_property
    def spki_digest(self) -> bytes:
        """SHA-256 of the SubjectPublicKeyInfo: what a deny-list names a key by."""
        return hashlib.sha256(self.spki).digest()

    @property
    def is_self_issued(self) -> bool:
        """Issuer and subject are the same name (RFC 5280 6.1)."""
        return self.issuer == self.subject


@dataclass(frozen=True)
class Extensions:
    """What the extensions of a certificate say."""

    is_ca: bool = False
    path_len: int | None = None
    key_usage: int | None = None
    """The octets of KeyUsage, the first one lowest; None where the extension is absent."""
    extended_key_usage: tuple[bytes, ...] | None = None
    extended_key_usage_critical: bool = False
    policies: tuple[bytes, ...] | None = None
    alternative_names: bytes = b""
    """Contents of GeneralNames."""
    unknown_critical: bool = False

    @classmethod
    def parse(cls, certificate: Certificate) -> Extensions:
        """Decode the extensions of one certificate; Refused(NotDer or Malformed)."""
        found: dict[str, object] = {}
        seen: set[bytes] = set()
        reader = der.Reader(certificate.extensions or b"")
        while not reader.at_end():
            name, critical, value = read_extension(reader)
            if name in seen or len(seen) == MAX_EXTENSIONS:
                raise Refused(Reason.Malformed, "an extension is repeated, or there are too many")
            seen.add(name)
            if name == _BASIC_CONSTRAINTS:
                found["is_ca"], found["path_len"] = _parse_basic_constraints(value)
            elif name == _KEY_USAGE:
                found["key_usage"] = _parse_key_usage(value)
            elif name == _EXTENDED_KEY_USAGE:
                found["extended_key_usage"] = _parse_extended_key_usage(value)
                found["extended_key_usage_critical"] = critical
            elif name == _CERTIFICATE_POLICIES:
                found["policies"] = _parse_policies(value)
            elif name == _SUBJECT_ALT_NAME:
                found["alternative_names"] = _single(value, der.SEQUENCE)
            elif critical:
                found["unknown_critical"] = True
        return cls(**found)  # type: ignore[arg-type]  # keyed by the fields above


def read_extension(reader: der.Reader) -> tuple[bytes, bool, bytes]:
    """Take an Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING }."""
    fields = der.Reader(reader.read(der.SEQUENCE))
    name = fields.read(der.OBJECT_IDENTIFIER)
    critical = fields.read_default_false()
    value = fields.read(der.OCTET_STRING)
    fields.expect_end(Reason.Malformed)
    return name, critical, value


def whole_octets(bit_string: bytes) -> bytes:
    """Octets of a BIT STRING's contents; Refused(Malformed) if its last octet is a partial one."""
    if bit_string[0] != 0:
        raise Refused(Reason.Malformed, "a bit string is not whole octets")
    return bit_string[1:]


def _read_version(fields: der.Reader) -> bytes:
    wrapped = fields.read_optional(der.context_constructed(0))
    if wrapped is None:
        return b"\x00"
    version = _single(wrapped, der.INTEGER, checked=True)
    if version == b"\x00":
        raise Refused(Reason.NotDer, "a default value is encoded")
    if version not in (b"\x01", _V3):
        raise Refused(Reason.Malformed, "certificate version")
    return version


def _read_extensions(fields: der.Reader) -> bytes | None:
    wrapped = fields.read_optional(der.context_constructed(3))
    return None if wrapped is None else _single(wrapped, der.SEQUENCE, checked=True)


_UTC_TIME = re.compile(rb"[0-9]{12}Z")
_GENERALIZED_TIME = re.compile(rb"[0-9]{14}Z")


def _read_time(reader: der.Reader) -> dt.datetime:
    # RFC 5280 4.1.2.5: UTCTime stands for 1950 to 2049, both to the second and in UTC.
    if reader.next_is(der.UTC_TIME):
        text = reader.read(der.UTC_TIME)
        if _UTC_TIME.fullmatch(text):
            return _time((b"19" if text[:2] >= b"50" else b"20") + text)
    else:
        text = reader.read(der.GENERALIZED_TIME)
        if _GENERALIZED_TIME.fullmatch(text):
            return _time(text)
    raise Refused(Reason.Malformed, "validity")


def _time(text: bytes) -> dt.datetime:
    parsed = parse_calendar_time(text[:14])
    if parsed is None:
        raise Refused(Reason.Malformed, "validity")
    return parsed


def parse_calendar_time(digits: bytes) -> dt.datetime | None:
    """`YYYYMMDDhhmmss` in UTC; None where there is no such second."""
    numbers = [int(digits[:4]), *(int(digits[i : i + 2]) for i in range(4, 14, 2))]
    year, month, day, hour, minute, second = numbers
    try:
        return dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.timezone.utc)
    except ValueError:
        return None


def _single(data: bytes, tag: int, *, checked: bool = False) -> bytes:
    # Contents of the one value in `data`, which lies in an OCTET STRING unless it was checked.
    if not checked:
        der.check(data)
    reader = der.Reader(data)
    contents = reader.read(tag)
    reader.expect_end(Reason.Malformed)
    return contents


def _parse_basic_constraints(value: bytes) -> tuple[bool, int | None]:
    # SEQUENCE { cA DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL } (RFC 5280 4.2.1.9)
    fields = der.Reader(_single(value, der.SEQUENCE))
    is_ca = fields.read_default_false()
    length = fields.read_optional(der.INTEGER)
    fields.expect_end(Reason.Malformed)
    # RFC 5280 4.2.1.9: a length makes sense for an authority alone; more than an octet is nonsense.
    if length is not None and (not is_ca or len(length) != 1 or length[0] >= 0x80):
        raise Refused(Reason.Malformed, "pathLenConstraint")
    return is_ca, None if length is None else length[0]


def _parse_key_usage(value: bytes) -> int:
    bits = _single(value, der.BIT_STRING)
    if len(bits) not in (2, 3):  # 9 named bits at most, and at least one of them set
        raise Refused(Reason.Malformed, "keyUsage")
    # A list of named bits ends with one that is set (X.690 11.2.2).
    if not bits[-1] >> bits[0] & 1:
        raise Refused(Reason.NotDer, "keyUsage")
    return int.from_bytes(bits[1:], "little")


def _parse_extended_key_usage(value: bytes) -> tuple[bytes, ...]:
    reader = der.Reader(_single(value, der.SEQUENCE))
    purposes = [reader.read(der.OBJECT_IDENTIFIER)]
    while not reader.at_end():
        purposes.append(reader.read(der.OBJECT_IDENTIFIER))
    return tuple(purposes)


def _parse_policies(value: bytes) -> tuple[bytes, ...]:
    # CertificatePolicies ::= SEQUENCE OF SEQUENCE { policyIdentifier, qualifiers OPTIONAL }
    reader = der.Reader(_single(value, der.SEQUENCE))
    policies: list[bytes] = []
    while not reader.at_end():
        policies.append(der.Reader(reader.read(der.SEQUENCE)).read(der.OBJECT_IDENTIFIER))
    return tuple(policies)
