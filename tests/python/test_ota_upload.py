"""Uploads over real sockets to a device that behaves, and to devices that do not."""

from __future__ import annotations

import dataclasses
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, Callable

import pytest

from platformio_secureota import container as containers
from platformio_secureota.errors import Reason, Refused, SecureOTAError, Unusable
from platformio_secureota.ota import (
    Form,
    ImageKind,
    Settings,
    State,
    Target,
    Timeouts,
    TransportDigest,
    upload,
)
from platformio_secureota.ota.auth import PasswordForm
from stock_device import Behaviour, StockDevice, take, take_and_say

if TYPE_CHECKING:
    from platformio_secureota.ota import Password, Verdict

# The tool does not judge the token, so any bytes will do for one.
CONTAINER = containers.build(b"\x30\x82" + b"token" * 100, b"\xe9" + b"image" * 30_000)

# Larger than every buffer between the two.
BIG = containers.build(b"\x30\x82" + b"token" * 100, bytes(8_000_000))

PATIENT = Timeouts(status=0.05, invitation=8.0, late_refusal=0.3)
HASTY = Timeouts(
    status=0.05,
    invitation=1.0,
    authentication=0.4,
    connection=0.4,
    sending=0.5,
    verdict=0.5,
    transfer=4.0,
    refusal=0.3,
    close=0.2,
    late_refusal=0.2,
)
BOUND = 6.0
"""Seconds: far above every sum of the hasty time-outs, for a machine that is busy."""


def send(
    device: StockDevice,
    container: bytes = CONTAINER,
    *,
    timeouts: Timeouts = PATIENT,
    password: Password = None,
    kind: ImageKind = ImageKind.APPLICATION,
    progress: Callable[[int, int], None] | None = None,
    on_state: Callable[[State], None] | None = None,
    **settings: object,
) -> Verdict:
    return upload(
        container,
        Target("127.0.0.1", device.port),
        kind=kind,
        password=password,
        progress=progress,
        on_state=on_state,
        settings=Settings(timeouts=timeouts, **settings),  # type: ignore[arg-type]
    )


def failure(
    behaviour: Behaviour,
    container: bytes = CONTAINER,
    *,
    timeouts: Timeouts = HASTY,
    **how: object,
) -> SecureOTAError:
    """The error of an upload, which must come in bounded time."""
    started = time.monotonic()
    with StockDevice(behaviour) as device, pytest.raises(SecureOTAError) as caught:
        send(device, container, timeouts=timeouts, **how)  # type: ignore[arg-type]
    assert time.monotonic() - started < BOUND
    return caught.value


# -- devices that accept -------------------------------------------------------------------------


def test_a_good_device_gets_every_byte_and_the_verdict_is_yes() -> None:
    states: list[State] = []
    with StockDevice() as device:
        verdict = send(device, on_state=states.append)
    assert device.received == CONTAINER
    assert device.digest_fits
    assert device.command == 0
    assert (verdict.ip, verdict.size, verdict.form) == ("127.0.0.1", len(CONTAINER), Form.REDWAX)
    assert verdict.password_form is None
    assert states == [State.INVITING, State.WAITING, State.SENDING, State.VERDICT]


def test_the_first_invitation_is_in_the_redwax_form() -> None:
    with StockDevice() as device:
        send(device)
    assert device.heard[0].startswith("RedWax/1.00 cmd=0 ")
    assert device.heard[0].endswith(" rfc3161=502 direct=1\n")


def test_a_filesystem_image_has_its_own_command() -> None:
    with StockDevice() as device:
        send(device, kind=ImageKind.FILESYSTEM)
    assert device.command == 100


def test_the_invitation_can_name_md5() -> None:
    with StockDevice() as device:
        send(device, transport_digest=TransportDigest.MD5)
    assert " md=MD5 " in device.heard[0]
    assert device.digest_fits


