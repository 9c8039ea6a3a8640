"""Devices that don't do what they say, and what comes of an upload to them.

A part of the table of faults (fault_table.py).  Each is a stock device that is bent in one way.
"""

from __future__ import annotations

import dataclasses
import itertools
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable

from fault_table import ACCEPTED, Outcome, doubt
from platformio_secureota import Reason
from platformio_secureota import container as containers
from platformio_secureota.ota import Settings, Timeouts, Wait
from stock_device import Behaviour, take, take_and_say

if TYPE_CHECKING:
    from stock_device import Conversation

CONTAINER = containers.build(b"\x30\x82" + b"token" * 100, b"\xe9" + bytes(600_000))
"""The tool does not judge tokens.  More than can wait in the buffers between host and device."""

TIMEOUTS = Timeouts(
    status=0.1,
    invitation=1.5,
    authentication=0.5,
    direct=0.5,
    connection=1.0,
    sending=1.0,
    verdict=1.0,
    transfer=60.0,
    refusal=0.5,
    close=0.3,
    late_refusal=0.3,
    restart=1.0,
    back=2.0,
)

READ = 16 * 1024
MUCH = 100_000
"""Bytes after which those stop that do not take everything."""

SILENCE = 5.0
"""Seconds for which a device is silent: more than the tool's patience."""

OTHER_IMAGE = "ab" * 32


@dataclass(frozen=True, eq=False)
class Lie:
    """How a device behaves, and what comes of it."""

    name: str
    outcome: Outcome
    behaviour: Callable[[], Behaviour]
    password: str | None = None
    wait: Wait = Wait.NO
    timeouts: dict[str, float] = field(default_factory=dict)

    def settings(self) -> Settings:
        return Settings(wait=self.wait, timeouts=dataclasses.replace(TIMEOUTS, **self.timeouts))


def refusal(reason: Reason, *says: str) -> Outcome:
    """The device has said no, or we have."""
    return Outcome(1, reason, says)


def silent(size: int) -> Conversation:
    """Take so much, then neither take nor say anything."""

    def converse(connection: socket.socket, whole: int) -> bytes:
        received = take(connection, min(size, whole), read=READ)
        time.sleep(SILENCE)
        return received

    return converse


def leaving(size: int, *, reset: bool = False) -> Conversation:
    """Take so much, then go without a word."""

    def converse(connection: socket.socket, whole: int) -> bytes:
        received = take(connection, min(size, whole), read=READ)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return received

    return converse


def after_all(words: bytes) -> Conversation:
    """Take everything, say so, and close."""
    return take_and_say(words, read=READ)


def saying(words: bytes, *, before: int) -> Conversation:
    """Say so when that many bytes were taken, and take the rest without a word."""

    def converse(connection: socket.socket, whole: int) -> bytes:
        received = take(connection, before, read=READ)
        connection.sendall(words)
        return received + take(connection, whole - len(received), read=READ, acknowledge="")

    return converse


def endless(words: bytes) -> Conversation:
    """Take everything, then say so again and again."""

    def converse(connection: socket.socket, whole: int) -> bytes:
        received = take(connection, whole, read=READ)
        with suppress(OSError):
            for _ in itertools.repeat(None):
                connection.sendall(words)
                time.sleep(0.01 if len(words) < READ else 0)
        return received

    return converse


