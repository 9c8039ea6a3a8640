"""Direct mode: the tool connects to the device, and what happens where it can't."""

from __future__ import annotations

import dataclasses
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Callable

import pytest

from platformio_secureota import container as containers
from platformio_secureota.errors import Reason, Refused, SecureOTAError
from platformio_secureota.ota import Connection, Settings, State, Target, Timeouts, upload
from platformio_secureota.ota.contact import Contact
from platformio_secureota.ota.invitation import Accepted, ImageKind, Invitation
from platformio_secureota.ota.inviting import Inviter
from platformio_secureota.ota.target import resolve
from stock_device import Behaviour, StockDevice, take_and_say

if TYPE_CHECKING:
    from platformio_secureota.ota import Password, Verdict

CONTAINER = containers.build(b"\x30\x82" + b"token" * 100, b"\xe9" + b"image" * 30_000)
TIMEOUTS = Timeouts(status=0.05, invitation=8.0, direct=0.5, connection=5.0, late_refusal=0.1)
HASTY = dataclasses.replace(TIMEOUTS, invitation=2.0, connection=0.4)


def send(
    device: StockDevice,
    *,
    connection: Connection = Connection.AUTO,
    timeouts: Timeouts = TIMEOUTS,
    password: Password = None,
    on_state: Callable[[State], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    **settings: object,
) -> Verdict:
    return upload(
        CONTAINER,
        Target("127.0.0.1", device.port),
        password=password,
        on_state=on_state,
        progress=progress,
        settings=Settings(connection=connection, timeouts=timeouts, **settings),  # type: ignore[arg-type]
    )


def failure(behaviour: Behaviour, **how: object) -> SecureOTAError:
    with StockDevice(behaviour) as device, pytest.raises(SecureOTAError) as caught:
        send(device, timeouts=HASTY, **how)  # type: ignore[arg-type]
    return caught.value


def invitations(device: StockDevice) -> list[bool]:
    """For each invitation that was heard: did it offer to connect?"""
    return [" direct=1" in text for text in device.heard if " port=" in text]


@pytest.mark.parametrize("connection", [Connection.AUTO, Connection.DIRECT])
def test_the_tool_connects_and_shows_the_cookie_first(connection: Connection) -> None:
    states: list[State] = []
    with StockDevice(Behaviour(door="open", connects=False)) as device:
        verdict = send(device, connection=connection, on_state=states.append)
    assert verdict.direct
    assert device.came_direct
    assert device.received == CONTAINER
    assert device.digest_fits
    assert invitations(device) == [True]
    assert states == [State.INVITING, State.CONNECTING, State.SENDING, State.VERDICT]


def test_the_cookie_is_no_progress() -> None:
    steps: list[int] = []
    with StockDevice(Behaviour(door="open")) as device:
        send(device, progress=lambda done, _total: steps.append(done))
    assert min(steps) >= 0
    assert steps[-1] == len(CONTAINER)


def test_a_password_comes_before_the_door() -> None:
    with StockDevice(Behaviour(door="open", password="sesame", connects=False)) as device:
        verdict = send(device, password="sesame")
    assert verdict.direct
    assert device.received == CONTAINER


def test_the_connection_leaves_from_the_address_that_invited() -> None:
    """Every address of 127/8 is the device's neighbour; it drops another one than it answered."""
    with StockDevice(Behaviour(door="open", connects=False)) as device:
        verdict = send(device, host_address="127.0.0.9")
    assert verdict.direct


def test_ipv6() -> None:
    try:
        device = StockDevice(Behaviour(door="open", connects=False), ip="::1")
    except OSError as why:
        pytest.skip(f"this machine has no IPv6: {why}")
    with device:
        settings = Settings(timeouts=TIMEOUTS)
        assert upload(CONTAINER, Target("::1", device.port), settings=settings).direct
    assert device.received == CONTAINER


def test_a_device_that_knows_no_direct_mode_connects_as_ever() -> None:
    with StockDevice() as device:
        assert not send(device).direct
    assert not device.came_direct
    assert device.received == CONTAINER


def test_back_alone_offers_nothing() -> None:
    with StockDevice(Behaviour(door="open")) as device:
        assert not send(device, connection=Connection.BACK).direct
    assert invitations(device) == [False]
    assert device.received == CONTAINER


@pytest.mark.parametrize("door", ["refusing", "silent", "slamming"])
@pytest.mark.parametrize("password", ["", "sesame"])
def test_where_the_device_is_out_of_reach_it_connects_back(door: str, password: str) -> None:
    states: list[State] = []
    asked: list[bool] = []

    def ask() -> str:
        asked.append(True)
        return password

    with StockDevice(Behaviour(door=door, password=password)) as device:
        verdict = send(device, password=ask, on_state=states.append)
    assert not verdict.direct
    assert device.received == CONTAINER
    assert set(invitations(device)) == {True, False}
    assert states.index(State.CONNECTING) < states.index(State.WAITING)
    assert len(asked) == bool(password)


@pytest.mark.parametrize(
    ("door", "why"),
    [("refusing", "refused"), ("silent", "no answer within 0.5 s"), ("slamming", "closed before")],
)
def test_both_ways_closed(door: str, why: str) -> None:
    error = failure(Behaviour(door=door, connects=False))
    assert (error.reason, error.exit_code) == (Reason.NoConnection, 2)
    assert "could not reach this computer on TCP " in error.detail
    assert why in error.detail
    assert "--host-port" in error.hint


@pytest.mark.parametrize("door", ["refusing", "silent", "slamming"])
def test_direct_alone_does_not_fall_back(door: str) -> None:
    states: list[State] = []
    with StockDevice(Behaviour(door=door)) as device, pytest.raises(SecureOTAError) as caught:
        send(device, connection=Connection.DIRECT, timeouts=HASTY, on_state=states.append)
    assert (caught.value.reason, caught.value.exit_code) == (Reason.NoConnection, 2)
    assert "--connection=back" in caught.value.hint
    assert State.WAITING not in states
    assert device.received == b""


def test_direct_alone_opens_no_port() -> None:
    """A device that knows no direct mode tries the port that the invitation names."""
    with StockDevice() as device, pytest.raises(SecureOTAError) as caught:
        send(device, connection=Connection.DIRECT, timeouts=HASTY)
    assert caught.value.reason is Reason.NoConnection
    assert "no direct mode" in caught.value.detail
    assert device.command == -1  # it never came through


def test_direct_alone_does_not_use_the_stock_form() -> None:
    with StockDevice(Behaviour(understands=("stock",))) as device:
        with pytest.raises(SecureOTAError) as caught:
            send(device, connection=Connection.DIRECT, timeouts=HASTY)
        assert all(text.startswith("RedWax/") for text in device.heard)
    assert caught.value.reason is Reason.NoAnswer


@pytest.mark.parametrize(
    "answer",
    [
        b"OK port=4711",
        b"OK cookie=00112233445566778899aabbccddeeff",
        b"OK port=0 cookie=00112233445566778899aabbccddeeff",
        b"OK port=65536 cookie=00112233445566778899aabbccddeeff",
        b"OK port=4711 cookie=00112233445566778899AABBCCDDEEFF",
        b"OK port=4711 cookie=short",
    ],
)
def test_half_a_door_is_none(answer: bytes) -> None:
    with StockDevice(Behaviour(answer=answer)) as device:
        assert not send(device).direct
    assert device.received == CONTAINER


def test_a_refusal_on_the_direct_way_is_the_end() -> None:
    behaviour = Behaviour(door="open", converse=take_and_say(b"NotTrusted: no\n"))
    with StockDevice(behaviour) as device, pytest.raises(Refused) as caught:
        send(device)
    assert caught.value.reason is Reason.NotTrusted
    assert invitations(device) == [True]


def test_a_connection_that_is_lost_after_a_word_is_lost() -> None:
    def converse(connection: socket.socket, _size: int) -> bytes:
        received = connection.recv(1460)
        connection.sendall(b"1460")
        return received

    with StockDevice(Behaviour(door="open", converse=converse)) as device:
        with pytest.raises(SecureOTAError) as caught:
            send(device)
        assert invitations(device) == [True]
    assert (caught.value.reason, caught.value.exit_code) == (Reason.ConnectionLost, 2)


def test_a_late_answer_to_the_direct_invitation_is_none_to_the_next() -> None:
    """It names a door that the device has given up; the invitation still wants its answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device, ThreadPoolExecutor() as pool:
        device.bind(("127.0.0.1", 0))
        device.settimeout(10)
        target = Target(*device.getsockname())
        with Contact(resolve(target)) as contact:
            invitation = Invitation(ImageKind.APPLICATION, contact.port, CONTAINER, 502)
            inviter = Inviter(contact, invitation, target, settings=Settings(timeouts=TIMEOUTS))
            outcome = pool.submit(inviter.invite, direct=False)
            _, host = device.recvfrom(1000)
            device.sendto(b"OK port=4711 cookie=00112233445566778899aabbccddeeff", host)
            again, _ = device.recvfrom(1000)
            device.sendto(b"OK", host)
            assert outcome.result(10) == Accepted({})
    assert again.startswith(b"RedWax/")


def test_too_many_attempts_and_an_unconfirmed_image_are_waited_for() -> None:
    for refusal in (b"TooManyAttempts: wait", b"NotConfirmedYet: wait"):
        with StockDevice(Behaviour(door="open")) as device:
            say, refusals = device._say, [refusal]  # noqa: SLF001
            device._say = lambda text, host: say(  # type: ignore[method-assign]  # noqa: SLF001, B023
                refusals.pop() if refusals else text,  # noqa: B023
                host,
            )
            send(device)
        assert device.received == CONTAINER
        assert len(device.heard) == 2