def test_a_device_that_knows_only_the_stock_form_gets_the_same_container() -> None:
    behaviour = Behaviour(understands=("stock",))
    with StockDevice(behaviour) as device:
        verdict = send(device, timeouts=dataclasses.replace(PATIENT, invitation=2.5))
    assert verdict.form is Form.STOCK
    assert device.received == CONTAINER
    assert device.digest_fits
    assert [text[:6] for text in device.heard[:2]] == ["RedWax", "RedWax"]


@pytest.mark.parametrize(
    "conversation",
    [
        take_and_say(b"OK"),
        take_and_say(b"OK\n"),
        take_and_say(b"OK\r\n"),
        take_and_say(b"OK", acknowledge="{}\n"),
        take_and_say(b"OK\r\n", acknowledge="{}\r\n"),
        take_and_say(b"OK", acknowledge=""),
        take_and_say(b"OK", read=1024),
        take_and_say(b"\nOK\n", read=65536, acknowledge="{}\n"),
        take_and_say(b"OK", read=536, pace=0.001),
    ],
    ids=lambda _: "shape",
)
def test_acknowledgements_of_every_shape(conversation: object) -> None:
    behaviour = Behaviour(converse=conversation)  # type: ignore[arg-type]
    with StockDevice(behaviour) as device:
        send(device)
    assert device.received == CONTAINER


def test_a_verdict_in_two_pieces_on_a_connection_that_stays_open() -> None:
    def converse(connection: socket.socket, size: int) -> bytes:
        received = take(connection, size)
        connection.sendall(b"O")
        time.sleep(0.1)
        connection.sendall(b"K")
        time.sleep(2.0)
        return received

    started = time.monotonic()
    with StockDevice(Behaviour(converse=converse)) as device:
        send(device)
        assert time.monotonic() - started < 1.9


def test_nothing_is_waited_for_between_the_pieces() -> None:
    """A device that acknowledges only at the end would stop a stop-and-wait sender for ever."""

    def converse(connection: socket.socket, size: int) -> bytes:
        received = take(connection, size, acknowledge="")
        connection.sendall(str(size).encode() + b"\nOK")
        return received

    with StockDevice(Behaviour(converse=converse)) as device:
        send(device, BIG)
    assert device.received == BIG


def test_a_slow_device_is_no_silent_one() -> None:
    """The whole takes far longer than the time-out, each read far less."""
    conversation = take_and_say(b"OK", read=8192, pace=0.1, acknowledge="{}\n")
    timeouts = dataclasses.replace(HASTY, sending=0.6, verdict=0.6, invitation=4.0, connection=4.0)
    started = time.monotonic()
    with StockDevice(Behaviour(converse=conversation)) as device:
        send(device, timeouts=timeouts)
    assert time.monotonic() - started > 1.5
    assert device.received == CONTAINER


def test_progress_rises_to_the_whole() -> None:
    steps: list[tuple[int, int]] = []
    with StockDevice() as device:
        send(device, BIG, progress=lambda done, total: steps.append((done, total)))
    assert steps[0][0] < steps[-1][0] == len(BIG)
    assert len(steps) > 5
    assert sorted(set(steps)) == steps
    assert {total for _, total in steps} == {len(BIG)}


def test_invitations_that_get_lost_are_repeated() -> None:
    with StockDevice(Behaviour(deaf_to=2)) as device:
        verdict = send(device)
    assert verdict.form is Form.REDWAX
    assert len(device.heard) == 3


def test_a_late_yes_counts() -> None:
    """Several invitations are under way by then; the further answers disturb nothing."""
    with StockDevice(Behaviour(slow=0.8)) as device:
        send(device)
    assert device.received == CONTAINER


def test_a_device_whose_yes_got_lost_is_recognised_by_its_connection() -> None:
    with StockDevice() as device:
        device._say = lambda _text, _host: None  # type: ignore[method-assign]  # noqa: SLF001
        send(device)
    assert device.received == CONTAINER


