"""Sending what was signed, and nothing else."""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from platformio_secureota import container, manifest, ota, verify_image
from platformio_secureota.cli import console, device_password, fleet, verdict
from platformio_secureota.cli.fleet import Words
from platformio_secureota.cli.progress import Lines
from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.fleet import Limits
from platformio_secureota.fleet.rollout import MAX_PARALLEL
from platformio_secureota.image import Image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from platformio_secureota.anchors import TrustAnchor
    from platformio_secureota.verify import Rules

_MAX_SECONDS = 3600

_BAR = 40
"""Characters of the progress bar."""


class _FlagParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        detail = f"platformio.ini: upload_flags: {message}"
        hint = "see docs/platformio.md for those that an upload takes"
        raise Unusable(Reason.Usage, detail, hint=hint)


@dataclass(frozen=True)
class Flags:
    """What upload_flags asks for."""

    port: int | None
    """UDP port of the device; None: the usual one, or the one in upload_port."""
    settings: ota.Settings
    password: str = field(default="", repr=False)
    """In --auth, where others can read it."""
    password_file: Path | None = None
    groups: tuple[str, ...] = ()
    """Of the file of targets, only these."""
    limits: Limits = field(default_factory=Limits)


def parse_flags(words: Sequence[str], *, project: Path) -> Flags:
    """Read the words of upload_flags: the stock uploader's names, and ours.  Unusable(Usage)."""
    parser = _FlagParser(prog="upload_flags", add_help=False, allow_abbrev=False)
    parser.add_argument("-p", "--port", type=int)
    parser.add_argument("-I", "--host_ip", "--host-ip", default="")
    parser.add_argument("-P", "--host_port", "--host-port", type=int, default=0)
    ways = [way.value for way in ota.Connection]
    parser.add_argument("--connection", choices=ways, default=ota.Connection.AUTO.value)
    parser.add_argument("-a", "--auth", default="")
    parser.add_argument("--password-file", type=Path)
    waits = {"--no-wait": ota.Wait.NO, "--wait": ota.Wait.RUNNING}
    for name, wait in {**waits, "--wait-confirmed": ota.Wait.CONFIRMED}.items():
        parser.add_argument(name, action="store_const", dest="wait", const=wait)
    parser.add_argument("--wait-timeout", type=float, default=ota.Timeouts.back)
    parser.add_argument("--allow-weak-password", action="store_true")
    parser.add_argument("--group", action="append", default=[])
    parser.add_argument("--parallel", type=int, default=Limits.parallel)
    parser.add_argument("--max-failures", type=int, default=Limits.max_failures)
    # How much is shown is not theirs to say here.
    parser.add_argument("-d", "--debug", action="store_true")
    parser.add_argument("-r", "--progress", action="store_true")
    found = parser.parse_args(list(words))
    for name, value in (("--port", found.port), ("--host_port", found.host_port)):
        if value is not None and not 0 <= value <= ota.target.MAX_PORT:
            parser.error(f"{name}: there is no port {value}")
    if not 0 < found.wait_timeout <= _MAX_SECONDS:
        parser.error(f"--wait-timeout: not a number of seconds up to {_MAX_SECONDS}")
    if not 1 <= found.parallel <= MAX_PARALLEL:
        parser.error(f"--parallel: not from 1 to {MAX_PARALLEL}")
    if found.max_failures < 1:
        parser.error("--max-failures: not at least 1")
    settings = ota.Settings(
        connection=ota.Connection(found.connection),
        host_address=found.host_ip,
        host_port=found.host_port,
        allow_weak_password=found.allow_weak_password,
        wait=found.wait or ota.Wait.RUNNING,
        timeouts=ota.Timeouts(
            back=found.wait_timeout,
            confirmation=max(ota.Timeouts.confirmation, found.wait_timeout),
        ),
    )
    file = found.password_file
    password_file = None if file is None else project / file.expanduser()
    limits = Limits(found.parallel, found.max_failures)
    groups = tuple(found.group)
    return Flags(found.port, settings, found.auth, password_file, groups, limits)


