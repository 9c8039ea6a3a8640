"""What became of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platformio_secureota.fleet.result import Outcome

if TYPE_CHECKING:
    from platformio_secureota.fleet.result import Result


@dataclass(frozen=True)
class Report:
    """Every device once, canaries first."""

    results: tuple[Result, ...]
    interrupted: bool
    """The user stopped it."""

    @property
    def complete(self) -> bool:
        """Whether every device has the image."""
        return all(each.outcome.good for each in self.results)

    def count(self, outcome: Outcome) -> int:
        """How many ended so."""
        return sum(each.outcome is outcome for each in self.results)

    def in_words(self) -> str:
        """One line: `3 devices: 1 updated, 1 failed, 1 untouched`."""
        counts = [(self.count(outcome), outcome.value) for outcome in Outcome]
        found = ", ".join(f"{count} {name}" for count, name in counts if count)
        total = len(self.results)
        return f"{total} device{'' if total == 1 else 's'}: {found}"

    def as_json(self, *, image: str) -> dict[str, Any]:
        """For machines; `image` is the digest of what they should run.  docs/fleet.md."""
        return {
            "image": image,
            "complete": self.complete,
            "interrupted": self.interrupted,
            "counts": {outcome.value: self.count(outcome) for outcome in Outcome},
            "devices": [_device(each) for each in self.results],
        }


def _device(result: Result) -> dict[str, Any]:
    error, done = result.error, result.done
    verdict = done.verdict if done is not None else None
    status = done.status if done is not None else None
    return {
        "name": result.device.name,
        "target": str(result.device.target),
        "outcome": result.outcome.value,
        "reason": error.reason.value if error is not None else None,
        "detail": error.detail if error is not None else None,
        "hint": error.hint if error is not None else None,
        "seconds": round(result.seconds, 2),
        "ip": verdict.ip if verdict is not None else None,
        "bytes": verdict.size if verdict is not None else 0,
        "version": status.version if status is not None else None,
        "confirmed": status.confirmed if status is not None else None,
    }