def test_a_stranger_who_connects_is_dropped_and_the_device_is_served() -> None:
    with StockDevice(Behaviour(stranger_first="127.0.0.7")) as device:
        send(device)
    assert device.received == CONTAINER
    assert device.stranger_heard == b""


def test_the_port_and_address_of_this_computer_can_be_chosen() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with StockDevice() as device:
        send(device, host_address="127.0.0.1", host_port=port)
    assert f" port={port} " in device.heard[0]


def test_ipv6() -> None:
    try:
        device = StockDevice(ip="::1")
    except OSError as why:
        pytest.skip(f"this machine has no IPv6: {why}")
    with device:
        upload(CONTAINER, Target.parse(f"[::1]:{device.port}"), settings=Settings(timeouts=PATIENT))
    assert device.received == CONTAINER


# -- passwords -----------------------------------------------------------------------------------


def test_the_password_is_shown_in_the_strong_form() -> None:
    states: list[State] = []
    with StockDevice(Behaviour(password="sesame")) as device:
        verdict = send(device, password="sesame", on_state=states.append)
    assert verdict.password_form is PasswordForm.PBKDF2
    assert states[:3] == [State.INVITING, State.AUTHENTICATING, State.WAITING]
    assert "sesame" not in "".join(device.heard)


@pytest.mark.parametrize("how", [{"nonce_digits": 32}, {"stored_md5": True}])
def test_weak_forms_work_where_they_are_allowed(how: dict[str, int]) -> None:
    with StockDevice(Behaviour(password="sesame", **how)) as device:  # type: ignore[arg-type]
        verdict = send(device, password="sesame", allow_weak_password=True)
    assert device.received == CONTAINER
    assert verdict.password_form in {PasswordForm.MD5, PasswordForm.STORED_MD5}


def test_an_md5_question_gets_no_answer_by_default() -> None:
    behaviour = Behaviour(password="sesame", nonce_digits=32)
    with StockDevice(behaviour) as device, pytest.raises(Refused) as caught:
        send(device, password="sesame", timeouts=HASTY)
    assert caught.value.reason is Reason.WeakPasswordForm
    assert not any(text.startswith("200 ") for text in device.heard)


def test_a_stored_md5_hash_is_not_tried_by_default() -> None:
    behaviour = Behaviour(password="sesame", stored_md5=True)
    with StockDevice(behaviour) as device, pytest.raises(Refused) as caught:
        send(device, password="sesame")
    assert caught.value.reason is Reason.NotAuthorized
    assert sum(text.startswith("200 ") for text in device.heard) == 1


def test_a_wrong_password() -> None:
    error = failure(Behaviour(password="sesame"), password="sesam", timeouts=PATIENT)
    assert (error.reason, error.exit_code) == (Reason.NotAuthorized, 1)
    assert "Authentication Failed" in error.detail


@pytest.mark.parametrize("password", [None, "", lambda: None])
def test_no_password(password: Password) -> None:
    error = failure(Behaviour(password="sesame"), password=password)
    assert (error.reason, error.exit_code) == (Reason.PasswordMissing, 2)
    assert "SECUREOTA_PASSWORD" in error.hint


def test_the_password_is_asked_for_only_by_a_device_that_wants_it() -> None:
    asked: list[bool] = []

    def ask() -> str:
        asked.append(True)
        return "sesame"

    with StockDevice() as device:
        send(device, password=ask)
    assert not asked
    with StockDevice(Behaviour(password="sesame")) as device:
        send(device, password=ask)
    assert len(asked) == 1


def test_a_password_that_gets_lost_is_answered_again_with_a_new_nonce() -> None:
    behaviour = Behaviour(password="sesame", mute_after_password=1)
    timeouts = dataclasses.replace(PATIENT, authentication=1.0)
    with StockDevice(behaviour) as device:
        send(device, password="sesame", timeouts=timeouts)
    assert device.received == CONTAINER
    answers = [text for text in device.heard if text.startswith("200 ")]
    assert len(answers) == len(set(answers)) == 2