LIES = [
    Lie(
        "it answers the invitation with rubbish",
        refusal(Reason.DeviceRefused, "the device says: ]0;gotcha"),
        lambda: Behaviour(answer=b"\x1b]0;gotcha\x07\xff\x00\xfe"),
    ),
    Lie(
        "it answers with nothing, again and again",
        doubt(Reason.NoAnswer, "within 1.5 s"),
        lambda: Behaviour(answer=b"", connects=False, answers=50),
    ),
    Lie("it answers late", ACCEPTED, lambda: Behaviour(slow=0.8), timeouts={"invitation": 8.0}),
    Lie("it answers too late", doubt(Reason.NoAnswer, "handle()"), lambda: Behaviour(slow=3.0)),
    Lie("it answers everything twice", ACCEPTED, lambda: Behaviour(answers=2)),
    Lie(
        "it answers everything twice, and wants a password",
        ACCEPTED,
        lambda: Behaviour(answers=2, password="sesame"),
        password="sesame",
    ),
    Lie("it connects twice", ACCEPTED, lambda: Behaviour(connects_twice=True)),
    Lie(
        "it asks for a weak form of the password",
        refusal(Reason.WeakPasswordForm),
        lambda: Behaviour(password="sesame", nonce_digits=32),
        password="sesame",
    ),
    Lie(
        "it asks for the password and does not answer it",
        doubt(Reason.NoAnswer, "asked for the password and does not answer it"),
        lambda: Behaviour(password="sesame", mute_after_password=99),
        password="sesame",
    ),
    Lie(
        "it says OK and does not connect",
        doubt(Reason.NoConnection, "could not reach this computer on TCP", "--host-port"),
        lambda: Behaviour(connects=False),
    ),
    Lie(
        "it says where to connect, and nobody is there, and does not connect",
        doubt(Reason.NoConnection, "could not reach this computer", "allow one of the two"),
        lambda: Behaviour(door="refusing", connects=False),
    ),
    Lie(
        "it connects and takes nothing",
        doubt(Reason.TimedOut, "has taken nothing for 1 s"),
        lambda: Behaviour(converse=silent(0), receive_buffer=4096),
    ),
    Lie(
        "it stops in the middle",
        doubt(Reason.TimedOut, "has taken nothing for 1 s"),
        lambda: Behaviour(converse=silent(MUCH), receive_buffer=4096),
    ),
    Lie(
        "it closes in the middle without a word",
        doubt(Reason.ConnectionLost, "closed the connection without a word"),
        lambda: Behaviour(converse=leaving(MUCH)),
    ),
    Lie(
        "it answers with rubbish instead of numbers",
        refusal(Reason.DeviceRefused, "the device says:"),
        lambda: Behaviour(converse=take_and_say(b"OK", acknowledge="\x7f\x01rubbish{}\n")),
    ),
    Lie(
        "it closes after the last byte without a word",
        doubt(Reason.NoVerdict, "after the last byte without a word", "secureota status"),
        lambda: Behaviour(converse=after_all(b"")),
    ),
    Lie(
        "it resets the connection after the last byte",
        doubt(Reason.ConnectionLost, "closed the connection without a word", "secureota status"),
        lambda: Behaviour(converse=leaving(len(CONTAINER), reset=True)),
    ),
    Lie(
        "it is silent after the last byte",
        doubt(Reason.NoVerdict, "silent since 1 s", "secureota status"),
        lambda: Behaviour(converse=silent(len(CONTAINER))),
    ),
    Lie(
        "it counts for ever",
        doubt(Reason.TimedOut, "no verdict within 3 s"),
        lambda: Behaviour(converse=endless(b"1460\n")),
        timeouts={"transfer": 3.0},
    ),
    Lie(
        "it talks without end",
        doubt(Reason.NoVerdict, "talks without end"),
        lambda: Behaviour(converse=endless(b"1\n" * READ)),
    ),
    Lie(
        "it says OK before it has read everything",
        doubt(Reason.NoVerdict, "said OK before it had read everything"),
        lambda: Behaviour(converse=saying(b"OK", before=MUCH), receive_buffer=4096),
    ),
    Lie(
        "it says OK before it verifies, and the opposite by UDP",
        refusal(Reason.DeviceRefused, "the device says: Outer digest mismatch"),
        lambda: Behaviour(converse=after_all(b"OK\r\n"), after=b"Outer digest mismatch"),
    ),
    Lie(
        "it says OK, and then why not",
        refusal(Reason.ImageMismatch, "said by the device"),
        lambda: Behaviour(
            converse=after_all(b"OK\nImageMismatch: the image is not the one that was signed\n")
        ),
    ),
    Lie("it says OK twice", ACCEPTED, lambda: Behaviour(converse=after_all(b"OK\nOK\n"))),
    Lie(
        "it says OK and goes on with the old image, with --wait",
        refusal(Reason.NotRunning, "it runs another one"),
        lambda: Behaviour(
            status=lambda _number, _digest: f"image={OTHER_IMAGE} state=confirmed floor=-"
        ),
        wait=Wait.RUNNING,
        timeouts={"status": 5.0},
    ),
    Lie(
        "it says OK and is never heard of again, with --wait",
        doubt(Reason.NoAnswer, "silent since, for 2 s"),
        lambda: Behaviour(
            status=lambda _number, digest: (
                None if digest else f"image={OTHER_IMAGE} state=confirmed floor=-"
            )
        ),
        wait=Wait.RUNNING,
        timeouts={"status": 5.0},
    ),
]
