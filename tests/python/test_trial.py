"""A new image stays once it is confirmed, and else the old one is back: real images that fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flash_file import FlashFile
from platformio_secureota import Reason
from platformio_secureota.ota import upload
from trial_bench import DAY, MINUTE, NEVER, NOW, Bench, build, install, refused, signed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("trial"))


@pytest.fixture
def bench(tmp_path: Path, program: Path) -> Bench:
    return Bench(tmp_path, program)


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
            install(device, signed(bench.image("good"), at=NOW - DAY), "good")
            assert bench.floor() == NOW - DAY


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
