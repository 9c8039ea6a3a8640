"""How a rollout is shown: bars on a terminal, lines in a log, and a table at the end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
import rich.box
import rich.table
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.text import Text

from platformio_secureota.cli import console, verdict
from platformio_secureota.cli.unframed import Unframed
from platformio_secureota.fleet import Outcome
from platformio_secureota.names import printable

if TYPE_CHECKING:
    from types import TracebackType

    from platformio_secureota.fleet import Device, Report, Result
    from platformio_secureota.ota import State

_STYLES = {
    Outcome.UPDATED: "green",
    Outcome.ALREADY: "green",
    Outcome.FAILED: "bold red",
    Outcome.UNTOUCHED: "dim",
    Outcome.BROKEN_OFF: "bold yellow",
}


def display(total: int) -> Lines:
    """Choose for where stderr goes."""
    return _Bars(total) if sys.stderr.isatty() else Lines(total)


class Lines(Unframed):
    """For logs: a line when a device's turn comes, and one when its outcome is known."""

    def __init__(self, total: int) -> None:
        """`total`: how many devices there are."""
        self._total = total
        self._ended = 0

    def begins(self, device: Device, *, canary: bool) -> None:
        """Write who it is."""
        self._say(f"{device.name}: begins{', as canary' if canary else ''}")

    def state(self, device: Device, state: State) -> None:
        """Nothing: among many devices that would be noise."""

    def progress(self, device: Device, done: int, total: int) -> None:
        """Nothing."""

    def ends(self, result: Result) -> None:
        """Write the outcome, and how far the whole is."""
        self._ended += 1
        why = _why(result)
        line = f"[{self._ended}/{self._total}] {result.device.name}: {result.outcome.value}"
        self._say(f"{line}: {why}" if why else f"{line} in {result.seconds:.1f} s")

    def stops(self, why: str) -> None:
        """Write why."""
        self._say(f"no further device is begun: {why}")

    def _say(self, line: str) -> None:
        console.note(line)


class _Bars(Lines):
    # For people: a bar for each device that is under way, and one for all of them.

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self._bars = Progress(
            TextColumn("{task.fields[name]}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
        )
        self._all = self._bars.add_task("", name="all devices", total=total)
        self._tasks: dict[Device, TaskID] = {}

    def __enter__(self) -> _Bars:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def begins(self, device: Device, *, canary: bool) -> None:
        name = printable(device.name) + (" (canary)" if canary else "")
        self._tasks[device] = self._bars.add_task("", name=name, total=None)

    def state(self, device: Device, state: State) -> None:
        self._bars.update(self._tasks[device], description=state.value)

    def progress(self, device: Device, done: int, total: int) -> None:
        self._bars.update(self._tasks[device], completed=done, total=total)

    def ends(self, result: Result) -> None:
        self._bars.remove_task(self._tasks.pop(result.device))
        super().ends(result)
        done = f"{self._ended} of {self._total}"
        self._bars.update(self._all, completed=self._ended, description=done)

    def _say(self, line: str) -> None:
        self._bars.console.print(Text(printable(line)))


def show(report: Report, *, to_stderr: bool) -> None:
    """Print the table: one line a device, and what to do about those that failed."""
    stream = sys.stderr if to_stderr else sys.stdout
    if stream.isatty():
        _table(report, Console(file=stream))
    else:
        for each in report.results:
            cells = (printable(each.device.name), each.outcome.value, _time(each), _why(each))
            click.echo("\t".join(cells).rstrip("\t"), file=stream)
    failed = [each.error for each in report.results if each.error is not None]
    # One cause may take different steps: each is said once.
    hints = dict.fromkeys((error.reason.value, error.hint) for error in failed if error.hint)
    for reason, hint in hints:
        console.note(f"{reason}: {hint}")


def _table(report: Report, terminal: Console) -> None:
    view = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for heading in ("device", "outcome", "seconds", ""):
        view.add_column(heading, justify="right" if heading == "seconds" else "left")
    for each in report.results:
        view.add_row(
            Text(printable(each.device.name)),
            Text(each.outcome.value, style=_STYLES[each.outcome]),
            _time(each),
            Text(_why(each)),
        )
    terminal.print(view)


def _time(result: Result) -> str:
    return f"{result.seconds:.1f}" if result.outcome is not Outcome.UNTOUCHED else ""


def _why(result: Result) -> str:
    if result.error is not None:
        return f"{result.error.reason.value}: {console.explain(result.error)}"
    if result.done is None or result.done.verdict is None:
        return ""
    notes = verdict.weaknesses(result.done.verdict)
    if result.done.waited and result.done.status is None:
        notes.append(verdict.UNKNOWN)
    return "; ".join(notes)
