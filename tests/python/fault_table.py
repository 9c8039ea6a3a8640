"""What a network does to an upload, and what comes of it: one row a fault.

docs/faults.md has the same table for people; test_faults.py runs every row of both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable, NamedTuple

import faults
from faults import ANSWER, ANY, CHALLENGE, INVITATION, PASSWORD, YES
from platformio_secureota import Reason, container
from platformio_secureota.ota import Connection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faults import Fault

AUTO, DIRECT, BACK = Connection.AUTO, Connection.DIRECT, Connection.BACK

SAME, NEW, EITHER = "same", "new", "either"
"""What the device runs afterwards: what it ran before, the image that was sent, or one of them."""


class Outcome(NamedTuple):
    """How an upload ends."""

    status: int
    """The exit status."""
    reason: Reason | None
    says: tuple[str, ...] = ()
    """Words of the message."""


ACCEPTED = Outcome(0, None)


def doubt(reason: Reason, *says: str) -> Outcome:
    """No verdict was come to."""
    return Outcome(2, reason, says)


@dataclass(frozen=True, eq=False)
class Row:
    """A fault, and what comes of it wherever and however it is applied."""

    name: str
    outcome: Outcome
    faults: Callable[[int], Sequence[Fault]]
    """Makes them anew, for a place: how many bytes of the container have arrived by then."""
    ways: tuple[Connection, ...] = (DIRECT, BACK)
    places: tuple[str, ...] = ("",)
    passwords: tuple[bool, ...] = (False,)
    """Whether the device has one."""
    runs: str = SAME
    came_direct: bool | None = None
    """Who has connected in the end, where that is the point."""
    timeouts: dict[str, float] = field(default_factory=dict)
    """Seconds of some states; the others have the test's."""


EARLY = (
    "before the header",
    "in the header",
    "before the token",
    "in the token",
    "before the image",
    "after the image's first byte",
)
GREETING = ("before the greeting", "in the greeting")


def place(name: str, data: bytes) -> int:
    """Bytes of a container that have arrived there."""
    parts = container.parse(data)
    image = len(data) - len(parts.image)
    token = image - len(parts.token)
    return {
        "": 0,
        "before the greeting": -faults.GREETING_SIZE,
        "in the greeting": -faults.GREETING_SIZE // 2,
        "before the header": 0,
        "in the header": token // 2,
        "before the token": token,
        "in the token": (token + image) // 2,
        "before the image": image,
        "after the image's first byte": image + 1,
        "in the middle": (image + len(data)) // 2,
        "before the last byte": len(data) - 1,
        "after the last byte": len(data),
    }[name]


# -- datagrams -------------------------------------------------------------------------------------

DATAGRAMS = [
    Row(
        "the first invitations get lost",
        ACCEPTED,
        lambda _: [faults.Lose(INVITATION, times=2)],
        runs=NEW,
    ),
    Row(
        "a quarter of all datagrams gets lost",
        ACCEPTED,
        lambda _: [faults.LoseShare(25, seed=3)],
        passwords=(True,),
        runs=NEW,
    ),
    Row(
        "the device's yes gets lost",
        ACCEPTED,
        lambda _: [faults.Lose(YES, times=1)],
        passwords=(False, True),
        runs=NEW,
    ),
    Row(
        "the question for the password gets lost",
        ACCEPTED,
        lambda _: [faults.Lose(CHALLENGE, times=1)],
        passwords=(True,),
        runs=NEW,
    ),
    Row(
        "the password gets lost",
        ACCEPTED,
        lambda _: [faults.Lose(PASSWORD, times=1)],
        passwords=(True,),
        runs=NEW,
    ),
    Row(
        "datagrams arrive late",
        ACCEPTED,
        lambda _: [faults.Delay(ANY, 0.4)],
        passwords=(False, True),
        runs=NEW,
    ),
    Row(
        "an invitation arrives behind the next one",
        ACCEPTED,
        lambda _: [faults.Delay(INVITATION, 0.9, times=1)],
        passwords=(False, True),
        runs=NEW,
    ),
    Row(
        "an answer arrives behind the next one",
        ACCEPTED,
        lambda _: [faults.Delay(ANSWER, 0.9, after=1, times=1)],
        passwords=(False, True),
        runs=NEW,
    ),
    Row(
        "every datagram arrives twice",
        ACCEPTED,
        lambda _: [faults.Double(ANY)],
        passwords=(False, True),
        runs=NEW,
    ),
    Row(
        "an invitation arrives once more after the upload",
        ACCEPTED,
        lambda _: [faults.Double(INVITATION, 4.0, times=1)],
        runs=NEW,
    ),
    Row(
        "all invitations get lost",
        doubt(Reason.NoAnswer, "within 2 s", "handle()"),
        lambda _: [faults.Lose(INVITATION)],
        timeouts={"invitation": 2.0},
    ),
    Row(
        "all answers get lost",
        doubt(Reason.NoAnswer, "within 2 s", "handle()"),
        lambda _: [faults.Lose(ANSWER)],
        ways=(DIRECT,),
        timeouts={"invitation": 2.0},
    ),
    Row(
        "all passwords get lost",
        doubt(Reason.NoAnswer, "asked for the password and does not answer it"),
        lambda _: [faults.Lose(PASSWORD)],
        passwords=(True,),
        timeouts={"authentication": 0.5},
    ),
]

