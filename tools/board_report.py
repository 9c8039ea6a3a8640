"""What a trial of a board found (board_trial.py), for people and for machines."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Step:
    """One thing that was tried."""

    name: str
    expected: str
    observed: str
    good: bool
    seconds: float

    @property
    def line(self) -> str:
        """For the terminal."""
        verdict = "ok" if self.good else "NOT OK"
        return f"{verdict:7}{self.name} ({self.seconds:.1f} s): {self.observed}"


@dataclass
class Report:
    """Grows with each step, and is written after each: a trial may end before its time."""

    board: str
    tool: str
    """Version of this package."""
    started: str
    """RFC 3339, UTC."""
    images: dict[str, str] = field(default_factory=dict)
    """Name and SHA-256."""
    steps: list[Step] = field(default_factory=list)
    complete: bool = False

    @property
    def good(self) -> bool:
        """Everything was tried, and was as it should be."""
        return self.complete and all(step.good for step in self.steps)

    def write(self, folder: Path) -> None:
        """Write report.json and report.md."""
        folder.mkdir(parents=True, exist_ok=True)
        facts = {**asdict(self), "good": self.good}
        (folder / "report.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
        (folder / "report.md").write_text(self.markdown(), "utf-8")

    def markdown(self) -> str:
        """A page that can be attached to an issue."""
        bad = sum(not step.good for step in self.steps)
        outcome = "as it should be" if self.good else f"{bad} not as it should be"
        if not self.complete:
            outcome += "; it did not come to its end"
        lines = [f"# {_cell(self.board)}: {outcome}", ""]
        lines += [f"Begun {self.started}, with SecureOTA {self.tool}.", ""]
        lines += [f"- {name}: `{digest}`" for name, digest in self.images.items()]
        lines += ["", "| | Step | Expected | Observed | s |", "| --- | --- | --- | --- | --- |"]
        for step in self.steps:
            verdict = "ok" if step.good else "**NOT OK**"
            cells = [verdict, *map(_cell, (step.name, step.expected, step.observed))]
            lines.append(f"| {' | '.join(cells)} | {step.seconds:.1f} |")
        return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    """Text from a device, in a table."""
    return " ".join(text.replace("|", "/").split())
