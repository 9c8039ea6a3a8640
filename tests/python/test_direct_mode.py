"""Direct mode, from a host written by hand: the device listens, and knows whom it waits for."""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING, NamedTuple

import pytest

from emulated_device import (
    PATIENCE,
    PROGRAM,
    EmulatedDevice,
    Host,
    last_word,
    password_answer,
    read_to_end,
)
from owner import PASSWORD, signed, write_anchor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIRECT = " direct=1"
ELSEWHERE = "127.0.0.2"


class Offer(NamedTuple):
    """What the device answers to an invitation with `direct=1`."""

    port: int
    cookie: bytes


def offer(answer: bytes) -> Offer:
    match = re.fullmatch(rb"OK port=([1-9][0-9]{0,4}) cookie=([0-9a-f]{32})", answer)
    assert match, answer
    return Offer(int(match[1]), match[2])


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    return tmp_path / "flash"


@pytest.fixture
def device(flash: Path, tmp_path: Path) -> Iterator[EmulatedDevice]:
    anchor = write_anchor(tmp_path / "anchor.der")
    with EmulatedDevice(flash, "--anchor", str(anchor)) as device:
        yield device


@pytest.fixture
def guarded(flash: Path, tmp_path: Path) -> Iterator[EmulatedDevice]:
    anchor = write_anchor(tmp_path / "anchor.der")
    options = ("--anchor", str(anchor), "--password-env", "DEVICE_PASSWORD")
    with EmulatedDevice(flash, *options, environment={"DEVICE_PASSWORD": PASSWORD}) as device:
        yield device


@pytest.fixture(scope="module")
def running() -> bytes:
    """What the device runs already: it says OK, and nothing restarts."""
    return signed(PROGRAM.read_bytes())


def is_dropped(connection: socket.socket, says: bytes = b"") -> bool:
    """Does the device close, without a word, whoever says this?"""
    with suppress(ConnectionError):  # it may close before everything is said
        connection.sendall(says)
    return read_to_end(connection) == b""


def deliver(host: Host, where: Offer, data: bytes) -> str:
    with host.connect(where.port) as connection:
        connection.sendall(where.cookie + b"\n" + data)
        return last_word(read_to_end(connection))


