"""The slow link of the benchmark: it changes no byte, and is never faster than what it models."""

from __future__ import annotations

import socket
import struct
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.line import READ_SIZE, Line, Model, Window, acknowledged
from bench.link import Link

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the slow link needs the addresses 127.0.0.2 and 127.0.0.3"
)

PATIENCE = 20.0
COOKIE = b"c" * 32
BYTES = bytes(range(251)) * 240
FAST = Model(rate=1e9, round_trip=0.0)


class HandMadeDevice:
    """Answers one invitation and makes the connection; what then happens is the test's."""

    def __init__(self, *, direct: bool) -> None:
        self._direct = direct
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self._udp.settimeout(PATIENCE)
        self.port = int(self._udp.getsockname()[1])
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.settimeout(PATIENCE)
        self.heard = b""
        self.host = ("", 0)

    def close(self) -> None:
        self._udp.close()
        self._door.close()

    def connection(self) -> socket.socket:
        self.heard, self.host = self._udp.recvfrom(2000)
        if self._direct:
            door = self._door.getsockname()[1]
            self._udp.sendto(b"OK port=%d cookie=%s" % (door, COOKIE), self.host)
            connection, peer = self._door.accept()
            connection.settimeout(PATIENCE)
            assert peer[0] == self.host[0], "a device would not let this one in"
            assert take(connection, 33) == COOKIE + b"\n"
        else:
            self._udp.sendto(b"OK", self.host)
            port = int(self.heard.split()[1])
            connection = socket.create_connection((self.host[0], port))
        connection.settimeout(PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


class Upload:
    """A host, the link and a device; both ends of one connection."""

    def __init__(self, link: Link, device: HandMadeDevice, *, direct: bool) -> None:
        device_end: list[socket.socket] = []
        thread = threading.Thread(target=lambda: device_end.append(device.connection()))
        thread.start()
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
            udp.settimeout(PATIENCE)
            udp.connect(link.address)
            with socket.create_server((udp.getsockname()[0], 0)) as listener:
                listener.settimeout(PATIENCE)
                self.invitation = b"0 %d 1000 %s\n" % (listener.getsockname()[1], b"0" * 32)
                start = time.monotonic()
                udp.send(self.invitation)
                self.answer = udp.recv(2000)
                self.answered_after = time.monotonic() - start
                if direct:
                    port = int(self.answer.split()[1].split(b"=")[1])
                    self.host = socket.create_connection((link.address[0], port))
                    self.host.sendall(COOKIE + b"\n")
                else:
                    self.host, peer = listener.accept()
                    assert peer[0] == link.address[0], "a host would not let this one in"
                self.connected_after = time.monotonic() - start
        self.host.settimeout(PATIENCE)
        thread.join(PATIENCE)
        self.device = device_end[0]

    def close(self) -> None:
        self.host.close()
        self.device.close()


@pytest.fixture(params=[True, False], ids=["direct", "connect-back"])
def direct(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def start(direct: bool) -> Iterator[Callable[[Model], Upload]]:  # noqa: FBT001 - a fixture
    with closing(HandMadeDevice(direct=direct)) as device:
        opened: list[tuple[Link, Upload]] = []

        def open_up(model: Model) -> Upload:
            link = Link(model, device.port).__enter__()
            opened.append((link, upload := Upload(link, device, direct=direct)))
            assert device.heard == upload.invitation
            return upload

        yield open_up
        for link, upload in opened:
            upload.close()
            link.__exit__(None, None, None)


def take(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = connection.recv(size - len(received))
        assert piece, f"the link ended it after {len(received)} bytes"
        received += piece
    return received


def read_and_acknowledge(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = connection.recv(READ_SIZE)
        assert piece, f"the link ended it after {len(received)} bytes"
        received += piece
        connection.sendall(b"%d" % len(piece))
    return received


# -- the arithmetic ------------------------------------------------------------------------------


def test_bytes_leave_one_behind_the_other() -> None:
    line = Line(Model(rate=1000, round_trip=2.0))
    assert line.carry(10.0, 500) == 11.5
    assert line.carry(10.0, 500) == 12.0
    assert line.carry(20.0, 500) == 21.5


def test_a_window_opens_by_what_was_read() -> None:
    window = Window(1000, uncounted=33)
    assert window.room == 1033
    window.leave(33)
    window.leave(1000)
    assert window.room == 0
    window.acknowledge(400)
    assert (window.room, window.in_flight) == (400, 600)
    window.acknowledge(601)
    assert (window.room, window.in_flight) == (1000, 0)


@given(st.integers(1, READ_SIZE))
def test_one_acknowledgement(number: int) -> None:
    assert acknowledged(str(number), 10_000) == number


@given(st.lists(st.integers(1000, READ_SIZE), max_size=5), st.integers(0, 10_000))
def test_acknowledgements_of_whole_segments_in_one_run(numbers: list[int], limit: int) -> None:
    assert acknowledged("".join(map(str, numbers)), limit) == min(sum(numbers), limit)


@pytest.mark.parametrize(
    ("digits", "size"),
    [("", 0), ("1440", 1440), ("14401440", 2880), ("9601440", 2400), ("33", 33), ("0", 0)],
)
def test_acknowledgements(digits: str, size: int) -> None:
    assert acknowledged(digits, 10_000) == size


# -- real sockets --------------------------------------------------------------------------------


@pytest.mark.parametrize("round_trip", [0.001, 0.005, 0.020])
@pytest.mark.parametrize("rate", [500e3, 2.5e6])
def test_never_faster_than_the_model(
    start: Callable[[Model], Upload],
    rate: float,
    round_trip: float,
    report_line: Callable[[str], None],
) -> None:
    model = Model(rate=rate, round_trip=round_trip)
    upload = start(model)
    assert upload.answered_after >= round_trip
    assert upload.connected_after >= 2 * round_trip or upload.answer != b"OK"

    began = time.monotonic()
    sender = threading.Thread(target=upload.host.sendall, args=(BYTES,))
    sender.start()
    assert read_and_acknowledge(upload.device, len(BYTES)) == BYTES
    upload.device.sendall(b"OK")
    said = b""
    while not said.endswith(b"OK"):
        said += upload.host.recv(4096)
    seconds = time.monotonic() - began
    sender.join()

    least = model.least_seconds(len(BYTES))
    assert seconds >= least
    report_line(
        f"link: {round_trip * 1000:g} ms, {rate * 8 / 1e6:g} Mbit/s: "
        f"{seconds:.3f} s, at least {least:.3f} s, ratio {seconds / least:.2f}"
    )


def test_no_more_is_under_way_than_the_window(start: Callable[[Model], Upload]) -> None:
    """The device takes the bytes off the socket, and does not say that it has read them."""
    model = Model(rate=1e9, round_trip=0.002)
    upload = start(model)
    upload.host.sendall(BYTES[:20_000])
    take(upload.device, model.window)
    assert_silent(upload.device)

    upload.device.sendall(b"1440")
    take(upload.device, 1440)
    assert_silent(upload.device)


def assert_silent(connection: socket.socket) -> None:
    connection.settimeout(0.2)
    with pytest.raises(socket.timeout):
        connection.recv(1)
    connection.settimeout(PATIENCE)


def test_the_end_comes_behind_the_bytes(start: Callable[[Model], Upload]) -> None:
    upload = start(Model(rate=1e6, round_trip=0.01))
    upload.host.sendall(b"some bytes")
    upload.host.shutdown(socket.SHUT_WR)
    assert take(upload.device, 10) == b"some bytes"
    assert upload.device.recv(1) == b""
    upload.device.sendall(b"Truncated: no\n")
    upload.device.close()
    assert take(upload.host, 14) == b"Truncated: no\n"
    assert upload.host.recv(1) == b""


@pytest.mark.parametrize("who", ["host", "device"])
def test_a_reset_is_one_at_the_other_end(start: Callable[[Model], Upload], who: str) -> None:
    upload = start(FAST)
    ends = (upload.host, upload.device)
    mine, other = ends if who == "host" else reversed(ends)
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    mine.close()
    with pytest.raises(ConnectionResetError):
        other.recv(1)


def test_a_device_that_can_not_be_reached_by_tcp() -> None:
    """Direct mode, and the device has closed its port meanwhile."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        device.bind(("127.0.0.1", 0))
        device.settimeout(PATIENCE)
        with socket.create_server(("127.0.0.1", 0)) as door:
            port = door.getsockname()[1]
        with (
            Link(FAST, device.getsockname()[1]) as link,
            closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp,
        ):
            udp.settimeout(PATIENCE)
            udp.connect(link.address)
            udp.send(b"RedWax/1.00 cmd=0 direct=1 port=1\n")
            _, host = device.recvfrom(100)
            device.sendto(b"OK port=%d cookie=%s" % (port, COOKIE), host)
            assert udp.recv(100).startswith(b"OK port=")
            with socket.create_connection((link.address[0], port)) as connection:
                connection.settimeout(PATIENCE)
                with pytest.raises(ConnectionResetError):
                    connection.recv(1)
