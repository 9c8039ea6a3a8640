"""Uploads to the running device over a slow link: ours both ways, and the stock tool's."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from bench.line import Model
from bench.link import Link
from bench.upload import stop_and_wait
from emulated_device import EmulatedDevice, Host
from owner import NOW, START, signed, write_anchor
from platformio_secureota import Reason, Refused, pki
from platformio_secureota.ota import Connection, Settings, Target, upload
from platformio_secureota.ota.send_queue import unacknowledged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the slow link needs the addresses 127.0.0.2 and 127.0.0.3"
)

WINDOW = 5760
MODEL = Model(rate=2.5e6, round_trip=0.005, window=WINDOW)
IMAGE = bytes(range(256)) * 400
"""It can't be executed: the device accepts it, and after a restart goes back."""


@pytest.fixture
def device(tmp_path: Path) -> Iterator[EmulatedDevice]:
    anchor = write_anchor(tmp_path / "anchor.der")
    options = ("--anchor", str(anchor), "--receive-buffer", str(WINDOW))
    with EmulatedDevice(tmp_path / "flash", *options) as device:
        yield device


@pytest.mark.parametrize("connection", [Connection.DIRECT, Connection.BACK])
def test_ours(device: EmulatedDevice, connection: Connection) -> None:
    container = signed(IMAGE)
    with Link(MODEL, device.port) as link:
        began = time.monotonic()
        upload(container, Target(*link.address), settings=Settings(connection=connection))
        assert time.monotonic() - began >= MODEL.least_seconds(len(container))
    device.wait_for("accepted: ")


def test_the_stock_tools(device: EmulatedDevice) -> None:
    with Link(MODEL, device.port) as link:
        stop_and_wait(signed(IMAGE), link.address)
    device.wait_for("accepted: ")


@pytest.mark.parametrize("connection", [Connection.DIRECT, Connection.BACK])
def test_a_refusal_comes_through(device: EmulatedDevice, connection: Connection) -> None:
    """The device says it, and stops reading, while the host is still sending."""
    container = signed(IMAGE, at=NOW, identity=pki.generate(name="theirs", now=START))
    with Link(MODEL, device.port) as link, pytest.raises(Refused) as caught:
        upload(container, Target(*link.address), settings=Settings(connection=connection))
    assert caught.value.reason is Reason.NotTrusted


def test_a_device_takes_no_more_ahead_than_a_chip(device: EmulatedDevice) -> None:
    """The system doubles the number, for what it needs besides the bytes."""
    with Host(device) as host:
        assert host.ask(host.stock_invitation(b"x" * 1_000_000)) == b"OK"
        with host.accept() as connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) <= 1440
            os.kill(device.firmware(), signal.SIGSTOP)
            sent = fill(connection)
            taken = sent - unacknowledged(connection)
            os.kill(device.firmware(), signal.SIGCONT)
    assert 0 < taken <= 2 * WINDOW


def fill(connection: socket.socket) -> int:
    """Send until nothing more is taken, and has not been for a while."""
    sent = 0
    connection.settimeout(0.3)
    with suppress(socket.timeout):
        while True:
            sent += connection.send(b"x" * 1000)
    return sent
