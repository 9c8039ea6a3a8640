"""What a reply of ours says, for the log: read back from its bytes, not from what was meant."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from platformio_secureota import der
from platformio_secureota.timestamp import parse_tst_info


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
    # Down to the TSTInfo (RFC 3161 2.4.2, RFC 5652 5.1), over what stands before it.
    response = der.Reader(der.Reader(reply).read(der.SEQUENCE))
    response.read(der.SEQUENCE)  # status
    if response.at_end():
        return None
    content_info = der.Reader(response.read(der.SEQUENCE))
    content_info.read(der.OBJECT_IDENTIFIER)
    content = der.Reader(content_info.read(der.context_constructed(0)))
    signed_data = der.Reader(content.read(der.SEQUENCE))
    signed_data.read(der.INTEGER)  # version
    signed_data.read(der.SET)  # digestAlgorithms
    encapsulated = der.Reader(signed_data.read(der.SEQUENCE))
    encapsulated.read(der.OBJECT_IDENTIFIER)
    wrapped = der.Reader(encapsulated.read(der.context_constructed(0)))
    info = parse_tst_info(wrapped.read(der.OCTET_STRING))
    return Issued(
        serial=info.serial.hex(),
        imprint=info.imprint.hex(),
        policy=der.oid_text(info.policy),
        time=_rfc3339(info.gen_time.decode("ascii")),
        digest=hashlib.sha256(reply).hexdigest(),
    )


def _rfc3339(text: str) -> str:
    # 20260504030201.5Z
    date, time = f"{text[:4]}-{text[4:6]}-{text[6:8]}", f"{text[8:10]}:{text[10:12]}:{text[12:14]}"
    return f"{date}T{time}{text[14:]}"
