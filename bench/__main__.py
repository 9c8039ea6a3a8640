"""`make bench`: run the groups, print the table, write build/bench.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich.console
import rich.table

from bench import cost, fleet, http, sign, tsa, upload

if TYPE_CHECKING:
    from bench.measurement import Measurement

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "build" / "bench.json"


def authority() -> list[Measurement]:
    """Issuing in one process, and over HTTP."""
    return [*tsa.measure(), *http.measure()]


def uploads() -> list[Measurement]:
    """To one device over a slow link, and to many at once."""
    return [*upload.measure(), *fleet.measure()]


GROUPS = {"sign": sign.measure, "tsa": authority, "upload": uploads, "device": cost.measure}

NOTES = {"upload": upload.memory, "device": cost.table}
"""What a group has to say besides: lines below the table."""


def table(measurements: list[Measurement]) -> rich.table.Table:
    """One row a measurement; a ratio below its goal stands out."""
    view = rich.table.Table(box=None, header_style="bold")
    for heading in ("", "ours", "peer's", "unit", "peer", "ratio", "goal"):
        is_number = heading in {"ours", "peer's", "ratio", "goal"}
        view.add_column(heading, justify="right" if is_number else "left")
    for one in measurements:
        ratio = f"{one.ratio:.2f}"
        view.add_row(
            one.name,
            f"{one.value:,.1f}",
            f"{one.peer_value:,.1f}",
            one.unit,
            one.peer,
            ratio if one.ratio >= one.goal else f"[red]{ratio}[/red]",
            f"{one.goal:.2f}",
        )
    return view


def main(names: list[str]) -> int:
    """Run the named groups, or all."""
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        sys.stderr.write(f"bench: no group {unknown[0]!r}; there is: {', '.join(GROUPS)}\n")
        return 2
    chosen = names or list(GROUPS)
    measurements = [one for name in chosen for one in GROUPS[name]()]
    console = rich.console.Console()
    console.print(table(measurements))
    for name in chosen:
        for note in NOTES.get(name, list)():
            console.print(note, highlight=False, soft_wrap=True)
    RESULT.parent.mkdir(exist_ok=True)
    fresh = RESULT.with_suffix(".json.new")
    fresh.write_text(json.dumps([one.as_json() for one in measurements], indent=2) + "\n", "utf-8")
    fresh.replace(RESULT)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