def refuses_connections(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class TestUpload:
    """The host connects, says the cookie, and sends."""

    def test_to_the_port_of_the_same_number(self, device: EmulatedDevice, running: bytes) -> None:
        with Host(device) as host:
            where = offer(host.ask(host.invitation(running, DIRECT)))
            assert where.port == device.port
            assert deliver(host, where, running) == "OK"
        device.wait_for("accepted: runs already")
        assert refuses_connections(where.port)

    def test_to_another_port_where_that_one_is_taken(
        self, device: EmulatedDevice, running: bytes
    ) -> None:
        with Host(device) as host, socket.create_server(("127.0.0.1", device.port)):
            where = offer(host.ask(host.invitation(running, DIRECT)))
            assert where.port != device.port
            assert deliver(host, where, running) == "OK"

    def test_greeting_is_not_acknowledged(self, device: EmulatedDevice, running: bytes) -> None:
        with Host(device) as host:
            where = offer(host.ask(host.invitation(running, DIRECT)))
            with host.connect(where.port) as connection:
                connection.sendall(where.cookie + b"\n")
                connection.sendall(running[:100])
                acknowledged = b""
                while acknowledged != b"100":  # in one read or in several, but 100 in all
                    piece = connection.recv(10)
                    assert piece, acknowledged
                    acknowledged = str(int(acknowledged or b"0") + int(piece)).encode()
                connection.sendall(running[100:])
                assert last_word(read_to_end(connection)) == "OK"

    def test_after_the_password(self, guarded: EmulatedDevice, running: bytes) -> None:
        with Host(guarded) as host:
            keyword, nonce = host.ask(host.invitation(running, DIRECT)).decode().split()
            assert keyword == "AUTH"
            assert refuses_connections(guarded.port)
            where = offer(host.ask(password_answer(nonce, PASSWORD)))
            assert deliver(host, where, running) == "OK"

    def test_refusal_is_heard(self, device: EmulatedDevice) -> None:
        data = b"x" * 100_000
        with Host(device) as host:
            where = offer(host.ask(host.invitation(data, DIRECT)))
            assert deliver(host, where, data).startswith("NotSigned: ")

    def test_a_hundred_times(self, device: EmulatedDevice) -> None:
        before = device.open_files()
        with Host(device) as host:
            for n in range(100):
                data = b"%d" % n * 40
                where = offer(host.ask(host.invitation(data, DIRECT)))
                assert where.port == device.port  # whatever still dies there
                assert deliver(host, where, data).startswith("NotSigned: ")
        assert device.open_files() <= before + 1


class TestStrangers:
    """Who does not have both the address and the cookie is dropped, and the owner is waited for."""

    def test_from_another_address(self, device: EmulatedDevice, running: bytes) -> None:
        with Host(device) as host, Host(device, ELSEWHERE) as stranger:
            where = offer(host.ask(host.invitation(running, DIRECT)))
            for _ in range(3):
                with stranger.connect(where.port) as connection:
                    assert is_dropped(connection, where.cookie + b"\n" + running[:1000])
            assert deliver(host, where, running) == "OK"

    @pytest.mark.parametrize(
        "greeting", [b"0" * 32 + b"\n", b"\n" * 33, b"RedWax/1.00 rfc3161=10 payload=10\n" * 100]
    )
    def test_with_a_wrong_cookie(
        self, device: EmulatedDevice, running: bytes, greeting: bytes
    ) -> None:
        with Host(device) as host:
            where = offer(host.ask(host.invitation(running, DIRECT)))
            for _ in range(3):
                with host.connect(where.port) as connection:
                    assert is_dropped(connection, greeting)
            assert deliver(host, where, running) == "OK"
        assert device.count("refused: ") == 0

    def test_who_say_nothing(self, device: EmulatedDevice, running: bytes) -> None:
        with Host(device) as host:
            where = offer(host.ask(host.invitation(running, DIRECT)))
            with host.connect(where.port) as silent:
                # One connection at a time: this one waits until that one is dropped.
                assert deliver(host, where, running) == "OK"
                assert is_dropped(silent)

    def test_many_at_once(self, device: EmulatedDevice, running: bytes) -> None:
        with Host(device) as host, Host(device, ELSEWHERE) as stranger, ExitStack() as stack:
            where = offer(host.ask(host.invitation(running, DIRECT)))
            files = device.open_files()
            for _ in range(50):
                connection = stack.enter_context(closing(socket.socket()))
                connection.settimeout(PATIENCE)
                connection.bind((ELSEWHERE, 0))
                connection.setblocking(False)
                connection.connect_ex(("127.0.0.1", where.port))
            assert device.open_files() <= files + 1
            assert deliver(host, where, running) == "OK"
            stranger.settle()

    def test_who_repeat_a_cookie(self, device: EmulatedDevice, running: bytes) -> None:
        with Host(device) as host:
            first = offer(host.ask(host.invitation(running, DIRECT)))
            assert deliver(host, first, running) == "OK"
            device.wait_for("accepted: ")
            second = offer(host.ask(host.invitation(running, DIRECT)))
            assert second.cookie != first.cookie
            with host.connect(second.port) as connection:
                assert is_dropped(connection, first.cookie + b"\n" + running)
            assert deliver(host, second, running) == "OK"


class TestInvitations:
    """Asked again, and asked by others, while the device listens."""

    def test_the_same_again_gets_the_same_answer(
        self, device: EmulatedDevice, running: bytes
    ) -> None:
        with Host(device) as host:
            first = host.ask(host.invitation(running, DIRECT))
            assert host.ask(host.invitation(running, DIRECT)) == first
            assert deliver(host, offer(first), running) == "OK"

    def test_another_of_the_same_host_replaces_it(
        self, device: EmulatedDevice, running: bytes
    ) -> None:
        with Host(device) as host, Host(device) as again:
            first = offer(host.ask(host.invitation(running, DIRECT)))
            second = offer(again.ask(again.invitation(running, DIRECT)))
            with host.connect(second.port) as connection:
                assert is_dropped(connection, first.cookie + b"\n")
            assert deliver(host, second, running) == "OK"

    def test_host_that_cannot_connect_is_connected_to(
        self, device: EmulatedDevice, running: bytes
    ) -> None:
        with Host(device) as host:
            where = offer(host.ask(host.invitation(running, DIRECT)))
            with host.connect(where.port) as half_way:
                assert host.ask(host.invitation(running)) == b"OK"
                assert host.deliver(running) == "OK"
                assert is_dropped(half_way)
        assert refuses_connections(where.port)

    def test_others_wait(self, device: EmulatedDevice, running: bytes) -> None:
        with Host(device) as host, Host(device, ELSEWHERE) as other:
            where = offer(host.ask(host.invitation(running, DIRECT)))
            assert other.ask(other.invitation(running, DIRECT)).startswith(b"Busy: ")
            assert deliver(host, where, running) == "OK"

    def test_nobody_connects(self, device: EmulatedDevice, running: bytes) -> None:
        with Host(device) as host:
            where = offer(host.ask(host.invitation(running, DIRECT)))
            assert device.wait_for("refused: ").startswith("refused: ConnectionLost")
            host.settle()
            assert refuses_connections(where.port)
            where = offer(host.ask(host.invitation(running, DIRECT)))
            assert deliver(host, where, running) == "OK"
