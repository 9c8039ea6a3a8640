"""A link between a host and a device that does what networks do to both.

    with FaultyLink(device.port, Lose(INVITATION, times=2), Reset(at=4711)) as link:
        upload(container, Target(*link.address))

It is the slow link of the benchmark (bench/link.py) with faults on it.  Each fault is a small
object of one use; a link has any number of them.
"""

from __future__ import annotations

import itertools
import random
import re
import socket
import time
from typing import TYPE_CHECKING, Callable

from bench.line import Model
from bench.link import HOST_SIDE, Link

if TYPE_CHECKING:
    from bench.carried import Connection
    from bench.line import Line

GREETING_SIZE = 33
"""Bytes in front of the container where the host connects: the cookie and a newline."""

ALWAYS = 1_000_000
"""Times."""

FAST = 1e9
"""Bytes per second."""

# What a datagram is.  The first four go to the device.
QUESTION = re.compile(rb"RedWax/1\.[0-9]+ cmd=300 ")
INVITATION = re.compile(rb"RedWax/1\.[0-9]+ cmd=(?!300 )|[0-9]+ [0-9]+ [0-9]+ ")
PASSWORD = re.compile(rb"200 ")
STATUS = re.compile(rb"STATUS ")
CHALLENGE = re.compile(rb"AUTH ")
YES = re.compile(rb"OK")
ANSWER = re.compile(rb"(?!RedWax/|[0-9])")
ANY = re.compile(rb"")

_numbers = itertools.count()


class Fault:
    """None: each hook lets pass what comes."""

    rate = FAST
    """Bytes per second that the link carries."""

    def copies(self, datagram: bytes) -> list[float]:  # noqa: ARG002 - what others look at
        """Return the seconds of delay of each copy of a datagram that arrives; []: it is lost."""
        return [0.0]

    def door(self, *, direct: bool) -> Door | None:  # noqa: ARG002 - the same
        """Return how connections from here are met: the host's (direct), or the device's."""
        return None

    def attend(self, connection: Connection, *, direct: bool) -> None:
        """See a connection before anything was carried."""


# -- datagrams -------------------------------------------------------------------------------------


class _Some(Fault):
    """Befalls `times` datagrams of a kind, after the first `after`."""

    def __init__(self, kind: re.Pattern[bytes], *, times: int = ALWAYS, after: int = 0) -> None:
        self._kind = kind
        self._numbers = range(after, after + times)
        self._seen = itertools.count()

    def befalls(self, datagram: bytes) -> bool:
        return self._kind.match(datagram) is not None and next(self._seen) in self._numbers


class Lose(_Some):
    """They don't arrive."""

    def copies(self, datagram: bytes) -> list[float]:
        return [] if self.befalls(datagram) else [0.0]


class LoseShare(Fault):
    """So many of 100 datagrams don't arrive: always the same ones, for a seed."""

    def __init__(self, percent: int, *, seed: int) -> None:
        self._percent = percent
        self._dice = random.Random(seed)  # noqa: S311 - nobody is kept out by it

    def copies(self, datagram: bytes) -> list[float]:  # noqa: ARG002 - as it may fall
        return [] if self._dice.randrange(100) < self._percent else [0.0]


class Delay(_Some):
    """They arrive later; and behind their successors where these are quicker."""

    def __init__(self, kind: re.Pattern[bytes], seconds: float, **which: int) -> None:
        super().__init__(kind, **which)
        self._seconds = seconds

    def copies(self, datagram: bytes) -> list[float]:
        return [self._seconds] if self.befalls(datagram) else [0.0]


class Double(_Some):
    """They arrive, and once more so many seconds later."""

    def __init__(self, kind: re.Pattern[bytes], seconds: float = 0.0, **which: int) -> None:
        super().__init__(kind, **which)
        self._seconds = seconds

    def copies(self, datagram: bytes) -> list[float]:
        return [0.0, self._seconds] if self.befalls(datagram) else [0.0]


# -- connections that don't come about -------------------------------------------------------------


class Door(Fault):
    """Meets who connects to the device (`direct`), or the device, in another way."""

    def __init__(self, *, direct: bool) -> None:
        self._direct = direct

    def door(self, *, direct: bool) -> Door | None:
        return self if direct == self._direct else None

    def put_up(self, address: tuple[str, int]) -> list[socket.socket]:
        """Return the sockets that are the door, to be kept open; nobody comes through."""
        raise NotImplementedError