def test_a_device_that_never_answers_the_password() -> None:
    error = failure(Behaviour(password="sesame", mute_after_password=99), password="sesame")
    assert (error.reason, error.exit_code) == (Reason.NoAnswer, 2)
    assert "password" in error.detail


def test_a_late_challenge_is_answered_by_its_newest_nonce() -> None:
    behaviour = Behaviour(password="sesame", slow=0.8)
    with StockDevice(behaviour) as device:
        send(device, password="sesame")
    assert device.received == CONTAINER
    assert sum(text.startswith("RedWax/") for text in device.heard) > 1


def test_nonces_that_arrive_together_get_one_answer() -> None:
    behaviour = Behaviour(password="sesame", asleep=1.1)
    with StockDevice(behaviour) as device:
        send(device, password="sesame")
    assert [text[:6] for text in device.heard] == ["RedWax", "RedWax", device.heard[2][:6]]
    assert device.heard[2].startswith("200 ")


def test_the_same_nonce_again_is_not_answered_again() -> None:
    with StockDevice(Behaviour(password="sesame")) as device:
        say = device._say  # noqa: SLF001

        def twice(text: bytes, host: tuple[str, int]) -> None:
            say(text, host)
            if text.startswith(b"AUTH"):
                say(text, host)

        device._say = twice  # type: ignore[method-assign]  # noqa: SLF001
        send(device, password="sesame")
    assert sum(text.startswith("200 ") for text in device.heard) == 1


def test_a_wrong_password_on_a_slow_device() -> None:
    behaviour = Behaviour(password="sesame", slow=0.8)
    with StockDevice(behaviour) as device, pytest.raises(Refused) as caught:
        send(device, password="sesam")
    assert caught.value.reason is Reason.NotAuthorized


def test_a_nonce_of_no_known_form() -> None:
    error = failure(Behaviour(answer=b"AUTH 123"), password="sesame", allow_weak_password=True)
    assert error.reason is Reason.WeakPasswordForm


# -- refused before or without sending -----------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xe9plain firmware", Reason.NotSigned),
        (b"", Reason.NotSigned),
        (CONTAINER[:-1], Reason.Truncated),
        (CONTAINER + b"x", Reason.TrailingData),
    ],
)
def test_what_is_no_container_is_not_announced(data: bytes, reason: Reason) -> None:
    with StockDevice() as device, pytest.raises(Refused) as caught:
        send(device, data)
    assert caught.value.reason is reason
    assert device.heard == []


@pytest.mark.parametrize(
    ("answer", "reason", "exit_code"),
    [
        (b"BadInvitation: the invitation is not understood\n", Reason.BadInvitation, 1),
        (b"Begin ERROR: Not Enough Space", Reason.DeviceRefused, 1),
        (b"\x1b]0;gotcha\x07\xff", Reason.DeviceRefused, 1),
        (b"AUTH \xff", Reason.DeviceRefused, 1),
    ],
)
def test_a_no_to_the_invitation(answer: bytes, reason: Reason, exit_code: int) -> None:
    error = failure(Behaviour(answer=answer), timeouts=PATIENT)
    assert (error.reason, error.exit_code) == (reason, exit_code)
    assert str(error).isprintable()


def test_a_busy_device_is_asked_again() -> None:
    with StockDevice() as device:
        say, refusals = device._say, [b"Busy: another update is under way"]  # noqa: SLF001
        device._say = lambda text, host: say(  # type: ignore[method-assign]  # noqa: SLF001
            refusals.pop() if refusals else text, host
        )
        device.behaviour.connects = False
        with pytest.raises(Unusable) as caught:
            send(device, timeouts=dataclasses.replace(HASTY, invitation=4.0))
    # It said yes to the second one.
    assert caught.value.reason is Reason.NoConnection
    assert len(device.heard) == 2


def test_a_device_that_stays_busy() -> None:
    error = failure(Behaviour(answer=b"Busy: another update is under way"))
    assert (error.reason, error.exit_code) == (Reason.Busy, 1)


