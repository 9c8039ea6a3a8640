"""Reading the requests that come all day long.

Nearly every client writes a request in the same way: version 1, a SHA-256 imprint, a nonce,
certReq.  That form is recognised octet by octet; whatever differs goes to the general parser, which
alone decides what is refused.  A test holds the two to the same answers.
"""

from __future__ import annotations

from functools import lru_cache

from platformio_secureota import der
from platformio_secureota.algorithms import SHA256_SIZE, AlgorithmIdentifier
from platformio_secureota.errors import Refused
from platformio_secureota.timestamp import ID_SHA256, ParsedRequest, parse_request

_NULL = der.encode(der.NULL)
_CERT_REQ = der.encode(der.BOOLEAN, b"\xff")
_SHORT = 0x80
"""Lengths below are one octet."""

_KNOWN_POLICIES = 256
"""How many policies are kept decoded; callers choose them, so the number has a bound."""


def _beginning(parameters: bytes | None) -> bytes:
    # version INTEGER 1, and messageImprint up to its digest.
    oid = der.encode(der.OBJECT_IDENTIFIER, ID_SHA256)
    algorithm = der.encode(der.SEQUENCE, oid, parameters or b"")
    digest = der.encode(der.OCTET_STRING, bytes(SHA256_SIZE))
    imprint = der.encode(der.SEQUENCE, algorithm, digest)
    return der.encode_integer(1) + imprint[:-SHA256_SIZE]


# Parameters NULL, as OpenSSL and many others write them, or absent.
_BEGINNINGS = tuple(
    (_beginning(parameters), AlgorithmIdentifier(ID_SHA256, parameters))
    for parameters in (_NULL, None)
)


def read_request(data: bytes) -> ParsedRequest:
    """Parse a DER TimeStampReq; Refused(NotDer, Malformed, UnexpectedField, TrailingData)."""
    return _usual(data) or parse_request(data)


def _usual(data: bytes) -> ParsedRequest | None:
    # None: not of the usual form, which says nothing about whether it is good.
    size = len(data)
    if size >= _SHORT or data[:2] != bytes([der.SEQUENCE, size - 2 & 0xFF]):
        return None
    for beginning, algorithm in _BEGINNINGS:
        if data.startswith(beginning, 2):
            at = 2 + len(beginning) + SHA256_SIZE
            if at <= size:
                return _usual_rest(data, at, algorithm)
    return None


def _usual_rest(data: bytes, at: int, algorithm: AlgorithmIdentifier) -> ParsedRequest | None:
    # What stands behind the imprint, which ends at `at`: policy, nonce, certReq, each optional.
    imprint = data[at - SHA256_SIZE : at]
    oid, at = _optional(data, at, der.OBJECT_IDENTIFIER)
    policy = None if oid is None else _policy(oid)
    number, at = _optional(data, at, der.INTEGER)
    rest = data[at:]
    is_usual = (
        (oid is None or policy is not None)
        and (number is None or der.integer_is_minimal(number))
        and rest in (b"", _CERT_REQ)
    )
    if not is_usual:
        return None
    nonce = None if number is None else der.integer(number)
    return ParsedRequest(1, algorithm, imprint, policy, nonce, rest != b"", has_extensions=False)


def _optional(data: bytes, at: int, tag: int) -> tuple[bytes | None, int]:
    # (contents, behind it) of a value of this tag that is whole; else (None, `at`).
    if len(data) < at + 2 or data[at] != tag or data[at + 1] >= _SHORT:
        return None, at
    end = at + 2 + data[at + 1]
    return (data[at + 2 : end], end) if end <= len(data) else (None, at)


@lru_cache(maxsize=_KNOWN_POLICIES)
def _policy(contents: bytes) -> str | None:
    try:
        der.check(der.encode(der.OBJECT_IDENTIFIER, contents))
    except Refused:
        return None
    return der.oid_text(contents)
