"""One device of many."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from platformio_secureota.ota import Connection, Settings, Target


@dataclass(frozen=True)
class Device:
    """Who it is, and what is particular about it.  None: as for all the others."""

    name: str
    """What its owner calls it: each name once."""
    target: Target
    groups: tuple[str, ...] = ()
    canary: bool = False
    """It is updated before those that are none."""
    password_file: Path | None = None
    allow_weak_password: bool | None = None
    connection: Connection | None = None

    def settings(self, common: Settings) -> Settings:
        """How an upload to it is done."""
        found = common
        if self.allow_weak_password is not None:
            found = dataclasses.replace(found, allow_weak_password=self.allow_weak_password)
        if self.connection is not None:
            found = dataclasses.replace(found, connection=self.connection)
        return found