def test_busy_after_the_yes_is_the_answer_to_an_invitation_sent_twice() -> None:
    with StockDevice() as device:
        say = device._say  # noqa: SLF001

        def yes_then_busy(text: bytes, host: tuple[str, int]) -> None:
            say(text, host)
            say(b"Busy: another update is under way", host)

        device._say = yes_then_busy  # type: ignore[method-assign]  # noqa: SLF001
        send(device)
    assert device.received == CONTAINER


def test_an_empty_datagram_is_no_answer() -> None:
    assert failure(Behaviour(answer=b"", connects=False)).reason is Reason.NoAnswer


def test_a_silent_device() -> None:
    error = failure(Behaviour(understands=()))
    assert (error.reason, error.exit_code) == (Reason.NoAnswer, 2)
    assert "within 1 s" in error.detail
    assert "handle()" in error.hint


def test_a_silent_device_is_invited_in_both_forms() -> None:
    with StockDevice(Behaviour(understands=())) as device, pytest.raises(Unusable):
        send(device, timeouts=dataclasses.replace(HASTY, invitation=2.0))
    assert device.heard[0].startswith("RedWax/")
    assert device.heard[-1].startswith("0 ")


def test_nothing_listens_there() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(Unusable) as caught:
        upload(CONTAINER, Target("127.0.0.1", port), settings=Settings(timeouts=HASTY))
    assert caught.value.reason is Reason.NoAnswer
    assert "nothing listens" in caught.value.detail


def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(Unusable) as caught:
        upload(CONTAINER, Target("no-such-device.invalid"))
    assert caught.value.reason is Reason.NoAnswer
    assert "no-such-device.invalid" in caught.value.detail


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken, StockDevice() as device:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unusable) as caught:
            send(device, host_port=port)
    assert caught.value.reason is Reason.HostPortUnusable
    assert str(port) in caught.value.detail
    assert "--host-port" in caught.value.hint


def test_an_address_that_is_not_ours() -> None:
    with StockDevice() as device, pytest.raises(Unusable) as caught:
        send(device, host_address="192.0.2.77")
    assert caught.value.reason is Reason.HostPortUnusable


# -- waiting for the connection ------------------------------------------------------------------


def test_a_device_that_says_yes_and_never_connects() -> None:
    error = failure(Behaviour(connects=False))
    assert (error.reason, error.exit_code) == (Reason.NoConnection, 2)
    assert "could not reach this computer on TCP" in error.detail
    assert "--host-port" in error.hint


def test_a_connection_from_elsewhere_is_not_the_device() -> None:
    error = failure(Behaviour(connects_from="127.0.0.7"))
    assert error.reason is Reason.NoConnection


def test_a_no_that_follows_the_yes() -> None:
    behaviour = Behaviour(connects=False, slow=0.0)
    with StockDevice(behaviour) as device:
        say = device._say  # noqa: SLF001

        def yes_then_no(text: bytes, host: tuple[str, int]) -> None:
            say(text, host)
            say(b"Connect ERROR: 127.0.0.1", host)

        device._say = yes_then_no  # type: ignore[method-assign]  # noqa: SLF001
        with pytest.raises(Refused) as caught:
            send(device)
    assert caught.value.reason is Reason.DeviceRefused
    assert "Connect ERROR" in caught.value.detail


# -- refusals and failures on the connection -----------------------------------------------------

REFUSAL = b"NotTrusted: no path leads from the signer to a trust anchor\n"


