"""Running `secureota` in this process, and looking at what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from platformio_secureota.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        return self.out.splitlines()[-1] if self.out else ""


@dataclass(frozen=True)
class Shell:
    """Runs commands in a folder of their own."""

    folder: Path
    _capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object) -> Outcome:
        self._capture.readouterr()
        status = main([str(argument) for argument in arguments])
        out, err = self._capture.readouterr()
        assert "Traceback" not in err, err
        return Outcome(status, out, err)

    def fails(self, reason: str, *arguments: object, status: int = 2) -> Outcome:
        """The command ends with this Reason, named in one line, and prints no result."""
        outcome = self(*arguments)
        kind = "refused" if status == 1 else "error"
        first = outcome.err.splitlines()[0] if outcome.err else ""
        assert first.startswith(f"secureota: {kind}: {reason}: "), outcome
        assert outcome.status == status, outcome
        assert outcome.out == ""
        return outcome
