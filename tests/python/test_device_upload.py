"""Our tool and our device, over real sockets: who connects, and what is said of what runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulated_device import PROGRAM, EmulatedDevice
from owner import PASSWORD, signed, write_anchor
from platformio_secureota.errors import Reason, Refused
from platformio_secureota.ota import Connection, Settings, State, upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def device(tmp_path: Path) -> Iterator[EmulatedDevice]:
    anchor = write_anchor(tmp_path / "anchor.der")
    with EmulatedDevice(tmp_path / "flash", "--anchor", str(anchor)) as device:
        yield device


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[EmulatedDevice]:
    anchor = write_anchor(tmp_path / "anchor.der")
    options = ("--anchor", str(anchor), "--password-env", "DEVICE_PASSWORD")
    environment = {"DEVICE_PASSWORD": PASSWORD}
    with EmulatedDevice(tmp_path / "flash", *options, environment=environment) as device:
        yield device


@pytest.fixture(scope="module")
def running() -> bytes:
    """What the device runs already: it says OK, and nothing restarts."""
    return signed(PROGRAM.read_bytes())


@pytest.mark.parametrize("connection", list(Connection))
def test_every_way(device: EmulatedDevice, running: bytes, connection: Connection) -> None:
    states: list[State] = []
    verdict = upload(
        running, device.target, settings=Settings(connection=connection), on_state=states.append
    )
    assert verdict.direct == (connection is not Connection.BACK)
    assert (State.CONNECTING in states) == verdict.direct
    device.wait_for("accepted: runs already")


def test_direct_with_a_password(guarded: EmulatedDevice, running: bytes) -> None:
    settings = Settings(connection=Connection.DIRECT)
    assert upload(running, guarded.target, password=PASSWORD, settings=settings).direct


def test_a_wrong_password_costs_a_wait_that_the_tool_waits_for(
    guarded: EmulatedDevice, running: bytes
) -> None:
    with pytest.raises(Refused) as caught:
        upload(running, guarded.target, password="wrong")
    assert caught.value.reason is Reason.NotAuthorized
    upload(running, guarded.target, password=PASSWORD)


def test_many_direct_uploads_leave_nothing_open(device: EmulatedDevice, running: bytes) -> None:
    upload(running, device.target)
    before = device.open_files()
    for _ in range(5):
        assert upload(running, device.target).direct
    device.wait_for("accepted: runs already")
    assert device.open_files() <= before
