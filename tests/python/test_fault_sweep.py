"""Connections cut at many bytes: nothing is taken for a yes, and the device is ready again."""

from __future__ import annotations

import dataclasses
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fault_runs import BOUND, READY, SLACK, TIMEOUTS, Way, Workshop
from fault_table import AUTO, BACK, DIRECT, place
from faults import GREETING_SIZE, Cut, Reset, Stall
from platformio_secureota import Reason

if TYPE_CHECKING:
    from platformio_secureota.ota import Connection

pytestmark = [
    pytest.mark.skipif(
        sys.platform != "linux", reason="links need more addresses of the loopback than one"
    ),
    pytest.mark.slow,
    pytest.mark.timeout(900),
]

AT_ONCE = 16
HASTE = dataclasses.replace(TIMEOUTS, sending=3.0, verdict=3.0)
DOUBTS = {Reason.ConnectionLost, Reason.NoConnection, Reason.TimedOut, Reason.NoVerdict}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("sweep"))


def assert_in_order(workshop: Workshop, cut: Cut, connection: Connection) -> None:
    run = workshop.run([cut], Way(connection, timeouts=HASTE))
    if run.error is None:
        # Only where there is a second way, after one that led nowhere.
        assert connection is AUTO
        assert run.verdict is not None
        assert not run.verdict.direct
        assert run.runs_new
    else:
        assert (run.error.exit_code, run.error.reason in DOUBTS) == (2, True), run
        assert not run.runs_new, run
    assert run.seconds < BOUND
    assert run.ready_after < READY + SLACK


@pytest.mark.parametrize("kind", [Reset, Stall], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("connection", [AUTO, DIRECT, BACK], ids=lambda way: way.value)
def test_at_many_bytes(workshop: Workshop, kind: type[Cut], connection: Connection) -> None:
    image = place("before the image", workshop.container)
    first = 0 if connection is BACK else -GREETING_SIZE
    places = [*range(first, image, 61), *range(image - 1, image + 2)]
    places += [image + 2**power for power in range(2, 20)]
    places += [len(workshop.container) - left for left in (1460, 2, 1)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        cuts = [kind(at, direct=True if connection is AUTO else None) for at in places]
        list(pool.map(lambda cut: assert_in_order(workshop, cut, connection), cuts))


@pytest.mark.parametrize("kind", [Reset, Stall], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("connection", [AUTO, DIRECT, BACK], ids=lambda way: way.value)
def test_at_the_devices_words(workshop: Workshop, kind: type[Cut], connection: Connection) -> None:
    """Its numbers, that is: where its OK begins depends on how it has read."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        cuts = [kind(at, words=True) for at in (0, 1, 2, 3, 4, 5, 8, 50, 100, 500)]
        list(pool.map(lambda cut: assert_in_order(workshop, cut, connection), cuts))