def read_and_refuse(bytes_read: int, text: bytes, *, reset: bool = False) -> Behaviour:
    def converse(connection: socket.socket, _size: int) -> bytes:
        received = take(connection, bytes_read)
        connection.sendall(text)
        if reset:
            time.sleep(0.1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return received

    return Behaviour(converse=converse)


@pytest.mark.parametrize("container", [CONTAINER, BIG], ids=["small", "big"])
@pytest.mark.parametrize("bytes_read", [0, 1, 600, 5000])
def test_a_refusal_in_the_middle_is_heard(container: bytes, bytes_read: int) -> None:
    """The device closes with bytes unread, which resets the connection behind its words."""
    error = failure(read_and_refuse(bytes_read, REFUSAL), container)
    assert (error.reason, error.exit_code) == (Reason.NotTrusted, 1)


def test_a_refusal_after_the_last_byte() -> None:
    error = failure(read_and_refuse(len(CONTAINER), b"ImageMismatch: the image is not the one\n"))
    assert (error.reason, error.exit_code) == (Reason.ImageMismatch, 1)


def test_a_refusal_without_a_line_end() -> None:
    error = failure(read_and_refuse(5000, b"Receive timeout"))
    assert (error.reason, error.detail) == (
        Reason.DeviceRefused,
        "the device says: Receive timeout",
    )


def test_a_refusal_without_a_line_end_on_a_connection_that_stays_open() -> None:
    def converse(connection: socket.socket, _size: int) -> bytes:
        connection.sendall(b"Firmware Write error")
        time.sleep(2.0)
        return b""

    error = failure(Behaviour(converse=converse), BIG)
    assert error.detail == "the device says: Firmware Write error"


def test_a_refusal_followed_by_ok_is_a_refusal() -> None:
    error = failure(Behaviour(converse=take_and_say(b"ERROR[8]: Wrong Magic Byte\nOK")))
    assert (error.reason, error.exit_code) == (Reason.DeviceRefused, 1)


def test_ok_followed_by_a_refusal_is_a_refusal() -> None:
    error = failure(Behaviour(converse=take_and_say(b"OK\nActivateFailed: no\n")))
    assert (error.reason, error.exit_code) == (Reason.ActivateFailed, 1)


def test_a_late_refusal_by_udp_of_a_device_that_said_ok_too_soon() -> None:
    behaviour = Behaviour(
        converse=take_and_say(b"OK\r\n"), after=b"Outer digest mismatch, rejecting"
    )
    error = failure(behaviour)
    assert (error.reason, error.exit_code) == (Reason.DeviceRefused, 1)
    assert "Outer digest mismatch" in error.detail


def test_a_reason_by_udp_for_a_silent_close() -> None:
    behaviour = Behaviour(converse=take_and_say(b""), after=b"FlashWriteFailed: bad sector")
    assert failure(behaviour).reason is Reason.FlashWriteFailed


def test_silence_after_the_last_byte_and_a_close() -> None:
    error = failure(Behaviour(converse=take_and_say(b"")))
    assert (error.reason, error.exit_code) == (Reason.NoVerdict, 2)


def test_silence_after_the_last_byte_on_a_connection_that_stays_open() -> None:
    def converse(connection: socket.socket, size: int) -> bytes:
        received = take(connection, size)
        time.sleep(2.0)
        return received

    error = failure(Behaviour(converse=converse))
    assert (error.reason, error.exit_code) == (Reason.NoVerdict, 2)
    assert "silent since 0.5 s" in error.detail


@pytest.mark.parametrize("last_words", [b"O", b"K", b"OKAY", b"ok", b"NOT OK", b"0K"])
def test_what_resembles_ok(last_words: bytes) -> None:
    error = failure(Behaviour(converse=take_and_say(last_words)))
    assert error.reason in {Reason.DeviceRefused, Reason.NoVerdict}
    assert error.exit_code != 0


def test_a_silent_close_in_the_middle() -> None:
    error = failure(read_and_refuse(5000, b""), BIG)
    assert (error.reason, error.exit_code) == (Reason.ConnectionLost, 2)
    assert f"of {len(BIG)} bytes" in error.detail


def test_a_reset_in_the_middle() -> None:
    error = failure(read_and_refuse(5000, b"", reset=True), BIG)
    assert (error.reason, error.exit_code) == (Reason.ConnectionLost, 2)


def test_a_device_that_stops_reading() -> None:
    def converse(connection: socket.socket, _size: int) -> bytes:
        received = take(connection, 5000)
        time.sleep(2.5)
        return received

    error = failure(Behaviour(converse=converse), BIG)
    assert (error.reason, error.exit_code) == (Reason.TimedOut, 2)


def test_a_device_that_counts_for_ever() -> None:
    def converse(connection: socket.socket, size: int) -> bytes:
        received = take(connection, size)
        until = time.monotonic() + BOUND
        while time.monotonic() < until:
            connection.sendall(b"1460\n")
            time.sleep(0.01)
        return received

    error = failure(Behaviour(converse=converse), timeouts=dataclasses.replace(HASTY, transfer=1.5))
    assert (error.reason, error.exit_code) == (Reason.TimedOut, 2)
    assert "no verdict within 1.5 s" in error.detail


def test_a_device_that_floods() -> None:
    def converse(connection: socket.socket, _size: int) -> bytes:
        while True:
            connection.sendall(b"1\n" * 10_000)

    error = failure(Behaviour(converse=converse))
    assert (error.reason, error.exit_code) == (Reason.NoVerdict, 2)


# -- OK at the wrong time ------------------------------------------------------------------------


def say_ok_then_read(bytes_read: int | None) -> Behaviour:
    def converse(connection: socket.socket, size: int) -> bytes:
        connection.sendall(b"OK")
        time.sleep(0.2)
        wanted = size if bytes_read is None else bytes_read
        return take(connection, wanted, read=65536, acknowledge="")

    return Behaviour(converse=converse)


def test_ok_before_the_last_byte_and_a_close() -> None:
    error = failure(say_ok_then_read(5000), BIG)
    assert (error.reason, error.exit_code) == (Reason.NoVerdict, 2)
    assert "before it had read everything" in error.detail


def test_ok_before_the_last_byte_and_everything_read_in_silence() -> None:
    patient = dataclasses.replace(HASTY, sending=20.0, transfer=30.0)
    error = failure(say_ok_then_read(None), BIG, timeouts=patient)
    assert (error.reason, error.exit_code) == (Reason.NoVerdict, 2)


def test_ok_to_bytes_that_were_sent_but_never_read() -> None:
    """All of it fits the buffers, so only the reset tells that nobody read it."""

    def converse(connection: socket.socket, _size: int) -> bytes:
        time.sleep(0.3)
        connection.sendall(b"OK")
        return b""

    error = failure(Behaviour(converse=converse), small_container())
    assert (error.reason, error.exit_code) == (Reason.NoVerdict, 2)


def small_container() -> bytes:
    return containers.build(b"\x30\x82" + b"token" * 100, b"\xe9" + b"image" * 100)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody can ask what has arrived")
def test_ok_to_bytes_that_have_not_arrived() -> None:
    """They are out of the tool's hands, and the device's buffer is too small for them."""

    def converse(connection: socket.socket, size: int) -> bytes:
        time.sleep(0.2)
        connection.sendall(b"OK")
        time.sleep(0.1)
        return take(connection, size, acknowledge="")

    behaviour = Behaviour(converse=converse, receive_buffer=4096)
    error = failure(behaviour, medium_container())
    assert (error.reason, error.exit_code) == (Reason.NoVerdict, 2)
    assert "before it had read everything" in error.detail


def medium_container() -> bytes:
    return containers.build(b"\x30\x82" + b"token" * 100, bytes(40_000))


def test_an_early_ok_does_not_spoil_the_real_one() -> None:
    def converse(connection: socket.socket, size: int) -> bytes:
        connection.sendall(b"OK\n")
        time.sleep(0.2)
        received = take(connection, size, acknowledge="{}\n", read=65536)
        connection.sendall(b"OK\n")
        return received

    with StockDevice(Behaviour(converse=converse)) as device:
        send(device, BIG)
    assert device.received == BIG
