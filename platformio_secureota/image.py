"""The image: the bytes that a token covers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Unusable

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Image:
    """Firmware or a filesystem, exactly as it will lie in flash."""

    data: bytes

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the bytes: what becomes the token's messageImprint."""
        return hashlib.sha256(self.data).digest()

    @classmethod
    def read(cls, path: Path) -> Image:
        """Read a file.  Unusable(FileUnreadable), also for an empty one."""
        try:
            data = path.read_bytes()
        except OSError as cause:
            raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
        if not data:
            raise Unusable(Reason.FileUnreadable, f"{path}: the file is empty")
        return cls(data)
