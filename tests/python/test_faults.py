"""Every row of the table of faults, between the real tool and the real device."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Callable, NamedTuple

import pytest

from emulated_device import ROOT
from fault_runs import BOUND, READY, SLACK, TIMEOUTS, Run, Way, Workshop
from fault_table import EITHER, NEW, ROWS, Outcome, Row, place
from lying_devices import CONTAINER, LIES, Lie
from platformio_secureota import SecureOTAError
from platformio_secureota.ota import Target, Wait, upload
from stock_device import StockDevice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platformio_secureota.ota import Connection

pytestmark = [
    pytest.mark.skipif(
        sys.platform != "linux", reason="links need more addresses of the loopback than one"
    ),
    pytest.mark.timeout(300),
]

AT_ONCE = 16
"""Devices.  They and the tool mostly wait."""


class Case(NamedTuple):
    """A row, at one place, in one way."""

    row: Row
    connection: Connection
    place: str
    password: bool

    def __str__(self) -> str:
        password = "with password" if self.password else ""
        words = (self.row.name, self.place, self.connection.value, password)
        return ", ".join(filter(None, words))

    def run(self, workshop: Workshop) -> Run:
        faults = self.row.faults(place(self.place, workshop.container))
        timeouts = dataclasses.replace(TIMEOUTS, **self.row.timeouts)
        return workshop.run(faults, Way(self.connection, self.password, timeouts))


class Tale(NamedTuple):
    """A device that lies."""

    lie: Lie

    def __str__(self) -> str:
        return self.lie.name

    def run(self, _workshop: Workshop) -> tuple[SecureOTAError | None, float]:
        """Return the error, and the seconds that it took."""
        error = None
        with StockDevice(self.lie.behaviour()) as device:
            started = time.monotonic()
            try:
                upload(
                    CONTAINER,
                    Target("127.0.0.1", device.port),
                    password=self.lie.password,
                    settings=self.lie.settings(),
                )
            except SecureOTAError as caught:
                error = caught
            return error, time.monotonic() - started


CASES = [
    Case(row, connection, where, password)
    for row in ROWS
    for connection in row.ways
    for where in row.places
    for password in row.passwords
]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("faults"))


class Command(NamedTuple):
    """The same, as `secureota upload` has it."""

    lie: Lie

    def __str__(self) -> str:
        return self.lie.name

    def run(self, workshop: Workshop) -> subprocess.CompletedProcess[str]:
        file = workshop.file(CONTAINER)
        with StockDevice(self.lie.behaviour()) as device:
            target = f"127.0.0.1:{device.port}"
            return subprocess.run(
                [sys.executable, "-m", "platformio_secureota", "upload", file, target, *HASTE],
                env={**os.environ, "SECUREOTA_PASSWORD": self.lie.password or ""},
                cwd=ROOT,
                text=True,
                capture_output=True,
                check=False,
            )


HASTE = ("--timeout", "3", "--idle-timeout", "2")

COMMANDS = [
    Command(lie)
    for lie in LIES
    # There are no options for the patience after the last byte.
    if lie.wait is Wait.NO and not lie.timeouts and lie.name != "it is silent after the last byte"
]

QUICK = (
    "it answers everything twice",
    "it answers with rubbish instead of numbers",
    "it closes after the last byte without a word",
    "it says OK before it has read everything",
)


class Runs(NamedTuple):
    """All that were asked for, under way at the same time; each test waits for its own."""

    faults: dict[Case, Future[Run]]
    lies: dict[Tale, Future[tuple[SecureOTAError | None, float]]]
    commands: dict[Command, Future[subprocess.CompletedProcess[str]]]


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, workshop: Workshop, report_line: Callable[[str], None]
) -> Iterator[Runs]:
    chosen = [
        item.callspec.params["case"]
        for item in request.session.items
        if isinstance(item, pytest.Function)
        if item.module is request.module and "case" in item.fixturenames
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = Runs(
            {each: pool.submit(each.run, workshop) for each in chosen if isinstance(each, Case)},
            {each: pool.submit(each.run, workshop) for each in chosen if isinstance(each, Tale)},
            {each: pool.submit(each.run, workshop) for each in chosen if isinstance(each, Command)},
        )
        yield runs
    done = {case: it.result() for case, it in runs.faults.items() if it.exception() is None}
    slowest = max(done, key=lambda case: done[case].ready_after, default=None)
    if slowest is not None:
        seconds = done[slowest].ready_after
        report_line(f"{len(done)} faults; ready last, after {seconds:.1f} s: {slowest}")


def assert_came_as(expected: Outcome, error: SecureOTAError | None) -> None:
    if error is None:
        assert expected.status == 0
        return
    assert (error.exit_code, error.reason) == (expected.status, expected.reason), error
    for words in expected.says:
        assert words in str(error)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_fault(case: Case, runs: Runs) -> None:
    came = runs.faults[case].result()
    assert_came_as(case.row.outcome, came.error)
    assert came.seconds < BOUND
    if case.row.runs != EITHER:
        assert came.runs_new == (case.row.runs == NEW), came.log
    if case.row.came_direct is not None:
        assert came.verdict is not None
        assert came.verdict.direct == case.row.came_direct
    assert came.ready_after < READY + SLACK


@pytest.mark.parametrize("case", list(map(Tale, LIES)), ids=str)
def test_device_that_lies(case: Tale, runs: Runs) -> None:
    error, seconds = runs.lies[case].result()
    assert_came_as(case.lie.outcome, error)
    assert seconds < BOUND


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(each, marks=[] if each.lie.name in QUICK else pytest.mark.slow)
        for each in COMMANDS
    ],
    ids=str,
)
def test_exit_status_of_the_command(case: Command, runs: Runs) -> None:
    came = runs.commands[case].result()
    expected = case.lie.outcome
    assert came.returncode == expected.status, came
    assert ("accepted: " in came.stdout) == (expected.status == 0)
    assert "Traceback" not in came.stderr
    if expected.reason is not None:
        assert f": {expected.reason.value}: {expected.reason.sentence}" in came.stderr
