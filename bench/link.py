"""A slow link on a fast machine: stands between a host and an emulated device, in user space.

    host 127.0.0.1  <->  127.0.0.2  link  127.0.0.3  <->  127.0.0.1 device

The host is given 127.0.0.2 as the device's address, with the device's own port; the device sees
the host at 127.0.0.3.  So both may connect to the other by the address and the port that they know
from the datagrams, and no byte of these is changed: the link reads in them where a TCP connection
will be asked for (an invitation's port, or the port of a direct mode's answer), and listens there.
Linux has the whole of 127/8 on its loopback; elsewhere the two addresses must be added first.

What is modelled, with the numbers of a Model:

-   the time that bytes take on the link, one behind the other, and half a round trip more;
-   the device's receive window: bytes leave the host's end only while no more than `window` of
    them are under way or unread.  That they were read is known from the acknowledgements that the
    device writes, which the host's end sees half a round trip later, as it would TCP's;
-   the handshake: one and a half round trips pass until who is connected to can read;
-   the end of a connection, in order behind its bytes, or its reset, half a round trip later.

What is not: headers, loss, slow start (the window is smaller than what TCP starts with), and a
connection that is refused at the far end (it is accepted here, and then reset).

All is done when a schedule says so, and this program's own lateness is not added up.  Where the
machine is busy the link is slower than its model, and `lateness` says by how much; it is never
faster.
"""

from __future__ import annotations

import heapq
import itertools
import re
import select
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Callable

from bench.carried import Connection
from bench.line import Line

if TYPE_CHECKING:
    from types import TracebackType

    from bench.line import Model

HOST_SIDE = "127.0.0.2"
"""Where the host finds the device."""

DEVICE_SIDE = "127.0.0.3"
"""Where the device finds the host."""

_INVITATION = re.compile(rb"RedWax/1\.[0-9]+ (?:\S+ )*?port=([0-9]{1,5})\b|[0-9]+ ([0-9]{1,5}) ")
_DIRECT = re.compile(rb"OK (?:\S+ )*?port=([0-9]{1,5})\b")

_COOKIE_SIZE = 33
"""Bytes that a host sends first in direct mode, and that no acknowledgement counts."""


