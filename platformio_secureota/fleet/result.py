"""What became of one device."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platformio_secureota.errors import SecureOTAError
    from platformio_secureota.fleet.device import Device
    from platformio_secureota.ota import Status, Verdict


class Outcome(enum.Enum):
    """The value says it in words."""

    UPDATED = "updated"
    ALREADY = "already"
    """It ran the image before we came: nothing was sent."""
    FAILED = "failed"
    UNTOUCHED = "untouched"
    """Its turn did not come."""
    BROKEN_OFF = "broken off"
    """The user did not wait for its verdict: nobody knows."""

    @property
    def good(self) -> bool:
        """Whether the device has the image."""
        return self in {Outcome.UPDATED, Outcome.ALREADY}


@dataclass(frozen=True)
class Done:
    """How one device was served."""

    verdict: Verdict | None
    """None: nothing had to be sent."""
    status: Status | None = None
    """What it said that it runs; None: it was not asked, or does not know the question."""
    waited: bool = False
    """It was asked after the upload."""


@dataclass(frozen=True)
class Result:
    """One device's line of the report."""

    device: Device
    outcome: Outcome
    error: SecureOTAError | None = None
    """Why it failed."""
    done: Done | None = None
    seconds: float = 0.0
    """From its turn to its outcome."""
