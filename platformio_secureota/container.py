r"""The container: header line, token, image, one behind the other.

    RedWax/1.00 rfc3161=<n> payload=<m>[ key=value ...]\n   at most 128 bytes with the newline
    TimeStampResp, DER                                      n bytes
    image                                                   m bytes

The token stands before the image so that a device can judge it before it erases anything.  The
header is framing: nobody signed it, so nothing but sizes is taken from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_HEADER_SIZE = 128
"""Bytes with the newline: what deployed readers take in their first read."""

MAX_TOKEN_SIZE = 16 * 1024
"""Bytes of TimeStampResp: what deployed readers hold in memory."""

MAX_SIZE = 2**32 - 1
"""Bytes of an image: sizes are 32 bits wide on the device."""

_MAGIC = b"RedWax/"
_HEADER = re.compile(rb"RedWax/1\.[0-9]+(?: [!-<>-~]+=[!-~]*)+")
_NUMBER = re.compile(rb"[1-9][0-9]{0,9}")
_TOKEN_KEY, _IMAGE_KEY = "rfc3161", "payload"


@dataclass(frozen=True)
class Container:
    """A container taken apart.  Nothing of it has been verified."""

    token: bytes
    """DER TimeStampResp."""
    image: bytes
    keys: dict[str, str] = field(default_factory=dict)
    """Header keys besides the two sizes.  Unsigned: for display, never for a decision."""


def build(token: bytes, image: bytes, *, keys: Mapping[str, str] | None = None) -> bytes:
    """Put a container together.  ValueError if `keys` don't fit the header."""
    sizes = {_TOKEN_KEY: str(len(token)), _IMAGE_KEY: str(len(image))}
    pairs = {**sizes, **(keys or {})}
    header = b"RedWax/1.00" + "".join(f" {k}={v}" for k, v in pairs.items()).encode("ascii")
    if not _HEADER.fullmatch(header) or len(header) + 1 > MAX_HEADER_SIZE:
        message = f"not a container header of at most {MAX_HEADER_SIZE} bytes: {header!r}"
        raise ValueError(message)
    return header + b"\n" + token + image


def parse(data: bytes) -> Container:
    """Take a whole container apart; Refused says what is wrong with it."""
    if not data.startswith(_MAGIC):
        raise Refused(Reason.NotSigned, hint="sign it with `secureota sign`")
    end = data.find(b"\n", 0, MAX_HEADER_SIZE)
    if end < 0:
        raise Refused(Reason.HeaderTooLong if len(data) >= MAX_HEADER_SIZE else Reason.Truncated)
    pairs = _parse_header(data[:end])
    token_size = _size(pairs, _TOKEN_KEY)
    image_size = _size(pairs, _IMAGE_KEY)
    if token_size > MAX_TOKEN_SIZE:
        raise Refused(Reason.TokenTooLarge, f"{token_size} bytes, at most {MAX_TOKEN_SIZE}")
    image_at = end + 1 + token_size
    missing = image_at + image_size - len(data)
    if missing > 0:
        raise Refused(Reason.Truncated, f"{missing} bytes are missing")
    if missing < 0:
        raise Refused(Reason.TrailingData, f"{-missing} bytes behind the image")
    others = {k: v.decode("ascii") for k, v in pairs.items() if k not in (_TOKEN_KEY, _IMAGE_KEY)}
    return Container(token=data[end + 1 : image_at], image=data[image_at:], keys=others)


def _parse_header(line: bytes) -> dict[str, bytes]:
    if not _HEADER.fullmatch(line):
        raise Refused(Reason.HeaderMalformed)
    pairs: dict[str, bytes] = {}
    for pair in line.split(b" ")[1:]:
        name, _, value = pair.partition(b"=")
        key = name.decode("ascii")
        if key in pairs and key in (_TOKEN_KEY, _IMAGE_KEY):
            raise Refused(Reason.HeaderMalformed, f"{key} is there twice")
        pairs.setdefault(key, value)
    return pairs


def _size(pairs: dict[str, bytes], key: str) -> int:
    value = pairs.get(key, b"")
    if not _NUMBER.fullmatch(value) or int(value) > MAX_SIZE:
        raise Refused(Reason.HeaderMalformed, f"{key} is not a size")
    return int(value)