class Link:
    """One device's link, at work from entering to leaving the context."""

    def __init__(
        self,
        model: Model,
        device_port: int,
        *,
        device: str = "127.0.0.1",
        device_side: str = DEVICE_SIDE,
    ) -> None:
        """Prepare the way to the device that listens on this UDP port.

        `device_side`: where it finds the host; links at the same time need one each.
        """
        self.model = model
        self.address = (HOST_SIDE, device_port)
        """Where hosts find the device, instead of where it is."""
        self._device = (device, device_port)
        self._device_side = device_side
        self._down = Line(model)
        self._up = Line(model)
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self._readers: dict[socket.socket, Callable[[], None]] = {}
        self._writers: dict[socket.socket, Callable[[], None]] = {}
        self._hosts: dict[tuple[str, int], socket.socket] = {}
        self._doors: dict[tuple[str, int], socket.socket] = {}
        self._connections: set[Connection] = set()
        self._thread = threading.Thread(target=self._run, name="link")
        self._stopping = False
        self._late = 0.0
        self._done = 0

    def __enter__(self) -> Link:
        """Start."""
        self._bell, self._rope = socket.socketpair()
        self._udp = _bound(socket.SOCK_DGRAM, *self.address)
        self.on_readable(self._bell, _nothing)
        self.on_readable(self._udp, self._hear_host)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cut everything."""
        self._stopping = True
        self._rope.send(b".")
        self._thread.join()
        for connection in list(self._connections):
            connection.reset()
        for sock in (self._bell, self._rope, self._udp):
            sock.close()
        for sock in (*self._hosts.values(), *self._doors.values()):
            sock.close()

    @property
    def lateness(self) -> float:
        """Mean seconds by which the machine let this be late with whatever was due."""
        return self._late / max(1, self._done)

    # -- the loop, and what those use that it calls ----------------------------------------------

    def at(self, when: float, do: Callable[[float], None]) -> None:
        """Call back at that time, with that time: the caller's own lateness does not count."""
        heapq.heappush(self._events, (when, next(self._order), do))

    def on_readable(self, sock: socket.socket, do: Callable[[], None] | None) -> None:
        """Call back whenever the socket can be read; None: no longer."""
        _set(self._readers, sock, do)

    def on_writable(self, sock: socket.socket, do: Callable[[], None] | None) -> None:
        """Call back whenever the socket can be written; None: no longer."""
        _set(self._writers, sock, do)

    def forget(self, connection: Connection) -> None:
        """Drop a connection that is over."""
        self._connections.discard(connection)

    def _run(self) -> None:
        while not self._stopping:
            rest = self._events[0][0] - time.monotonic() if self._events else None
            # select, and not poll: its time-out is not rounded to milliseconds.
            readable, writable, _ = select.select(
                list(self._readers),
                list(self._writers),
                [],
                rest if rest is None else max(0.0, rest),
            )
            now = time.monotonic()
            while self._events and self._events[0][0] <= now:
                when, _, do = heapq.heappop(self._events)
                self._late += now - when
                self._done += 1
                do(when)
            for sock in readable:
                self._readers.get(sock, _nothing)()
            for sock in writable:
                self._writers.get(sock, _nothing)()

    # -- what a link with faults does otherwise ---------------------------------------------------

    def travel(self, datagram: bytes, line: Line, arrive: Callable[[bytes], None]) -> None:
        """Take a datagram to the other end, where `arrive` hands it over."""
        arrival = line.carry(time.monotonic(), len(datagram))
        self.at(arrival, lambda _now: arrive(datagram))

    def attend(self, connection: Connection, *, direct: bool) -> None:
        """See a connection that has come about, and of which nothing was carried yet."""

    # -- datagrams -------------------------------------------------------------------------------

    def _hear_host(self) -> None:
        datagram, host = self._udp.recvfrom(2048)
        match = _INVITATION.match(datagram)
        if match is not None:
            port = int(match.group(1) or match.group(2))
            self.open_door((self._device_side, port), lambda: self._device_calls(port, host[0]))
        line = self._socket_for(host)
        self.travel(datagram, self._down, lambda arrived: _send(line, arrived))

    def _socket_for(self, host: tuple[str, int]) -> socket.socket:
        if host not in self._hosts:
            sock = _bound(socket.SOCK_DGRAM, self._device_side, 0)
            sock.connect(self._device)
            self._hosts[host] = sock
            self.on_readable(sock, lambda: self._hear_device(sock, host))
        return self._hosts[host]

    def _hear_device(self, sock: socket.socket, host: tuple[str, int]) -> None:
        try:
            datagram = sock.recv(2048)
        except OSError:
            return  # nothing listens there; the host will find that nobody answers
        match = _DIRECT.match(datagram)
        if match is not None:
            port = int(match.group(1))
            self.open_door((HOST_SIDE, port), lambda: self._host_calls(port))
        self.travel(datagram, self._up, lambda arrived: self._answer(arrived, host))

    def _answer(self, datagram: bytes, host: tuple[str, int]) -> None:
        with suppress(OSError):
            self._udp.sendto(datagram, host)

    # -- connections -----------------------------------------------------------------------------

    def open_door(self, address: tuple[str, int], somebody: Callable[[], None]) -> None:
        """Listen where a connection will be asked for, and call back when it is."""
        if address not in self._doors:
            door = _bound(socket.SOCK_STREAM, *address)
            door.listen(8)
            self._doors[address] = door
            self.on_readable(door, somebody)

    def _device_calls(self, port: int, host: str) -> None:
        device, _ = self._doors[self._device_side, port].accept()
        start = time.monotonic() + 1.5 * self.model.round_trip
        self.at(start, lambda _now: self._connect_host(device, (host, port)))

    def _connect_host(self, device: socket.socket, address: tuple[str, int]) -> None:
        host = _dialled(HOST_SIDE, address)
        if host is None:
            _reset(device)
            return
        self._carry(host, device, uncounted=0, opens_at=0.0)

    def _host_calls(self, port: int) -> None:
        host, _ = self._doors[HOST_SIDE, port].accept()
        now = time.monotonic()
        opens_at = now + self.model.round_trip
        address = (self._device[0], port)
        self.at(
            now + 1.5 * self.model.round_trip,
            lambda _now: self._connect_device(host, address, opens_at),
        )

    def _connect_device(
        self, host: socket.socket, address: tuple[str, int], opens_at: float
    ) -> None:
        device = _dialled(self._device_side, address)
        if device is None:
            _reset(host)
            return
        self._carry(host, device, uncounted=_COOKIE_SIZE, opens_at=opens_at)

    def _carry(
        self, host: socket.socket, device: socket.socket, *, uncounted: int, opens_at: float
    ) -> None:
        connection = Connection(
            self, host, device, down=self._down, up=self._up, uncounted=uncounted
        )
        self._connections.add(connection)
        self.attend(connection, direct=uncounted != 0)
        connection.start(opens_at)


def _nothing() -> None:
    pass


def _set(
    watched: dict[socket.socket, Callable[[], None]],
    sock: socket.socket,
    do: Callable[[], None] | None,
) -> None:
    if do is None:
        watched.pop(sock, None)
    else:
        watched[sock] = do


def _bound(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, kind)
    if kind == socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    return sock


def _dialled(source: str, address: tuple[str, int]) -> socket.socket | None:
    sock = _bound(socket.SOCK_STREAM, source, 0)
    try:
        sock.connect(address)
    except OSError:
        sock.close()
        return None
    return sock


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _send(sock: socket.socket, datagram: bytes) -> None:
    with suppress(OSError):
        sock.send(datagram)
