"""The order of a rollout, its limits, and its ends.  What one upload does is passed in."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable

import pytest

from platformio_secureota.errors import Reason, Refused
from platformio_secureota.fleet import (
    Device,
    Done,
    Limits,
    Outcome,
    Report,
    Result,
    Rollout,
    Watcher,
    plan,
)
from platformio_secureota.ota import Form, State, Target, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE = 20.0
VERDICT = Verdict(
    ip="10.0.0.1", size=9, seconds=1.0, form=Form.REDWAX, direct=True, password_form=None
)


def fleet(*names: str, canaries: Sequence[str] = ()) -> list[Device]:
    return [Device(name, Target(name), canary=name in canaries) for name in names]


@dataclass
class Diary:
    """A listener that writes down what it is told."""

    lines: list[str] = field(default_factory=list)
    on_line: Callable[[str], None] = lambda _: None

    def _write(self, line: str) -> None:
        self.lines.append(line)
        self.on_line(line)

    def begins(self, device: Device, *, canary: bool) -> None:
        self._write(f"{device.name} begins{' as canary' if canary else ''}")

    def state(self, device: Device, state: State) -> None:
        self._write(f"{device.name} {state.name}")

    def progress(self, device: Device, done: int, total: int) -> None:
        self._write(f"{device.name} {done}/{total}")

    def ends(self, result: Result) -> None:
        self._write(f"{result.device.name} {result.outcome.value}")

    def stops(self, why: str) -> None:
        self._write(f"stops: {why}")


def good(_device: Device, _watcher: Watcher) -> Done:
    return Done(VERDICT)


def failing(*names: str) -> Callable[[Device, Watcher], Done]:
    def update(device: Device, _watcher: Watcher) -> Done:
        if device.name in names:
            raise Refused(Reason.NotTrusted, "said by the device")
        return Done(VERDICT)

    return update


def run(
    update: Callable[[Device, Watcher], Done],
    devices: list[Device],
    *,
    parallel: int = 1,
    max_failures: int = 1,
) -> tuple[Report, list[str]]:
    diary = Diary()
    limits = Limits(parallel=parallel, max_failures=max_failures)
    report = Rollout(update, limits=limits, listener=diary).run(plan(devices))
    return report, diary.lines


def outcomes(report: Report) -> dict[str, str]:
    return {each.device.name: each.outcome.value for each in report.results}


def test_the_first_is_the_canary() -> None:
    report, lines = run(good, fleet("a", "b"))
    assert lines == ["a begins as canary", "a updated", "b begins", "b updated"]
    assert report.complete
    assert not report.interrupted
    assert report.in_words() == "2 devices: 2 updated"


def test_marked_canaries_go_one_by_one_before_the_rest() -> None:
    _, lines = run(good, fleet("a", "b", "c", canaries=("b", "c")), parallel=8)
    assert lines[:4] == [
        "b begins as canary",
        "b updated",
        "c begins as canary",
        "c updated",
    ]


@pytest.mark.parametrize("max_failures", [1, 100])
def test_a_failed_canary_leaves_the_rest_untouched(max_failures: int) -> None:
    devices = fleet("a", "b", "c", "d", canaries=("b", "c"))
    report, lines = run(failing("b"), devices, parallel=8, max_failures=max_failures)
    assert lines == ["b begins as canary", "b failed", "stops: the canary failed"]
    assert outcomes(report) == {
        "b": "failed",
        "c": "untouched",
        "a": "untouched",
        "d": "untouched",
    }
    assert not report.complete


def test_the_first_failure_stops() -> None:
    report, lines = run(failing("b"), fleet("a", "b", "c", "d"))
    assert lines[-2:] == ["b failed", "stops: 1 failed"]
    assert outcomes(report) == {"a": "updated", "b": "failed", "c": "untouched", "d": "untouched"}


def test_failures_are_counted() -> None:
    report, lines = run(failing("b", "d", "f"), fleet(*"abcdefg"), max_failures=2)
    assert "stops: 2 failed" in lines
    assert "".join(name for name, outcome in outcomes(report).items() if outcome == "failed") == (
        "bd"
    )
    assert outcomes(report)["e"] == "untouched"


def test_nothing_is_stopped_where_nobody_is_left() -> None:
    report, lines = run(failing("b"), fleet("a", "b"))
    assert lines[-1] == "b failed"
    assert not report.complete


def test_those_under_way_finish_when_another_fails() -> None:
    begun, failed = threading.Event(), threading.Event()

    def update(device: Device, watcher: Watcher) -> Done:
        if device.name == "slow":
            begun.set()
            assert failed.wait(PATIENCE)
            watcher.progress(1, 1)
        if device.name == "bad":
            assert begun.wait(PATIENCE)
            raise Refused(Reason.Busy)
        return Done(VERDICT)

    diary = Diary(on_line=lambda line: failed.set() if line.startswith("stops") else None)
    devices = fleet("canary", "slow", "bad", "late")
    report = Rollout(update, limits=Limits(parallel=2), listener=diary).run(plan(devices))
    assert outcomes(report) == {
        "canary": "updated",
        "slow": "updated",
        "bad": "failed",
        "late": "untouched",
    }


def test_never_more_at_once_than_the_limit_and_never_fewer_without_need() -> None:
    lock, meeting = threading.Lock(), threading.Barrier(3)
    now = most = 0

    def update(device: Device, _watcher: Watcher) -> Done:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        if device.name != "a":
            meeting.wait(PATIENCE)  # three at a time, or nobody gets on
        with lock:
            now -= 1
        return Done(VERDICT)

    report, _ = run(update, fleet(*"abcdefghij"), parallel=3)
    assert report.complete
    assert most == 3


def test_nothing_to_do_is_no_failure() -> None:
    report, _ = run(lambda _device, _watcher: Done(None), fleet("a", "b"))
    assert report.complete
    assert report.in_words() == "2 devices: 2 already"


def test_states_and_bytes_are_passed_on() -> None:
    def update(_device: Device, watcher: Watcher) -> Done:
        watcher.state(State.SENDING)
        watcher.progress(3, 9)
        return Done(VERDICT)

    _, lines = run(update, fleet("a"))
    assert lines == ["a begins as canary", "a SENDING", "a 3/9", "a updated"]


def test_a_bug_is_no_failed_device() -> None:
    def update(device: Device, _watcher: Watcher) -> Done:
        if device.name == "b":
            raise ZeroDivisionError
        return Done(VERDICT)

    with pytest.raises(ZeroDivisionError):
        run(update, fleet("a", "b", "c"))


def test_one_interruption_waits_for_those_under_way() -> None:
    stopped = threading.Event()

    def update(device: Device, watcher: Watcher) -> Done:
        if device.name == "b":
            rollout.interrupt()
            assert stopped.wait(PATIENCE)
            watcher.progress(1, 1)
        return Done(VERDICT)

    diary = Diary(on_line=lambda line: stopped.set() if line.startswith("stops") else None)
    rollout = Rollout(update, limits=Limits(parallel=1), listener=diary)
    report = rollout.run(plan(fleet("a", "b", "c")))
    assert "stops: interrupted; waiting for b; once more breaks off" in diary.lines
    assert outcomes(report) == {"a": "updated", "b": "updated", "c": "untouched"}
    assert report.interrupted
    assert not report.complete


def test_the_second_interruption_waits_for_nobody() -> None:
    left = threading.Event()

    def update(device: Device, watcher: Watcher) -> Done:
        if device.name == "b":
            rollout.interrupt()
            rollout.interrupt()
            try:
                for count in range(1_000_000):
                    watcher.progress(count, 1_000_000)
            finally:
                left.set()  # as sockets are closed by then
        return Done(VERDICT)

    diary = Diary()
    rollout = Rollout(update, limits=Limits(parallel=1), listener=diary)
    report = rollout.run(plan(fleet("a", "b", "c")))
    assert outcomes(report) == {"a": "updated", "b": "broken off", "c": "untouched"}
    assert left.wait(PATIENCE)
    assert diary.lines[-1] == "b broken off"


def test_an_interruption_between_two_devices() -> None:
    def update(_device: Device, _watcher: Watcher) -> Done:
        rollout.interrupt()
        return Done(VERDICT)

    diary = Diary()
    rollout = Rollout(update, limits=Limits(), listener=diary)
    report = rollout.run(plan(fleet("a", "b")))
    assert outcomes(report) == {"a": "updated", "b": "untouched"}
    assert report.interrupted


def test_the_report_for_machines() -> None:
    report, _ = run(failing("b"), fleet("a", "b", "c"))
    found = report.as_json(image="ab" * 32)
    assert found["image"] == "ab" * 32
    assert found["complete"] is False
    assert found["counts"] == {
        "updated": 1,
        "already": 0,
        "failed": 1,
        "untouched": 1,
        "broken off": 0,
    }
    a, b, c = found["devices"]
    assert (a["outcome"], a["bytes"], a["ip"], a["reason"]) == ("updated", 9, "10.0.0.1", None)
    assert (b["outcome"], b["reason"], b["detail"]) == (
        "failed",
        "NotTrusted",
        "said by the device",
    )
    assert (c["outcome"], c["seconds"], c["target"]) == (Outcome.UNTOUCHED.value, 0.0, "c:3232")
