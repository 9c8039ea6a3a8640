"""Sections and symbols of an ELF object, 32 or 64 bits wide, little-endian (System V gABI, 4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NOBITS = 8
WRITE, ALLOC, EXECUTE = 1, 2, 4
_SYMBOL_TABLE = 2
_UNDEFINED = 0
_LOCAL = 0

# Fields in the order of the structures, without alignment.
_FILE_HEADER = {1: "<16xHHIIIIIHHHHHH", 2: "<16xHHIQQQIHHHHHH"}
_SECTION_HEADER = {1: "<IIIIIIIIII", 2: "<IIQQQQIIQQ"}
_SYMBOL = {1: "<IIIBBH", 2: "<IBBHQQ"}


class NotElf(Exception):
    """The file is no little-endian ELF object."""


@dataclass(frozen=True)
class Section:
    """A section that takes up room, or not, by its flags."""

    name: str
    kind: int
    flags: int
    size: int

    @property
    def area(self) -> str | None:
        """Where it goes: .text, .rodata, .data, .bss; None if a device does not hold it."""
        if not self.flags & ALLOC:
            return None
        if self.flags & EXECUTE:
            return ".text"
        if not self.flags & WRITE:
            return ".rodata"
        return ".bss" if self.kind == NOBITS else ".data"


@dataclass(frozen=True)
class ElfObject:
    """What is in one object file."""

    sections: list[Section]
    defined: frozenset[str]
    """Names that others may use."""
    undefined: frozenset[str]
    """Names that others must bring."""


def read(path: Path) -> ElfObject:
    """Take the file apart. NotElf."""
    data = path.read_bytes()
    if data[:4] != b"\x7fELF" or data[4] not in _SYMBOL or data[5] != 1:
        message = f"{path}: not a little-endian ELF object"
        raise NotElf(message)
    width = data[4]
    header = struct.unpack_from(_FILE_HEADER[width], data)
    table, entry_size, count, names = header[5], header[10], header[11], header[12]
    headers = [
        struct.unpack_from(_SECTION_HEADER[width], data, table + i * entry_size)
        for i in range(count)
    ]
    sections = [
        Section(_text(data, headers[names][4] + name), kind, flags, size)
        for name, kind, flags, _address, _offset, size, *_ in headers
    ]
    defined: set[str] = set()
    undefined: set[str] = set()
    for _name, kind, _flags, _address, offset, size, link, *_ in headers:
        if kind != _SYMBOL_TABLE:
            continue
        layout = struct.Struct(_SYMBOL[width])
        for symbol in layout.iter_unpack(data[offset : offset + size]):
            name, info, section = (
                (symbol[0], symbol[3], symbol[5])
                if width == 1
                else (symbol[0], symbol[1], symbol[3])
            )
            if name == 0 or info >> 4 == _LOCAL:
                continue
            text = _text(data, headers[link][4] + name)
            (undefined if section == _UNDEFINED else defined).add(text)
    return ElfObject(sections, frozenset(defined), frozenset(undefined))


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode("ascii")
