"""Bytes as lines for people: printed on paper, typed from it years later.

A line is a letter, three digits, the data in Crockford's base32, and a checksum of four characters
over all that stands before it:

    K001 MB0D9 S7G5B 0YGM2 R0J8E 90K1J 6JV0H 2PQ3W 8ZC5T 4Q7R

The letter says of what the line is a part, the digits which one.  Line 000 sums up the part: a
version, the number of bytes, and the beginning of their SHA-256.  The alphabet has no I, L, O
and U; whoever reads 1 and 0 as letters is understood, and so are lower case and any spacing.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Unusable

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY, CERTIFICATES = "K", "C"
"""Letters of the parts."""

_PARTS = {KEY: "the key", CERTIFICATES: "the certificates"}
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_LOOKALIKES = str.maketrans({"I": "1", "L": "1", "O": "0"})

BYTES_PER_LINE = 25
"""40 characters in eight groups of five: what the eye keeps between sheet and screen."""

MAX_BYTES = 999 * BYTES_PER_LINE
"""As far as three digits count."""

_GROUP = 5
_CHECK = 4
"""20 bits: one wrong line in a million passes, and then the part's own digest tells."""

_VERSION = 1
_DIGEST_BYTES = 7
_HEADER_BYTES = 1 + 2 + _DIGEST_BYTES  # version, number of bytes, digest

_NOISE = re.compile(r"[\s.:,;|_*-]+")
_SEPARATOR = re.compile(r"[\n\r/]")
"""QR codes have no line breaks in their alphanumeric mode; a slash stands for one."""
_NAME = re.compile(r"([KC])([0-9OIL]{3})", re.IGNORECASE)


def encode(part: str, data: bytes) -> list[str]:
    """Write bytes as lines: the summing-up first, then the data, in order."""
    if len(data) > MAX_BYTES:
        detail = f"{len(data)} bytes, and a sheet takes {MAX_BYTES}"
        raise Unusable(Reason.KeyUnusable, detail)
    rows = [data[at : at + BYTES_PER_LINE] for at in range(0, len(data), BYTES_PER_LINE)]
    return [_line(part, number, row) for number, row in enumerate([_header(data), *rows])]


def _header(data: bytes) -> bytes:
    digest = hashlib.sha256(data).digest()[:_DIGEST_BYTES]
    return bytes([_VERSION]) + len(data).to_bytes(2, "big") + digest


def _line(part: str, number: int, data: bytes) -> str:
    name, characters = f"{part}{number:03d}", _to_base32(data)
    groups = [characters[at : at + _GROUP] for at in range(0, len(characters), _GROUP)]
    return " ".join([name, *groups, _checksum(name + characters)])


def _checksum(text: str) -> str:
    return _to_base32(hashlib.sha256(text.encode("ascii")).digest())[:_CHECK]


def _to_base32(data: bytes) -> str:
    count = -(-len(data) * 8 // 5)
    value = int.from_bytes(data, "big") << (count * 5 - len(data) * 8)
    return "".join(_ALPHABET[value >> 5 * (count - 1 - at) & 31] for at in range(count))


def _from_base32(characters: str) -> bytes:
    value = 0
    for character in characters:
        value = value << 5 | _VALUES[character]
    size = len(characters) * 5 // 8
    return (value >> (len(characters) * 5 - size * 8)).to_bytes(size, "big")


def compact(lines: Iterable[str]) -> str:
    """Lines as the text of one QR code, in the characters of its alphanumeric mode."""
    return "/".join(line.replace(" ", "") for line in lines)


def is_line(text: str) -> bool:
    """Whether a text begins as a line of a sheet does; other lines are prose."""
    return _NAME.match(_NOISE.sub("", text)) is not None


@dataclass
class Reader:
    """Collects lines, in any order and from any source, and gives back the bytes."""

    _lines: dict[str, dict[int, bytes]] = field(default_factory=dict)
    _faults: dict[str, str] = field(default_factory=dict)
    """What is wrong with a line that has not been read well yet, by the line's name."""

    def feed(self, text: str) -> str:
        """Read text; lines of prose are passed over.  Returns what is wrong with it, or "".

        A line that was read well once stays read; wrong ones can be fed again.
        """
        faults = [self._feed_line(line) for line in _SEPARATOR.split(text) if is_line(line)]
        return "; ".join(fault for fault in faults if fault)

    def _feed_line(self, line: str) -> str:
        text = _NOISE.sub("", line).upper().translate(_LOOKALIKES)
        part, number, name = text[0], int(text[1:4]), text[:4]
        fault = _fault(text)
        if fault:
            if number not in self._lines.get(part, {}):
                self._faults[name] = fault
            return f"{name} {fault}"
        data = _from_base32(text[4:-_CHECK])
        if self._lines.setdefault(part, {}).setdefault(number, data) != data:
            detail = f"{name} was read in two versions: these are lines of two sheets"
            raise Unusable(Reason.BackupUnreadable, detail)
        self._faults.pop(name, None)
        return ""

    def missing(self, part: str) -> list[str]:
        """Names of the lines that are still to be read; the first one alone before it is known."""
        lines = self._lines.get(part, {})
        if 0 not in lines:
            return [f"{part}000"]
        return [f"{part}{n:03d}" for n in range(1, self._count(part) + 1) if n not in lines]

    def data(self, part: str) -> bytes:
        """Give the bytes of a part; Unusable(BackupUnreadable) names every wrong line."""
        missing = self.missing(part)
        wrong = {name: why for name, why in self._faults.items() if name[0] == part}
        for name in missing:
            wrong.setdefault(name, "is missing")
        if wrong:
            detail = "; ".join(f"{name} {wrong[name]}" for name in sorted(wrong))
            hint = "compare these lines with the sheet, character by character"
            raise Unusable(Reason.BackupUnreadable, detail, hint=hint)
        lines = self._lines[part]
        data = b"".join(lines[number] for number in range(1, self._count(part) + 1))
        if _header(data) != lines[0]:
            detail = f"the lines {part} don't add up to what {part}000 says of {_PARTS[part]}"
            raise Unusable(Reason.BackupUnreadable, detail)
        return data

    def _count(self, part: str) -> int:
        header = self._lines[part][0]
        if len(header) != _HEADER_BYTES or header[0] != _VERSION:
            detail = f"{part}000 is of a form that this version does not know"
            raise Unusable(Reason.BackupUnreadable, detail)
        return -(-int.from_bytes(header[1:3], "big") // BYTES_PER_LINE)


def _fault(text: str) -> str:
    for character in text[4:]:
        if character not in _VALUES:
            return f"has the character {character!r}, which the sheet does not use"
    length, full = len(text), 4 + BYTES_PER_LINE * 8 // 5 + _CHECK
    if length > full:
        return f"is too long: {length} characters, {full} at most"
    if length <= 4 + _CHECK:
        return "is too short"
    if _checksum(text[:-_CHECK]) != text[-_CHECK:]:
        short = "" if length == full else f" (it has {length} characters, a whole line {full})"
        return f"has a wrong character{short}"
    return ""
