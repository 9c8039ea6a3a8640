"""Every way back to older firmware that a stranger with old containers has, and the owner's own."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from flash_file import RECORD, SECTOR, FlashFile
from platformio_secureota import Reason
from platformio_secureota.ota import upload
from trial_bench import DAY, MINUTE, NOW, Bench, build, install, refusal, refused, signed

if TYPE_CHECKING:
    from pathlib import Path

    from emulated_device import EmulatedDevice

BUILT = NOW - 100 * DAY
STEP = 1096 * DAY
LONG_AGO = NOW - 3650 * DAY


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[dt.datetime, Path]:
    """The same firmware, built at different times."""
    times = (LONG_AGO, BUILT, NOW - DAY, NOW + DAY)
    return {time: build(tmp_path_factory.mktemp("built"), built=time) for time in times}


@pytest.fixture
def bench(tmp_path: Path, programs: dict[dt.datetime, Path]) -> Bench:
    return Bench(tmp_path, programs[BUILT])


def text(time: dt.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def assert_too_old(
    device: EmulatedDevice, container: bytes, *, at: dt.datetime, floor: dt.datetime
) -> None:
    """It is refused before anything is erased, and both sides hear both times."""
    erased = device.count("erased")
    error = refusal(device, container)
    assert error.reason is Reason.OlderThanFloor
    times = f"signed {text(at)}, must be after {text(floor)}"
    assert times in str(error)
    assert times in device.wait_for("refused: OlderThanFloor: ")
    assert device.count("erased") == erased


class TestDowngrade:
    """Refused, by whatever container that was once good."""

    @pytest.mark.parametrize("age", [dt.timedelta(), dt.timedelta(seconds=1), 50 * DAY])
    def test_token_that_is_not_newer(self, bench: Bench, age: dt.timedelta) -> None:
        with bench.device() as device:
            install(device, signed(bench.image("new")), "new")
            old = signed(bench.image("old"), at=NOW - age)
            assert_too_old(device, old, at=NOW - age, floor=NOW)

    def test_older_token_with_a_newer_build(
        self, bench: Bench, programs: dict[dt.datetime, Path]
    ) -> None:
        with bench.device() as device:
            install(device, signed(bench.image("new")), "new")
            newer = bench.image("newer", program=programs[NOW + DAY])
            assert_too_old(device, signed(newer, at=NOW - MINUTE), at=NOW - MINUTE, floor=NOW)

    def test_token_from_before_the_build_that_came_by_cable(self, bench: Bench) -> None:
        with bench.device() as device:
            old = signed(bench.image("old"), at=BUILT)
            assert_too_old(device, old, at=BUILT, floor=BUILT)

    def test_across_a_rollback(self, bench: Bench) -> None:
        floor = NOW - 50 * DAY
        with bench.device() as device:
            install(device, signed(bench.image("good"), at=floor), "good")
            upload(signed(bench.image("crashing")), device.target)
            device.wait_for("boot: crashing from slot 0")
            device.wait_for("sketch: pending 0, last error ImageNotConfirmed")
            assert bench.floor() == floor
            older = signed(bench.image("older"), at=floor - DAY)
            assert_too_old(device, older, at=floor - DAY, floor=floor)
            install(device, signed(bench.image("next"), at=floor + DAY), "next")

    def test_after_the_floor_was_wiped(
        self, bench: Bench, programs: dict[dt.datetime, Path]
    ) -> None:
        built = NOW - DAY
        with bench.device() as device:
            new = bench.image("new", program=programs[built])
            install(device, signed(new), "new")
        FlashFile(bench.flash).write(RECORD, bytes(2 * SECTOR))
        with bench.device() as device:  # what runs knows when it was built
            old = signed(bench.image("old"), at=built - MINUTE)
            assert_too_old(device, old, at=built - MINUTE, floor=built)
            install(device, signed(bench.image("next"), at=built + MINUTE), "next")

    def test_in_between_after_the_owner_went_back(self, bench: Bench) -> None:
        """Whatever was signed before the owner went back is not newer than that."""
        with bench.device() as device:
            install(device, signed(bench.image("first"), at=NOW - 3 * DAY), "first")
            install(device, signed(bench.image("second"), at=NOW - 2 * DAY), "second")
            install(device, signed(bench.image("first"), at=NOW), "first")  # signed anew
            skipped = signed(bench.image("skipped"), at=NOW - DAY)
            assert_too_old(device, skipped, at=NOW - DAY, floor=NOW)


class TestClocks:
    """Of builder and authority, when they are wrong."""

    def test_builder_is_ahead(self, tmp_path: Path, programs: dict[dt.datetime, Path]) -> None:
        bench = Bench(tmp_path, programs[NOW + DAY])
        with bench.device() as device:
            container = signed(bench.image("new"))
            assert_too_old(device, container, at=NOW, floor=NOW + DAY)
            install(device, signed(bench.image("new"), at=NOW + DAY + MINUTE), "new")

    def test_builder_is_behind(self, tmp_path: Path, programs: dict[dt.datetime, Path]) -> None:
        """The floor catches up by one step with each image."""
        bench = Bench(tmp_path, programs[LONG_AGO])
        with bench.device() as device:
            floor = LONG_AGO
            for n in range(4):
                at = NOW - (10 - n) * DAY
                install(device, signed(bench.image(f"image{n}"), at=at), f"image{n}")
                floor = min(floor + STEP, at)
                assert bench.floor() == floor
            assert floor == NOW - 7 * DAY

    def test_authority_is_far_ahead(self, bench: Bench) -> None:
        """It costs one step, and not every update from now on."""
        far = NOW + 5000 * DAY
        with bench.device() as device:
            install(device, signed(bench.image("future"), at=far), "future")
            floor = BUILT + STEP
            assert bench.floor() == floor
            assert_too_old(device, signed(bench.image("now")), at=NOW, floor=floor)
            install(device, signed(bench.image("other"), at=far + DAY), "other")
            assert bench.floor() == floor + STEP
            install(device, signed(bench.image("future"), at=far + 2 * DAY), "future")
            assert bench.floor() == floor + STEP  # each image takes the step once
            after = floor + STEP + MINUTE
            install(device, signed(bench.image("now"), at=after), "now")
            assert bench.floor() == after


def test_going_back_is_signing_anew(bench: Bench) -> None:
    with bench.device() as device:
        first = bench.image("first")
        install(device, signed(first, at=NOW - 2 * DAY), "first")
        install(device, signed(bench.image("second"), at=NOW - DAY), "second")
        assert refused(device, signed(first, at=NOW - 2 * DAY)) is Reason.OlderThanFloor
        install(device, signed(first, at=NOW), "first")
        assert bench.floor() == NOW