# -- connections that don't come about -------------------------------------------------------------

CONNECTIONS = [
    Row(
        "connections to the device are refused",
        ACCEPTED,
        lambda _: [faults.Refuse(direct=True)],
        ways=(AUTO,),
        passwords=(False, True),
        runs=NEW,
        came_direct=False,
    ),
    Row(
        "packets for connections to the device get lost",
        ACCEPTED,
        lambda _: [faults.Swallow(direct=True)],
        ways=(AUTO,),
        runs=NEW,
        came_direct=False,
        timeouts={"direct": 0.5},
    ),
    Row(
        "connections to the device are cut before its first word",
        ACCEPTED,
        lambda at: [faults.Reset(at, direct=True)],
        ways=(AUTO,),
        places=(*GREETING, "in the header"),
        runs=NEW,
        came_direct=False,
    ),
    Row(
        "connections to the device lead nowhere",
        ACCEPTED,
        lambda _: [faults.HalfOpen(direct=True)],
        ways=(AUTO,),
        runs=NEW,
        came_direct=False,
        timeouts={"sending": 2.0},
    ),
    Row(
        "connections to this computer are refused",
        ACCEPTED,
        lambda _: [faults.Refuse(direct=False)],
        ways=(AUTO,),
        runs=NEW,
        came_direct=True,
    ),
    Row(
        "connections to the device are refused, with --connection=direct",
        doubt(Reason.NoConnection, "could not reach it on TCP", "refused", "--connection=back"),
        lambda _: [faults.Refuse(direct=True)],
        ways=(DIRECT,),
    ),
    Row(
        "packets for connections to the device get lost, with --connection=direct",
        doubt(Reason.NoConnection, "could not reach it on TCP", "no answer", "--connection=back"),
        lambda _: [faults.Swallow(direct=True)],
        ways=(DIRECT,),
        timeouts={"direct": 0.5},
    ),
    Row(
        "connections to the device are cut before its first word, with --connection=direct",
        doubt(Reason.NoConnection, "closed before it had said a word", "--connection=back"),
        lambda at: [faults.Reset(at)],
        ways=(DIRECT,),
        places=("in the greeting", *EARLY),
    ),
    Row(
        "connections to the device lead nowhere, with --connection=direct",
        doubt(Reason.NoConnection, "took bytes, and not a word came back", "--connection=back"),
        lambda _: [faults.HalfOpen(direct=True)],
        ways=(DIRECT,),
        timeouts={"sending": 1.0},
    ),
    Row(
        "connections to this computer are refused, with --connection=back",
        doubt(Reason.NoConnection, "could not reach this computer on TCP", "--host-port"),
        lambda _: [faults.Refuse(direct=False)],
        ways=(BACK,),
        timeouts={"connection": 1.0},
    ),
    Row(
        "packets for connections to this computer get lost, with --connection=back",
        doubt(Reason.NoConnection, "could not reach this computer on TCP", "--host-port"),
        lambda _: [faults.Swallow(direct=False)],
        ways=(BACK,),
        timeouts={"connection": 1.0},
    ),
    Row(
        "connections to this computer lead nowhere, with --connection=back",
        doubt(Reason.NoConnection, "could not reach this computer on TCP", "--host-port"),
        lambda _: [faults.HalfOpen(direct=False)],
        ways=(BACK,),
        timeouts={"connection": 1.0},
    ),
    Row(
        "connections fail both ways",
        doubt(Reason.NoConnection, "could not reach this computer", "allow one of the two"),
        lambda _: [faults.Swallow(direct=True), faults.Refuse(direct=False)],
        ways=(AUTO,),
        timeouts={"direct": 0.5, "connection": 1.0},
    ),
]

