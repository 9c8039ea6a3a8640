r"""Try a real board for the first time, and write down what it did (docs/on-hardware.md).

    python tools/board_trial.py --board "ESP32-C3-DevKitM-1" --key key.pem \
        --first version-1.bin --second version-2.bin 192.168.1.50 \
        --flash-command "..." --power-off-command "..." --power-on-command "..."

Flashes the first image, updates to the second, shows the board what it must refuse, cuts its power
again and again, and writes DIR/report.md and DIR/report.json.  An update that fails ends it.  Exit
status: 0 all was as it should be, 1 something was not, 2 it could not be tried.
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from board_report import Report, Step

from platformio_secureota import (
    Image,
    Reason,
    Refused,
    SecureOTAError,
    TrustAnchor,
    Unusable,
    __version__,
    keyfile,
    pki,
    sign,
)
from platformio_secureota.ota import Settings, Status, Target, Timeouts, Wait, ask_status, upload
from platformio_secureota.tsa.local import LocalTSA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platformio_secureota.identity import SigningIdentity

STATUS = 0.5
"""Seconds for one answer about what runs."""
OFF = 1.0
"""Seconds without power, so that nothing lives on what is left in a capacitor."""


class WrongError(Exception):
    """The board did not do what it must; the text says what it did."""


class PowerCut(Exception):
    """Ends an upload from within."""


def run(command: str) -> None:
    """Run a command that the person gave: for the relay, for the cable."""
    try:
        subprocess.run(shlex.split(command), check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as cause:
        raise Unusable(Reason.Usage, f"`{command}`: {cause}") from cause


class Trial:
    """The steps, in their order."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Read the images and the key; nothing is done to the board yet."""
        passphrase = os.environ.get("SECUREOTA_KEY_PASSPHRASE")
        self._options = options
        self._target = Target.parse(options.target)
        self._password = os.environ.get("SECUREOTA_PASSWORD") or None
        self._owner = keyfile.load_identity(
            options.key, passphrase=passphrase.encode() if passphrase else None
        )
        self._images = [Image(path.read_bytes()) for path in (options.first, options.second)]
        self._old = self._signed(self._images[0])
        self._report = Report(
            board=options.board,
            tool=__version__,
            started=dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            images={
                name: image.digest.hex() for name, image in zip(("first", "second"), self._images)
            },
        )

    def run(self) -> Report:
        """Try everything; raises where that is not possible."""
        try:
            self._step("flash the first image", "it runs the first image", self._flash)
            if not self._report.steps[-1].good:
                raise Unusable(Reason.NoAnswer, "without its first image there is nothing to try")
            self._step("a stranger's signature", "refused, nothing changed", self._stranger)
            self._step("a byte changed on the way", "refused, nothing changed", self._damage)
            self._step("update", "it runs the second image, confirmed", self._update)
            if self._report.steps[-1].good:
                self._after_an_update()
                self._report.complete = True
        finally:
            self._report.write(self._options.report)
        return self._report

    def _after_an_update(self) -> None:
        self._step("the same again", "accepted, nothing changed", self._again)
        self._step("an older token", "refused: OlderThanFloor", self._older)
        if self._options.power_off_command:
            self._cuts()

    def _cuts(self) -> None:
        count = self._options.cuts
        for number in range(count):
            part = (number + 0.5) / count
            name = f"power cut at {part:.0%} of the upload"
            act = functools.partial(self._cut, part)
            self._step(name, "one of the images runs; then updates", act)
        self._step("power cut at the verdict", "one of the images runs; then updates", self._cut)
        self._step("power cut in the trial", "the previous image runs; then updates", self._trial)

    def _step(self, name: str, expected: str, act: Callable[[], str]) -> None:
        started = time.monotonic()
        good = True
        try:
            observed = act()
        except (WrongError, SecureOTAError) as error:
            good, observed = False, str(error)
        step = Step(name, expected, observed, good, round(time.monotonic() - started, 1))
        self._report.steps.append(step)
        self._report.write(self._options.report)
        sys.stdout.write(f"{step.line}\n")
        sys.stdout.flush()

    # -- the steps: each returns what it saw ------------------------------------------------------

    def _flash(self) -> str:
        run(self._options.flash_command)
        status = self._awake()
        self._expect(status, self._images[0])
        named = f"{status.product or 'no product'} {status.version or 'no version'}"
        return f"{named}, floor {status.floor or 'none'}"

    def _stranger(self) -> str:
        return self._refused(self._signed(self._images[1], by=pki.generate(name="a stranger")))

    def _damage(self) -> str:
        data = bytearray(self._signed(self._images[1]))
        data[-len(self._images[1].data) // 2] ^= 1
        return self._refused(bytes(data))

    def _update(self) -> str:
        return self._to(self._images[1], self._signed(self._images[1]))

    def _again(self) -> str:
        return self._to(self._images[1], self._signed(self._images[1]))

    def _older(self) -> str:
        return self._refused(self._old, Reason.OlderThanFloor)

    def _cut(self, part: float | None = None) -> str:
        """Cut when this part of the bytes is sent; None: when the board has said yes."""
        before, other = self._now_and_other()

        def progress(sent: int, total: int) -> None:
            if part is not None and sent >= part * total:
                run(self._options.power_off_command)
                raise PowerCut

        try:
            self._upload(self._signed(other), Wait.NO, progress=progress)
            run(self._options.power_off_command)
        except PowerCut:
            pass
        except SecureOTAError as error:
            return f"{self._restored({before.digest, other.digest})}; before the cut: {error}"
        seen = self._restored({before.digest, other.digest})
        return f"{seen}; {self._to(other, self._signed(other))}"

    def _trial(self) -> str:
        before, other = self._now_and_other()
        status = self._upload(self._signed(other), Wait.RUNNING)
        if status is None or status.confirmed:
            return "not tried: the image was confirmed before the power could be cut"
        run(self._options.power_off_command)
        seen = self._restored({before.digest})
        return f"{seen}; {self._to(other, self._signed(other))}"

    # -- what they are made of --------------------------------------------------------------------

    def _signed(self, image: Image, *, by: SigningIdentity | None = None) -> bytes:
        identity = by or self._owner
        anchor = TrustAnchor.from_der(identity.anchor_der)
        # Fractions: two tokens of one second would be of the same age.
        tsa = LocalTSA(identity, fraction_digits=3)
        return sign(image, tsa, anchors=[anchor]).container

    def _upload(
        self,
        container: bytes,
        wait: Wait,
        progress: Callable[[int, int], None] | None = None,
    ) -> Status | None:
        timeouts = Timeouts(confirmation=self._options.patience, back=self._options.patience)
        settings = Settings(wait=wait, timeouts=timeouts)
        return upload(
            container, self._target, password=self._password, progress=progress, settings=settings
        ).status

    def _to(self, image: Image, container: bytes) -> str:
        started = time.monotonic()
        self._upload(container, Wait.CONFIRMED)
        self._expect(self._awake(), image)
        return f"updated in {time.monotonic() - started:.1f} s"

    def _refused(self, container: bytes, reason: Reason | None = None) -> str:
        before = self._awake()
        try:
            self._upload(container, Wait.NO)
        except Refused as error:
            if reason is not None and error.reason is not reason:
                raise WrongError(f"refused, but for {error.reason.value}") from error
            if self._awake().image != before.image:
                raise WrongError("refused, and yet it runs something else") from error
            return f"refused: {error.reason.value}"
        raise WrongError("it was ACCEPTED")

    def _restored(self, allowed: set[bytes]) -> str:
        time.sleep(OFF)
        run(self._options.power_on_command)
        started = time.monotonic()
        status = self._awake()
        if status.image not in allowed:
            raise WrongError(f"after the cut it runs {_shown(status.image)}")
        which = [image.digest for image in self._images].index(status.image or b"")
        return (
            f"back after {time.monotonic() - started:.1f} s with the {('first', 'second')[which]}"
            f" image, last: {status.last or 'nothing'}"
        )

    def _now_and_other(self) -> tuple[Image, Image]:
        running = self._awake().image
        first, second = self._images
        return (second, first) if running == second.digest else (first, second)

    def _awake(self) -> Status:
        """What it runs, as soon as it says so."""
        end = time.monotonic() + self._options.patience
        while True:
            try:
                return ask_status(
                    self._target, password=self._password, timeout=STATUS, settings=Settings()
                )[0]
            except Unusable:
                if time.monotonic() > end:
                    raise

    def _expect(self, status: Status, image: Image) -> None:
        if status.image != image.digest:
            raise WrongError(f"it runs {_shown(status.image)}")


def _shown(digest: bytes | None) -> str:
    return "an image that it can't name" if digest is None else f"image {digest.hex()[:16]}"


def options_from(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("target", metavar="HOST[:PORT]")
    parser.add_argument("--board", required=True, help="what the report shall call it")
    parser.add_argument("--key", type=Path, required=True, help="the key that the images trust")
    parser.add_argument("--first", type=Path, required=True, metavar="BIN", help="firmware.bin")
    parser.add_argument("--second", type=Path, required=True, metavar="BIN", help="another version")
    parser.add_argument("--flash-command", required=True, help="writes FIRST by cable")
    parser.add_argument("--power-off-command", default="", help="without it no power is cut")
    parser.add_argument("--power-on-command", default="")
    parser.add_argument("--cuts", type=int, default=8, help="during the upload (default 8)")
    parser.add_argument("--patience", type=float, default=180.0, help="seconds for the board")
    parser.add_argument("--report", type=Path, default=Path("board-report"), metavar="DIR")
    options = parser.parse_args(arguments)
    if bool(options.power_off_command) != bool(options.power_on_command):
        parser.error("--power-off-command and --power-on-command go together")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the trial."""
    options = options_from(arguments)
    try:
        report = Trial(options).run()
    except (OSError, SecureOTAError) as error:
        sys.stderr.write(f"board trial: {error}\n")
        return 2
    sys.stdout.write(f"{options.report / 'report.md'}\n")
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