class Refuse(Door):
    """Connections are refused."""

    def put_up(self, address: tuple[str, int]) -> list[socket.socket]:  # noqa: ARG002
        return []


class HalfOpen(Door):
    """Connections come about, and lead nowhere: no answer, no end."""

    def put_up(self, address: tuple[str, int]) -> list[socket.socket]:
        return [_listener(address, backlog=8)]


class Swallow(Door):
    """Packets that ask for a connection get lost, as in a firewall."""

    def put_up(self, address: tuple[str, int]) -> list[socket.socket]:
        # Who asks when the queue is full gets no answer at all.
        crowd = [_listener(address, backlog=0)]
        for _ in range(4):
            one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            one.setblocking(False)
            one.connect_ex(address)
            crowd.append(one)
        return crowd


# -- connections that break ------------------------------------------------------------------------


class Cut(Fault):
    """Befalls the connection when `at` bytes of the container have reached the device.

    Negative: so many bytes before, in the greeting of a connection that the host has opened.
    `words`: when so many bytes of what the device says have reached the host, instead.
    `direct`: it befalls only those, or only those that the device has opened.
    """

    def __init__(self, at: int, *, words: bool = False, direct: bool | None = None) -> None:
        self._at = at
        self._words = words
        self._direct = direct

    def attend(self, connection: Connection, *, direct: bool) -> None:
        if self._direct not in {None, direct}:
            return
        if self._words:
            connection.up.mark(self._at, self.end(connection))
        else:
            connection.down.mark(self._at + GREETING_SIZE * direct, self.end(connection))

    def end(self, connection: Connection) -> Callable[[], None]:
        """Return what ends it."""
        raise NotImplementedError


class Reset(Cut):
    """It is reset, for both ends."""

    def end(self, connection: Connection) -> Callable[[], None]:
        return connection.reset


class Stall(Cut):
    """Nothing passes any more, in either direction, and nobody is told."""

    def end(self, connection: Connection) -> Callable[[], None]:
        return connection.freeze


class Mute(Cut):
    """Nothing passes any more from the device to the host."""

    def end(self, connection: Connection) -> Callable[[], None]:
        return connection.up.hold


class Slow(Fault):
    """The link carries so many bytes per second."""

    def __init__(self, rate: float) -> None:
        self.rate = rate


# -- the link that has them ------------------------------------------------------------------------


class FaultyLink(Link):
    """Hosts find the device at `address`.  Several such links can be at work at the same time."""

    def __init__(self, device_port: int, *faults: Fault) -> None:
        """Prepare the way to the device that listens on this UDP port."""
        rate = min((fault.rate for fault in faults), default=FAST)
        number = next(_numbers)
        super().__init__(
            Model(rate=rate, round_trip=0.0),
            device_port,
            device_side=f"127.{1 + number // 250 % 250}.{1 + number % 250}.3",
        )
        self._faults = faults
        self._shut: dict[tuple[str, int], list[socket.socket]] = {}

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)  # type: ignore[arg-type]
        for sock in itertools.chain(*self._shut.values()):
            sock.close()

    def travel(self, datagram: bytes, line: Line, arrive: Callable[[bytes], None]) -> None:
        delays = [0.0]
        for fault in self._faults:
            delays = [a + b for a in delays for b in fault.copies(datagram)]
        for delay in delays:
            self._arrive_in(delay, datagram, line, arrive)

    def _arrive_in(
        self, delay: float, datagram: bytes, line: Line, arrive: Callable[[bytes], None]
    ) -> None:
        super().travel(datagram, line, lambda it: self.at(_later(delay), lambda _now: arrive(it)))

    def open_door(self, address: tuple[str, int], somebody: Callable[[], None]) -> None:
        doors = (fault.door(direct=address[0] == HOST_SIDE) for fault in self._faults)
        door = next(filter(None, doors), None)
        if door is None:
            super().open_door(address, somebody)
        elif address not in self._shut:
            self._shut[address] = door.put_up(address)

    def attend(self, connection: Connection, *, direct: bool) -> None:
        for fault in self._faults:
            fault.attend(connection, direct=direct)


def _later(seconds: float) -> float:
    return time.monotonic() + seconds


def _listener(address: tuple[str, int], *, backlog: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # As little as can be waits there, so that who sends into it soon notices.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(address)
    listener.listen(backlog)
    return listener
