"""What lies in the emulated device's flash.bin (src/secureota/port/posix/flash_layout.h)."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

SECTOR = 4096
BLOCK = 64 * 1024
SLOT_SIZE = 32 * 1024 * 1024
BOOT_DATA = 0
RECORD = 2 * SECTOR
SLOTS = (BLOCK, BLOCK + SLOT_SIZE)
FILESYSTEM = BLOCK + 2 * SLOT_SIZE

STATES = ("empty", "new", "pending", "valid", "invalid", "aborted")


class Slot(NamedTuple):
    """One slot, as the boot data have it."""

    state: str
    size: int
    digest: bytes


class FlashFile:
    """Reads; and damages, where a test wants that."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "flash.bin"

    def read(self, offset: int, size: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def write(self, offset: int, data: bytes) -> None:
        with self._path.open("r+b") as file:
            file.seek(offset)
            file.write(data)

    def kept(self, offset: int) -> bytes:
        """Return the newer good one of the two copies at this place."""
        copies = []
        for place in (offset, offset + SECTOR):
            sequence, size = struct.unpack("<II", self.read(place, 8))
            whole = self.read(place, 8 + min(size, SECTOR) + 4)
            if zlib.crc32(whole[:-4]) == int.from_bytes(whole[-4:], "little"):
                copies.append((sequence, whole[8:-4]))
        return max(copies)[1]

    @property
    def boots(self) -> int:
        """The slot whose turn it is."""
        return self.kept(BOOT_DATA)[1]

    def slot(self, number: int) -> Slot:
        fields = struct.unpack_from("<BI32s", self.kept(BOOT_DATA), 2 + number * 37)
        return Slot(STATES[fields[0]], *fields[1:])

    def program(self, number: int) -> bytes:
        """Return the image in a slot, as long as the boot data say that it is."""
        return self.read(SLOTS[number], self.slot(number).size)
