"""One TCP connection that goes over a link (link.py): bytes, acknowledgements, its end."""

from __future__ import annotations

import functools
import socket
import struct
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Callable

from bench.line import Window, acknowledged

if TYPE_CHECKING:
    from bench.line import Line
    from bench.link import Link

_AHEAD = 16 * 1024
"""Bytes read from a sender that can't leave yet: a part of its send buffer, in effect."""

_DIGITS = "0123456789"


class Connection:
    """Carried both ways until both ends have ended it, or one has reset it."""

    def __init__(
        self,
        link: Link,
        host: socket.socket,
        device: socket.socket,
        *,
        down: Line,
        up: Line,
        uncounted: int,
    ) -> None:
        """Take over both sockets.

        `uncounted`: bytes at the beginning that the device does not acknowledge.
        """
        self.link = link
        self.over = False
        self._sockets = (host, device)
        self._window = Window(link.model.window, uncounted=uncounted)
        self.down = Flow(self, host, device, down, window=self._window)
        self.up = Flow(self, device, host, up, on_leave=self._hear)
        self._only_digits = True

    def start(self, opens_at: float) -> None:
        """Carry; the host's bytes leave from `opens_at` on."""
        for sock in self._sockets:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.down.start(opens_at)
        self.up.start(time.monotonic())

    def finish(self) -> None:
        """One direction has ended; with both, it is over."""
        if self.down.ended and self.up.ended:
            self._close()

    def freeze(self) -> None:
        """Carry nothing any more, neither bytes nor the news of an end."""
        self.over = True
        for sock in self._sockets:
            self.link.on_readable(sock, None)
            self.link.on_writable(sock, None)

    def reset(self) -> None:
        """Reset both ends."""
        for sock in self._sockets:
            with suppress(OSError):  # closed already
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._close()

    def _close(self) -> None:
        self.freeze()
        for sock in self._sockets:
            sock.close()
        self.link.forget(self)

    def _hear(self, text: bytes, arrival: float) -> None:
        # What the device has read, it has made room for; the other end knows when it hears so.
        said = text.decode("latin-1")
        digits = said[: len(said) - len(said.lstrip(_DIGITS))] if self._only_digits else ""
        self._only_digits = self._only_digits and digits == said
        size = acknowledged(digits, self._window.in_flight)
        self.link.at(arrival, lambda now: self._acknowledge(size, now))

    def _acknowledge(self, size: int, now: float) -> None:
        self._window.acknowledge(size)
        self.down.leave(now)


class Flow:
    """One direction."""

    def __init__(
        self,
        connection: Connection,
        source: socket.socket,
        sink: socket.socket,
        line: Line,
        *,
        window: Window | None = None,
        on_leave: Callable[[bytes, float], None] | None = None,
    ) -> None:
        """Carry from `source` to `sink`; `on_leave` is told of each piece and of its arrival."""
        self.ended = False
        self._connection = connection
        self._link = connection.link
        self._source = source
        self._sink = sink
        self._line = line
        self._window = window
        self._on_leave = on_leave
        self._opens_at = 0.0
        self._waiting = b""  # has not left
        self._at_end = False  # nothing more will be read
        self._end_left = False
        self._arrived = b""  # not taken by the sink
        self._end_arrived = False
        self._handed_over = 0
        self._held = False
        self._mark_at = sys.maxsize
        self._on_mark: Callable[[], None] = self._flush

    def mark(self, at: int, do: Callable[[], None]) -> None:
        """Call back once `at` bytes have been handed over, before any more is."""
        self._mark_at, self._on_mark = at, do

    def hold(self) -> None:
        """Hand over nothing any more, neither bytes nor the end."""
        self._held = True

    def start(self, opens_at: float) -> None:
        """Carry; nothing leaves before `opens_at`."""
        self._opens_at = opens_at
        self._link.on_readable(self._source, self._read)
        now = time.monotonic()
        self._link.at(now, lambda _now: self._flush())  # the mark may be at the beginning
        self._link.at(max(opens_at, now), self.leave)

    def _read(self) -> None:
        now = time.monotonic()
        try:
            data = self._source.recv(_AHEAD - len(self._waiting))
        except BlockingIOError:
            return
        except OSError:
            self._break(now)
            return
        self._waiting += data
        self._at_end = not data
        self.leave(now)

    def leave(self, now: float) -> None:
        """Let go what the window has room for."""
        if self._connection.over:
            return
        now = max(now, self._opens_at)
        while self._waiting and (size := self._next_size()) != 0:
            piece, self._waiting = self._waiting[:size], self._waiting[size:]
            arrival = self._line.carry(now, size)
            if self._window is not None:
                self._window.leave(size)
            if self._on_leave is not None:
                self._on_leave(piece, arrival)
            self._link.at(arrival, functools.partial(self._arrive, piece))
        if self._at_end and not self._waiting and not self._end_left:
            self._end_left = True
            self._link.at(self._line.carry(now, 0), lambda _now: self._arrive_end())
        wanted = not self._at_end and len(self._waiting) < _AHEAD
        self._link.on_readable(self._source, self._read if wanted else None)

    def _next_size(self) -> int:
        # Nothing smaller than a segment while more is there (RFC 1122, 4.2.3.4).
        size = min(len(self._waiting), self._link.model.segment)
        return size if self._window is None or size <= self._window.room else 0

    def _arrive(self, piece: bytes, _now: float) -> None:
        self._arrived += piece
        self._flush()

    def _arrive_end(self) -> None:
        self._end_arrived = True
        self._flush()

    def _flush(self) -> None:
        if self._connection.over or self.ended or self._held:
            return
        try:
            while self._arrived and (room := self._mark_at - self._handed_over):
                sent = self._sink.send(self._arrived[:room])
                self._handed_over += sent
                self._arrived = self._arrived[sent:]
            if self._handed_over == self._mark_at:
                self._mark_at = sys.maxsize
                self._on_mark()
                self._flush()
                return
            if self._end_arrived:
                self._sink.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            self._link.on_writable(self._sink, self._flush)
            return
        except OSError:
            self._arrived = b""
            self._break(time.monotonic())
            return
        self._link.on_writable(self._sink, None)
        if self._end_arrived:
            self.ended = True
            self._connection.finish()

    def _break(self, now: float) -> None:
        # One end is gone without a goodbye. The other hears of it behind what has left already.
        self._link.on_readable(self._source, None)
        self._link.on_writable(self._sink, None)
        self._link.at(self._line.carry(now, 0), lambda _now: self._reset())

    def _reset(self) -> None:
        if not self._connection.over:
            self._connection.reset()
