"""A device whose firmware behaves as its last bytes say (tests/device/sketches/trial.cpp)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from emulated_device import ROOT, EmulatedDevice, build_version
from flash_file import RECORD, FlashFile
from platformio_secureota import Image, Reason, Refused, container, pki
from platformio_secureota.identity import to_der
from platformio_secureota.ota import Settings, Timeouts, upload
from platformio_secureota.sign import request_token
from platformio_secureota.tsa import LocalTSA

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)
OURS = pki.generate(name="ours", now=NOW - 200 * DAY)
NEVER = "1000000"


def signed(image: bytes, *, at: dt.datetime = NOW) -> bytes:
    """Sign with any time, also one that our own tool would refuse."""
    token, _ = request_token(Image(image), LocalTSA(OURS, clock=lambda: at))
    return container.build(token, image)


def build(folder: Path, *, built: dt.datetime | None = None) -> Path:
    """Build the sketch; with a build time compiled in, if one is given."""
    sketch = ROOT / "tests" / "device" / "sketches" / "trial.cpp"
    flags = [] if built is None else [f"-DBUILD_TIME={int(built.timestamp())}"]
    return build_version("1", folder / "program", *flags, sketch=sketch)


class Bench:
    """One device's flash, and images for it."""

    def __init__(self, folder: Path, program: Path) -> None:
        self._program = program
        self._anchor = folder / "anchor.der"
        self._anchor.write_bytes(to_der(OURS.certificate))
        self.flash = folder / "flash"
        self.go = folder / "confirm-now"

    def device(self, *options: str) -> EmulatedDevice:
        return EmulatedDevice(
            self.flash,
            *("--anchor", str(self._anchor)),
            *options,
            program=self._program,
            environment={"SKETCH_CONFIRMS": str(self.go)},
        )

    def image(self, behaviour: str, *, program: Path | None = None) -> bytes:
        source = program or self._program
        return source.read_bytes() + f"is {behaviour}.".encode().ljust(16, b" ")

    def floor(self) -> dt.datetime:
        microseconds = int.from_bytes(FlashFile(self.flash).kept(RECORD)[5:13], "big")
        return dt.datetime.fromtimestamp(microseconds // 1_000_000, dt.timezone.utc)


def install(device: EmulatedDevice, container: bytes, behaviour: str) -> None:
    """Upload, and wait until the new image is confirmed."""
    upload(container, device.target)
    device.wait_for(f"boot: {behaviour} from slot ")
    device.wait_for("confirmed: ")


def refusal(device: EmulatedDevice, container: bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        # Our tool would wait for an image on trial.
        upload(container, device.target, settings=Settings(timeouts=Timeouts(trial=1.0)))
    return refused.value


def refused(device: EmulatedDevice, container: bytes) -> Reason:
    return refusal(device, container).reason