def targets(upload_port: str, flags: Flags, *, file: Path | None) -> Words:
    """Read upload_port: devices, one a line or with commas; with a file also names in it.

    Unusable(Usage).
    """
    found = [word.strip().strip('"') for word in re.split(r"[\n,]", upload_port)]
    words = [word for word in found if word]
    if not words and file is None:
        hint = "set upload_port in platformio.ini, or give --upload-port"
        raise Unusable(Reason.Usage, "upload_port names no device", hint=hint)
    if flags.port is not None:
        if file is not None:
            hint = "write port there, under [defaults] for all"
            raise Unusable(Reason.Usage, "--port and a file of targets are both set", hint=hint)
        parsed = [ota.Target.parse(word) for word in words]
        words = [str(dataclasses.replace(each, port=flags.port)) for each in parsed]
    return Words(words, file, flags.groups, flags.limits)


def checked_container(
    image: Path, signed: Path, *, anchors: Sequence[TrustAnchor], rules: Rules
) -> bytes:
    """Read what will be sent: a good signature of just this image.  Refused otherwise."""
    data = Image.read(signed).data
    if manifest.without_trailer(container.parse(data).image) != Image.read(image).data:
        raise Refused(Reason.ImageMismatch, f"{signed.name} was not made from {image.name}")
    verify_image(data, anchors=anchors, rules=rules)
    return data


def send(data: bytes, words: Words, *, kind: ota.ImageKind, flags: Flags, live: bool) -> str:
    """Send, and return a line about the verdicts, which were yes.

    `live`: somebody is watching, so show a bar that grows.
    """
    if flags.password:
        console.warn(
            "platformio.ini: --auth in upload_flags shows in logs; SECUREOTA_PASSWORD in the "
            "environment does not"
        )
    if words.one:
        return _send_to_one(data, ota.Target.parse(words.targets[0]), kind, flags, live=live)
    return fleet.roll_out(
        data,
        words,
        kind=kind,
        settings=flags.settings,
        password_file=flags.password_file,
        given=flags.password,
    )


def _send_to_one(
    data: bytes, device: ota.Target, kind: ota.ImageKind, flags: Flags, *, live: bool
) -> str:
    password = device_password.source(device, given=flags.password, file=flags.password_file)
    with GrowingBar() if live else Lines() as display:
        outcome = ota.upload(
            data,
            device,
            kind=kind,
            password=password,
            progress=display.progress,
            on_state=display.state,
            settings=flags.settings,
        )
    verdict.warn(outcome)
    text = f"accepted by {device}: {outcome.size} bytes in {outcome.seconds:.1f} s"
    if outcome.status is not None:
        return f"{text}; it {verdict.running(outcome)}"
    asked = flags.settings.wait is not ota.Wait.NO and kind is ota.ImageKind.APPLICATION
    return f"{text}; {verdict.UNKNOWN}" if asked else text


class GrowingBar(Lines):
    """A progress bar that only ever grows to the right.

    PlatformIO turns carriage returns into line ends, so nothing can be drawn over; and it holds
    back what it reads until a line ends or four equal characters came, so the bar appears when it
    is a tenth full.
    """

    def __init__(self) -> None:
        """Nothing is shown before the first byte is on its way."""
        super().__init__()
        self._shown = -1

    def state(self, state: ota.State) -> None:
        """Write the state, behind the bar or before it: never into it."""
        if state in {ota.State.SENDING, ota.State.VERDICT}:
            # The bar says so.
            return
        self._end()
        self._write(f"{state.value} ...\n")

    def progress(self, done: int, total: int) -> None:
        """Add what has come since."""
        if self._shown < 0:
            self._write("Uploading [")
            self._shown = 0
        # A second attempt, by the other way, begins at the start again.
        length = max(self._shown, _BAR * done // total)
        self._write("=" * (length - self._shown))
        self._shown = length

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the line, if one was begun."""
        self._end()

    def _end(self) -> None:
        if self._shown >= 0:
            self._write(f"] {100 * self._shown // _BAR}%\n")
            self._shown = -1

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
