"""A new image stays once it is confirmed, and else the old one is back: real images that fail."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from emulated_device import ROOT, EmulatedDevice, build_version
from flash_file import RECORD, FlashFile
from platformio_secureota import Image, Reason, Refused, pki, sign
from platformio_secureota.anchors import load_anchors
from platformio_secureota.identity import to_der
from platformio_secureota.ota import Settings, Timeouts, upload
from platformio_secureota.tsa import LocalTSA

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime.now(dt.timezone.utc)
MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)
OURS = pki.generate(name="ours", now=NOW - 30 * DAY)
NEVER = "1000000"


def signed(image: bytes, *, at: dt.datetime = NOW) -> bytes:
    anchors = load_anchors(to_der(OURS.certificate))
    return sign(Image(image), LocalTSA(OURS, clock=lambda: at), anchors=anchors).container


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sketch = ROOT / "tests" / "device" / "sketches" / "trial.cpp"
    return build_version("1", tmp_path_factory.mktemp("trial") / "program", sketch=sketch)


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

    def image(self, behaviour: str) -> bytes:
        return self._program.read_bytes() + f"is {behaviour}.".encode().ljust(16, b" ")

    def floor(self) -> dt.datetime:
        microseconds = int.from_bytes(FlashFile(self.flash).kept(RECORD)[5:13], "big")
        return dt.datetime.fromtimestamp(microseconds // 1_000_000, dt.timezone.utc)


@pytest.fixture
def bench(tmp_path: Path, program: Path) -> Bench:
    return Bench(tmp_path, program)


def refused(device: EmulatedDevice, container: bytes) -> Reason:
    with pytest.raises(Refused) as refusal:
        upload(container, device.target, settings=Settings(timeouts=Timeouts(trial=1.0)))
    return refusal.value.reason


class TestGoesBack:
    """The old image runs again, says why, and takes the next update."""

    @pytest.mark.parametrize(
        ("behaviour", "ending", "why"),
        [
            ("crashing", "boot stage: slot 1 crashed (signal 6)", Reason.ImageNotConfirmed),
            ("ending", "boot stage: slot 1 ended (status 0)", Reason.ImageNotConfirmed),
            ("hanging", "boot stage: slot 1 hung", Reason.ImageNotConfirmed),
            ("offline", "boot stage: slot 1 was stopped by the limit", Reason.ImageNotConfirmed),
            ("restless", "boot stage: slot 1 restarted", Reason.ImageNotConfirmed),
            ("broken", "rejected: the previous image runs again", Reason.ImageRejected),
        ],
    )
    def test_from(self, bench: Bench, behaviour: str, ending: str, why: Reason) -> None:
        with bench.device("--watchdog", "3") as device:
            upload(signed(bench.image(behaviour), at=NOW - MINUTE), device.target)

            device.wait_for(f"boot: {behaviour} from slot 1")
            device.wait_for(ending)
            device.wait_for("boot: plain from slot 0")
            left = device.wait_for("the image of the last update was left again: ")
            assert left.endswith(f"{why.value}: {why.sentence}")
            device.wait_for(f"sketch: pending 0, last error {why.value}")

            # The floor did not rise: an older token is as good as before.
            upload(signed(bench.image("good"), at=NOW - DAY), device.target)
            device.wait_for("boot: good from slot 1")
            device.wait_for("confirmed: ")
            assert bench.floor() == (NOW - DAY).replace(microsecond=0)


class TestOnTrial:
    """Until it is confirmed, and then."""

    def test_nothing_else_is_taken(self, bench: Bench) -> None:
        with bench.device("--confirm-after", NEVER) as device:
            container = signed(bench.image("new"))
            upload(container, device.target)
            device.wait_for("sketch: pending 1, last error None")
            slots = [FlashFile(bench.flash).program(n) for n in (0, 1)]

            other = signed(bench.image("other"), at=NOW + MINUTE)
            assert refused(device, other) is Reason.NotConfirmedYet
            upload(container, device.target)  # what runs is welcome
            device.wait_for("accepted: runs already")

            assert [FlashFile(bench.flash).program(n) for n in (0, 1)] == slots
            assert FlashFile(bench.flash).slot(1).state == "pending"
            assert device.count("erased") == 1
            assert device.count("confirmed") == 0

    def test_a_sketch_confirms_in_its_own_time(self, bench: Bench) -> None:
        with bench.device() as device:
            upload(signed(bench.image("manual")), device.target)
            device.wait_for("sketch: pending 1, last error None")
            other = signed(bench.image("other"), at=NOW + MINUTE)
            assert refused(device, other) is Reason.NotConfirmedYet
            bench.go.touch()
            device.wait_for("confirmed: ")
            upload(other, device.target)
            device.wait_for("boot: other from slot 0")

    def test_an_image_confirms_itself(self, bench: Bench) -> None:
        with bench.device("--confirm-after", "1") as device:
            upload(signed(bench.image("new")), device.target)
            device.wait_for("sketch: pending 1, last error None")
            device.wait_for("confirmed: ")
            assert FlashFile(bench.flash).slot(1).state == "valid"

    def test_the_power_fails(self, bench: Bench) -> None:
        with bench.device("--confirm-after", NEVER) as device:
            upload(signed(bench.image("new")), device.target)
            device.wait_for("sketch: pending 1, last error None")
        for _ in range(2):  # it is known for as long as no other update comes
            with bench.device() as device:
                assert device.lines[0] == "boot: plain from slot 0"
                device.wait_for("sketch: pending 0, last error ImageNotConfirmed")

    def test_after_it_was_left_the_same_image_may_come_again(self, bench: Bench) -> None:
        container = signed(bench.image("new"))
        with bench.device("--confirm-after", NEVER) as device:
            upload(container, device.target)
            device.wait_for("sketch: pending 1")
        with bench.device() as device:
            upload(container, device.target)
            device.wait_for("confirmed: ")
