"""Sending an image to many devices: options, interruptions, and the exit status."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, TypeVar

import click

from platformio_secureota import atomic
from platformio_secureota.cli import console, device_password, fleet_display, options
from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.fleet import Limits, Rollout, Service, choose, named, plan, read_targets
from platformio_secureota.fleet.rollout import MAX_PARALLEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from platformio_secureota.fleet import Device, Report
    from platformio_secureota.ota import ImageKind, Settings

_Command = TypeVar("_Command", bound=Callable[..., Any])

_STDOUT = "-"


@dataclass(frozen=True)
class Words:
    """Which devices, and how many at once: what the user wrote."""

    targets: Sequence[str] = ()
    file: Path | None = None
    groups: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits)
    report: str = ""
    """File for the report in JSON; "-": stdout; empty: none."""

    @property
    def one(self) -> bool:
        """Whether a single device is named, and nothing that belongs to many."""
        return len(self.targets) == 1 and not (self.file or self.groups or self.report)

    def __str__(self) -> str:
        """For people."""
        words = [*self.targets, *(f"group {name}" for name in self.groups)]
        if self.file is not None:
            words.append(f"of {self.file.name}" if words else f"all of {self.file.name}")
        return ", ".join(words)

    def devices(self) -> tuple[Device, ...]:
        """Who is meant.  Unusable(Usage, FileUnreadable)."""
        if self.file is not None:
            return choose(read_targets(self.file), words=self.targets, groups=self.groups)
        if self.groups:
            raise Unusable(Reason.Usage, "groups need a file of targets", hint="give --targets")
        if not self.targets:
            raise Unusable(Reason.Usage, "no device is named: give HOST, or --targets FILE")
        return named(self.targets)


def targets_options(command: _Command) -> _Command:
    """--targets, --group, --parallel, --max-failures, --json."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option(
        "targets_file",
        "--targets",
        type=options.FILE,
        help="File of targets (TOML, see docs/fleet.md).  HOST may then be a name in it.",
    ),
    click.option(
        "groups",
        "--group",
        metavar="NAME",
        multiple=True,
        help="Of the file, only these.  Repeatable.",
    ),
    click.option(
        "parallel",
        "--parallel",
        type=click.IntRange(1, MAX_PARALLEL),
        default=Limits.parallel,
        show_default=True,
        help="Devices at the same time, after the canary.",
    ),
    click.option(
        "max_failures",
        "--max-failures",
        type=click.IntRange(1),
        default=Limits.max_failures,
        show_default=True,
        help="Begin no further device after so many have failed.",
    ),
    click.option(
        "report",
        "--json",
        metavar="FILE",
        default="",
        help="Write what became of each device to a file, or with - to stdout.",
    ),
)


def roll_out(
    container: bytes,
    words: Words,
    *,
    kind: ImageKind,
    settings: Settings,
    password_file: Path | None = None,
    given: str = "",
) -> str:
    """Update them all and show what became of each; return a line if every device has the image.

    `given`, `password_file`: of those that have no file of their own.  Nobody is asked for
    passwords.  Refused or Unusable(DevicesFailed); KeyboardInterrupt if the user stopped it
    before.
    """
    devices = words.devices()
    service = Service(
        container,
        kind=kind,
        settings=settings,
        password=lambda device: device_password.source(
            device.target, given=given, file=device.password_file or password_file
        ),
    )
    display = fleet_display.display(len(devices))
    rollout = Rollout(service, limits=_limits(words, settings), listener=display)
    with display, _interruptible(rollout):
        report = rollout.run(plan(devices))
    fleet_display.show(report, to_stderr=words.report == _STDOUT)
    if words.report:
        _write(report, service.digest.hex(), words.report)
    if report.complete:
        return report.in_words()
    if report.interrupted:
        raise KeyboardInterrupt
    errors = [each.error for each in report.results if each.error is not None]
    failure = Refused if all(isinstance(error, Refused) for error in errors) else Unusable
    hint = "run the same again to go on: devices that run the image are left alone"
    raise failure(Reason.DevicesFailed, report.in_words(), hint=hint)


def _limits(words: Words, settings: Settings) -> Limits:
    if settings.host_port == 0 or words.limits.parallel == 1:
        return words.limits
    console.note("one port of this computer serves one device at a time: --parallel is 1")
    return dataclasses.replace(words.limits, parallel=1)


@contextlib.contextmanager
def _interruptible(rollout: Rollout) -> Iterator[None]:
    # Instead of an exception somewhere in the middle.
    before = signal.signal(signal.SIGINT, lambda *_: rollout.interrupt())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _write(report: Report, digest: str, where: str) -> None:
    text = json.dumps(report.as_json(image=digest), indent=2) + "\n"
    if where == _STDOUT:
        click.echo(text, nl=False)
    else:
        atomic.write(Path(where), text.encode("utf-8"))
