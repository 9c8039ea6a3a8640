"""What a reply of ours says, for the log: read back from its bytes, not from what was meant."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from platformio_secureota import der


@dataclass(frozen=True)
class Issued:
    """A granted reply."""

    serial: str
    imprint: str
    policy: str
    time: str
    """genTime, RFC 3339."""
    digest: str
    """SHA-256 of the whole TimeStampResp: what `sha256sum firmware.tsr` prints."""


def read_reply(reply: bytes) -> Issued | None:
    """Read a TimeStampResp that `LocalTSA` wrote; None for a rejection."""
    # By positions, and only what is needed: this is done for every token.  Down to the TSTInfo
    # (RFC 3161 2.4.2, RFC 5652 5.1), over what stands before it.
    at = _into(reply, 0)  # TimeStampResp
    at = _over(reply, at)  # status
    if at == len(reply):
        return None
    at = _into(reply, at)  # ContentInfo
    at = _over(reply, at)  # contentType
    at = _into(reply, _into(reply, at))  # [0], SignedData
    at = _over(reply, _over(reply, at))  # version, digestAlgorithms
    at = _into(reply, at)  # encapContentInfo
    at = _over(reply, at)  # eContentType
    at = _into(reply, _into(reply, _into(reply, at)))  # [0], OCTET STRING, TSTInfo
    at = _over(reply, at)  # version
    policy, at = _value(reply, at)
    imprint, at = _value(reply, at)
    serial, at = _value(reply, at)
    gen_time, at = _value(reply, at)
    return Issued(
        serial=serial.hex(),
        imprint=_value(imprint, _over(imprint, 0))[0].hex(),
        policy=_policy(policy),
        time=_rfc3339(gen_time.decode("ascii")),
        digest=hashlib.sha256(reply).hexdigest(),
    )


def _into(data: bytes, at: int) -> int:
    return der.read_header(data, at, len(data))[1]


def _over(data: bytes, at: int) -> int:
    return der.read_header(data, at, len(data))[2]


def _value(data: bytes, at: int) -> tuple[bytes, int]:
    _, start, end = der.read_header(data, at, len(data))
    return data[start:end], end


@lru_cache(maxsize=256)
def _policy(contents: bytes) -> str:
    return der.oid_text(contents)


def _rfc3339(text: str) -> str:
    # 20260504030201.5Z
    date, time = f"{text[:4]}-{text[4:6]}-{text[6:8]}", f"{text[8:10]}:{text[10:12]}:{text[12:14]}"
    return f"{date}T{time}{text[14:]}"
