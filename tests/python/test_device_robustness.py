"""What strangers and accidents do to a device in the middle of an upload, by hand and both ways."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from emulated_device import (
    PATIENCE,
    PROGRAM,
    EmulatedDevice,
    Host,
    last_word,
    read_to_end,
)
from owner import signed, write_anchor
from platformio_secureota import container

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

ELSEWHERE = "127.0.0.2"
WAYS = pytest.mark.parametrize("direct", [True, False], ids=["direct", "back"])


@pytest.fixture
def device(tmp_path: Path) -> Iterator[EmulatedDevice]:
    anchor = write_anchor(tmp_path / "anchor.der")
    options = ("--anchor", str(anchor), "--idle-timeout", "2")
    with EmulatedDevice(tmp_path / "flash", *options) as device:
        yield device


@pytest.fixture(scope="module")
def running() -> bytes:
    return signed(PROGRAM.read_bytes())


def begin(host: Host, data: bytes, *, direct: bool) -> socket.socket:
    """Invite, and return the connection that is ready for the container."""
    answer = host.ask(host.invitation(data, " direct=1" if direct else ""))
    if not direct:
        assert answer == b"OK"
        return host.accept()
    match = re.fullmatch(rb"OK port=(\d+) cookie=([0-9a-f]{32})", answer)
    assert match, answer
    connection = host.connect(int(match[1]))
    connection.sendall(match[2] + b"\n")
    return connection


def deliver(host: Host, data: bytes, *, direct: bool) -> str:
    with begin(host, data, direct=direct) as connection:
        connection.sendall(data)
        return last_word(read_to_end(connection))


def assert_untouched(device: EmulatedDevice) -> None:
    assert device.count("boot: ") == 1
    assert device.count("erased") == 0
    assert device.count("restarting") == 0


@WAYS
def test_replay_touches_nothing(device: EmulatedDevice, running: bytes, *, direct: bool) -> None:
    token = container.parse(running).token
    rubbish = container.build(token, b"rubbish" * 5000)
    with Host(device) as host:
        for data in (running, rubbish, running, rubbish):
            assert deliver(host, data, direct=direct) == "OK"
            device.wait_for("accepted: runs already, nothing touched")
    assert_untouched(device)


@WAYS
def test_others_during_an_upload(device: EmulatedDevice, running: bytes, *, direct: bool) -> None:
    half = len(running) // 2
    with Host(device) as host, Host(device) as same, Host(device, ELSEWHERE) as other:
        with begin(host, running, direct=direct) as connection:
            connection.sendall(running[:half])
            assert connection.recv(1)  # it has counted some: the connection is taken
            for stranger in (same, other):
                for keys in ("", " direct=1"):
                    answer = stranger.ask(stranger.invitation(running, keys))
                    assert answer.startswith(b"Busy: ")
                assert stranger.ask(stranger.stock_invitation(running)).startswith(b"Busy: ")
                assert stranger.ask(b"200 " + b"0" * 64 + b" " + b"0" * 64 + b"\n")[:3] == b"Not"
                with pytest.raises(ConnectionRefusedError):  # nobody listens any more
                    stranger.connect(device.port)
            connection.sendall(running[half:])
            assert last_word(read_to_end(connection)) == "OK"
        assert deliver(other, running, direct=direct) == "OK"
    assert_untouched(device)


@WAYS
@pytest.mark.parametrize("sent", [0, 10, 100_000])
def test_half_open(device: EmulatedDevice, running: bytes, *, direct: bool, sent: int) -> None:
    """The peer is gone without a word: nothing comes, and nothing ends."""
    with Host(device) as host, begin(host, running, direct=direct) as connection:
        connection.sendall(running[:sent])
        assert device.wait_for("refused: ").startswith("refused: TimedOut")
        with Host(device, ELSEWHERE) as other:  # at once: the old connection need not end for it
            assert deliver(other, running, direct=not direct) == "OK"
        assert last_word(read_to_end(connection)).startswith("TimedOut: ")
    assert_untouched(device)


def test_invitations_without_end(device: EmulatedDevice, running: bytes) -> None:
    """A thousand invitations leave nothing open, and the owner comes through."""
    before = device.open_files()
    with ExitStack() as stack:
        strangers = [stack.enter_context(Host(device, f"127.0.0.{n}")) for n in range(2, 12)]
        for n in range(1000):
            stranger = strangers[n % len(strangers)]
            stranger.ask(stranger.invitation(b"%d" % n, " direct=1"))
            assert device.open_files() <= before + 1
        owner = stack.enter_context(Host(device))
        deadline = time.monotonic() + PATIENCE
        while (answer := owner.ask(owner.invitation(running))) != b"OK":
            assert answer.startswith(b"Busy: ")
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert owner.deliver(running) == "OK"
    assert_untouched(device)
