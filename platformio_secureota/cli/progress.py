"""How an upload is shown: a bar on a terminal, a few lines in a log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from platformio_secureota.cli import console
from platformio_secureota.cli.unframed import Unframed
from platformio_secureota.ota import State

if TYPE_CHECKING:
    from types import TracebackType

_STEP = 10
"""Percent between two lines of a log."""


class Display(Protocol):
    """Told of everything that an upload does; a context manager."""

    def __enter__(self) -> Display:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, also where the upload failed."""

    def state(self, state: State) -> None:
        """A state was entered."""

    def progress(self, done: int, total: int) -> None:
        """So many bytes are at the device."""

    def ask_password(self) -> str | None:
        """The device wants its password: ask the person present, if there is one."""


def display() -> Display:
    """Choose for where stderr goes."""
    return _Bar() if sys.stderr.isatty() else Lines()


class Lines(Unframed):
    """For logs: a line for each state, and one for every tenth of the bytes."""

    def __init__(self, *, percent: bool = True) -> None:
        """With `percent` unset, states alone."""
        self._next = 0 if percent else 101

    def state(self, state: State) -> None:
        """Write the state."""
        console.note(f"{state.value} ...")

    def progress(self, done: int, total: int) -> None:
        """Write the percentage, if it has risen by a step."""
        percent = 100 * done // total
        if percent >= self._next:
            console.note(f"{percent:3d} %")
            self._next = percent - percent % _STEP + _STEP

    def ask_password(self) -> str | None:
        """None: nobody may be there to be asked."""


class _Bar:
    # For people.

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def state(self, state: State) -> None:
        self._bar.update(self._task, description=state.value)
        if state is State.SENDING:
            self._bar.reset(self._task)

    def progress(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)

    def ask_password(self) -> str | None:
        if not sys.stdin.isatty():
            return None
        self._bar.stop()
        try:
            return str(click.prompt("Password of the device", hide_input=True, err=True))
        finally:
            self._bar.start()
