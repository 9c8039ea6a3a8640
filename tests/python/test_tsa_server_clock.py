"""No token when the clock can't be believed."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import platformio_secureota
from platformio_secureota.tsa.server.clock import (
    BUILD_DATE,
    ClockDoubt,
    ClockGate,
    Clocks,
    kernel_says_synchronised,
)
from tsa_server import Site, fail_info, running

TIME_NOT_AVAILABLE = 14
NOW = dt.datetime.now(dt.timezone.utc).timestamp()


@dataclass
class Times:
    """Clocks that a test sets."""

    wall: float = NOW
    steady: float = 1000.0
    synchronised: bool | None = True

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    @property
    def clocks(self) -> Clocks:
        return Clocks(lambda: self.wall, lambda: self.steady, lambda: self.synchronised)


def gate(times: Times, *, require_synchronised: bool = True) -> ClockGate:
    return ClockGate(require_synchronised=require_synchronised, max_step=2, clocks=times.clocks)


def test_time_that_passes() -> None:
    times = Times()
    good = gate(times)
    for seconds in (0, 0.5, 3600, 86400 * 30):
        times.pass_by(seconds)
        assert good.check(None).timestamp() == pytest.approx(times.wall)


@pytest.mark.parametrize("step", [-3600, -2.5, 2.5, 3600])
def test_steps(step: float) -> None:
    times = Times()
    good = gate(times)
    good.check(None)
    times.pass_by(100)
    times.wall += step
    with pytest.raises(ClockDoubt, match=r"stepped (ahead|back)"):
        good.check(None)
    times.pass_by(100)
    with pytest.raises(ClockDoubt):
        good.check(None)
    times.wall -= step
    good.check(None)


@pytest.mark.parametrize("step", [-1.5, 1.0, 1.5])
def test_leap_seconds_are_no_steps(step: float) -> None:
    times = Times()
    good = gate(times)
    good.check(None)
    times.wall += step
    good.check(None)


def test_many_small_steps_are_a_large_one() -> None:
    times = Times()
    good = gate(times)
    good.check(None)
    for _ in range(4):
        times.wall += 0.5
        good.check(None)
    times.wall += 0.5
    with pytest.raises(ClockDoubt, match="ahead"):
        good.check(None)


def test_floor() -> None:
    times = Times()
    floor = dt.datetime.fromtimestamp(times.wall + 1, dt.timezone.utc)
    with pytest.raises(ClockDoubt, match="behind the last"):
        gate(times).check(floor)
    times.pass_by(1)
    gate(times).check(floor)


def test_build_date() -> None:
    times = Times(wall=BUILD_DATE.timestamp() - 1)
    with pytest.raises(ClockDoubt, match="build date"):
        gate(times).check(None)
    times.pass_by(1)
    gate(times).check(None)


def test_build_date_is_the_release() -> None:
    """Whoever dates a release, or writes anything younger into its notes, raises BUILD_DATE."""
    text = (Path(__file__).parents[2] / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## (\S+) \((\S+)\)$", text, re.MULTILINE)
    dates = re.findall(r"\b\d{4}-\d\d-\d\d\b", text)
    assert headings[0][0] == platformio_secureota.__version__
    built = BUILD_DATE.date().isoformat()
    assert built >= max(dates)
    assert headings[0][1] in ("unreleased", built)
    assert BUILD_DATE.timestamp() <= NOW


def test_a_clock_that_is_set_before_it_is_synchronised() -> None:
    # At boot the clock jumps to the right time: the jump is before anybody believed it.
    times = Times(wall=NOW - 86400, synchronised=False)
    good = gate(times)
    with pytest.raises(ClockDoubt, match="is not synchronised"):
        good.check(None)
    times.wall, times.synchronised = NOW, True
    good.check(None)


def test_a_system_that_does_not_say() -> None:
    times = Times(synchronised=None)
    with pytest.raises(ClockDoubt, match="can't be asked"):
        gate(times).check(None)
    gate(times, require_synchronised=False).check(None)


def test_this_systems_word() -> None:
    assert kernel_says_synchronised() in (True, False, None)


def test_server(tmp_path: Path) -> None:
    """Back, ahead, unsynchronised: timeNotAvailable, no line, and then on again."""
    site = Site.make(tmp_path, synchronised=True)
    times = Times()
    with running(site, times.clocks) as server:
        assert fail_info(server.post()) == -1
        for step in (-3600.0, 3600.0, -5.0):
            times.wall += step
            assert fail_info(server.post()) == TIME_NOT_AVAILABLE
            assert server.get("/healthz").status_code == 503
            times.wall -= step
        times.synchronised = False
        assert fail_info(server.post()) == TIME_NOT_AVAILABLE
        assert "No tokens now" in server.get("/").text
        assert "secureota_tsa_clock_good 0.0" in server.get("/metrics").text
        times.synchronised = True
        times.pass_by(1)
        assert fail_info(server.post()) == -1
    assert len(site.records()) == 2


def test_the_last_time_outlives_the_server(tmp_path: Path) -> None:
    site = Site.make(tmp_path, synchronised=True)
    times = Times()
    with running(site, times.clocks) as server:
        assert fail_info(server.post()) == -1
    # A restart would forget the step; the log does not.
    times.wall -= 3600
    with running(site, times.clocks) as server:
        assert fail_info(server.post()) == TIME_NOT_AVAILABLE
        times.pass_by(3601)
        assert fail_info(server.post()) == -1
    assert len(site.records()) == 2
