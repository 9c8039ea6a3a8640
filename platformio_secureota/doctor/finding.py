"""What a check has found."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platformio_secureota.errors import SecureOTAError


class Level(str, enum.Enum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """It works; somebody should know."""
    PROBLEM = "problem"
    """Signing, or updating a device, will fail, or is not safe."""


@dataclass(frozen=True)
class Finding:
    """One line about one thing."""

    check: str
    """What was looked at: "key", "anchor", "tsa", ..."""
    level: Level
    text: str
    advice: str = ""
    """What to do about it; empty where there is nothing to be done."""

    def as_json(self) -> dict[str, str]:
        """For machines; `advice` is there even if it is empty."""
        return {
            "check": self.check,
            "level": self.level.value,
            "text": self.text,
            "advice": self.advice,
        }


def good(check: str, text: str) -> Finding:
    """It is as it should be."""
    return Finding(check, Level.OK, text)


def warning(check: str, text: str, advice: str = "") -> Finding:
    """It works, but."""
    return Finding(check, Level.WARNING, text, advice)


def problem(check: str, text: str, advice: str = "") -> Finding:
    """It will not work, or is not safe."""
    return Finding(check, Level.PROBLEM, text, advice)


def failed(check: str, error: SecureOTAError) -> Finding:
    """What an operation of ours said when it could not be done."""
    text = f"{error.reason.value}: {error.reason.sentence}"
    return problem(check, f"{text} ({error.detail})" if error.detail else text, error.hint)
