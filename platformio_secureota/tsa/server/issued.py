"""What a reply of ours says, for the log: read back from its bytes, not from what was meant."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple

from platformio_secureota import der
from platformio_secureota.algorithms import SHA256_SIZE


class Issued(NamedTuple):
    """A granted reply."""

    serial: str
    imprint: str
    policy: str
    time: str
    """genTime, RFC 3339."""
    digest: str
    """SHA-256 of the whole TimeStampResp: what `sha256sum firmware.tsr` prints."""


_BEGINNING = 96
"""Octets of a reply that hold all headers in front of a TSTInfo's fields; some 80 are used."""


def read_reply(reply: bytes) -> Issued | None:
    """Read a TimeStampResp that `LocalTSA` wrote; None for a rejection."""
    # By positions, and only what is needed: this is done for every token.
    at = _fields_at(reply[:_BEGINNING], len(reply))
    if at is None:
        return None
    policy, at = _value(reply, at)
    imprint, at = _value(reply, at)
    serial, at = _value(reply, at)
    gen_time, at = _value(reply, at)
    return Issued(
        serial=serial.hex(),
        imprint=imprint[-SHA256_SIZE:].hex(),
        policy=_policy(policy),
        time=_rfc3339(gen_time),
        digest=hashlib.sha256(reply).hexdigest(),
    )


@lru_cache(maxsize=256)
def _fields_at(beginning: bytes, size: int) -> int | None:
    # Where a TSTInfo's policy begins, in a reply of `size` octets: down to the TSTInfo (RFC 3161
    # 2.4.2, RFC 5652 5.1) over what stands before it.  A signer's replies have few beginnings.
    def into(at: int) -> int:
        return der.read_header(beginning, at, size)[1]

    def over(at: int) -> int:
        return der.read_header(beginning, at, size)[2]

    at = over(into(0))  # TimeStampResp's status
    if at == size:
        return None
    at = over(into(at))  # ContentInfo's contentType
    at = into(into(at))  # [0], SignedData
    at = into(over(over(at)))  # over version and digestAlgorithms into encapContentInfo
    at = into(into(into(over(at))))  # over eContentType into [0], OCTET STRING, TSTInfo
    return over(at)  # version


def _value(data: bytes, at: int) -> tuple[bytes, int]:
    _, start, end = der.read_header(data, at, len(data))
    return data[start:end], end


@lru_cache(maxsize=256)
def _policy(contents: bytes) -> str:
    return der.oid_text(contents)


@lru_cache(maxsize=4)
def _rfc3339(contents: bytes) -> str:
    # 20260504030201.5Z; the same for many tokens, unless it has a fraction
    text = contents.decode("ascii")
    date, time = f"{text[:4]}-{text[4:6]}-{text[6:8]}", f"{text[8:10]}:{text[10:12]}:{text[12:14]}"
    return f"{date}T{time}{text[14:]}"