# -- connections that break ------------------------------------------------------------------------

TRANSFERS = [
    Row("the network is slow", ACCEPTED, lambda _: [faults.Slow(150_000)], runs=NEW),
    Row(
        "the connection is reset",
        doubt(Reason.ConnectionLost, "closed the connection without a word", "try again"),
        lambda at: [faults.Reset(at)],
        ways=(BACK,),
        places=(*EARLY, "in the middle"),
    ),
    Row(
        "a connection to the device is reset after its first word",
        doubt(Reason.ConnectionLost, "closed the connection without a word", "try again"),
        lambda at: [faults.Reset(at)],
        ways=(AUTO,),
        places=("in the middle",),
    ),
    Row(
        "the connection is reset when all but the last byte has arrived",
        doubt(Reason.ConnectionLost, "closed the connection without a word", "secureota status"),
        lambda at: [faults.Reset(at)],
        places=("before the last byte",),
    ),
    Row(
        "the connection is reset when everything has arrived",
        doubt(Reason.ConnectionLost, "closed the connection without a word", "secureota status"),
        lambda at: [faults.Reset(at)],
        places=("after the last byte",),
        runs=EITHER,
    ),
    Row(
        "nothing arrives any more",
        doubt(Reason.TimedOut, "has taken nothing for 2 s", "nearer to the access point"),
        lambda at: [faults.Stall(at)],
        ways=(BACK,),
        places=(*EARLY, "in the middle"),
        timeouts={"sending": 2.0},
    ),
    Row(
        "nothing arrives any more on a connection to the device, after its first word",
        doubt(Reason.TimedOut, "has taken nothing for 2 s", "nearer to the access point"),
        lambda at: [faults.Stall(at)],
        ways=(AUTO,),
        places=("in the middle",),
        timeouts={"sending": 2.0},
    ),
    Row(
        "nothing arrives any more on a connection to the device, before its first word",
        ACCEPTED,
        lambda at: [faults.Stall(at, direct=True)],
        ways=(AUTO,),
        places=("in the greeting", "in the header"),
        runs=NEW,
        came_direct=False,
        timeouts={"sending": 3.0},
    ),
    Row(
        "the last byte does not arrive, and nothing else",
        doubt(Reason.NoVerdict, "silent since 2 s", "secureota status"),
        lambda at: [faults.Stall(at)],
        places=("before the last byte",),
        timeouts={"verdict": 2.0},
    ),
    Row(
        "nothing arrives any more after the last byte",
        doubt(Reason.NoVerdict, "silent since 2 s", "secureota status"),
        lambda at: [faults.Stall(at)],
        places=("after the last byte",),
        runs=NEW,
        timeouts={"verdict": 2.0},
    ),
    Row(
        "nothing arrives any more from the device",
        doubt(Reason.NoVerdict, "silent since 2 s", "secureota status"),
        lambda at: [faults.Mute(at)],
        places=("in the middle",),
        runs=NEW,
        timeouts={"verdict": 2.0},
    ),
]

ROWS = [*DATAGRAMS, *CONNECTIONS, *TRANSFERS]
