"""Sending a container over a connection, and hearing the verdict.

Everything is sent as fast as the device takes it: the acknowledgements are read as they come and
never waited for, so the round trip costs once and not for each kilobyte.  Time-outs are idle
times.  How the connection came about is no matter of this file.

The verdict is `OK` after the last byte, as the device's last word.  An `OK` counts for nothing
while bytes are left to send or on their way (send_queue.py), and where a reset follows it: that
says that the device threw bytes away unread.
"""

from __future__ import annotations

import selectors
import socket
import time
from typing import TYPE_CHECKING, Callable, Optional

from platformio_secureota.errors import Reason, SecureOTAError, Unusable
from platformio_secureota.ota import refusal
from platformio_secureota.ota.send_queue import unacknowledged
from platformio_secureota.ota.words import DeviceWords

if TYPE_CHECKING:
    from platformio_secureota.ota.settings import Timeouts

Progress = Optional[Callable[[int, int], None]]
"""Called with (bytes that have arrived at the device, all bytes); never backwards."""

_SEND_BUFFER = 64 * 1024
"""Bytes that wait in this computer.  Enough for 20 Mbit/s at 20 ms; more would only hide how far
the device is, and send what a refusal has made useless."""

_PIECE = 16 * 1024
"""Bytes given to the socket at once."""

_MAX_CHATTER = 64 * 1024
"""Bytes that a device may say beyond two for every byte that it gets."""

_ASK = "ask what it runs with `secureota status`, and see what it logs"
"""Everything was sent, so it may have been accepted."""


class Transfer:
    """One container on its way."""

    def __init__(
        self,
        connection: socket.socket,
        container: bytes,
        *,
        timeouts: Timeouts,
        progress: Progress = None,
        on_sent: Callable[[], None] | None = None,
    ) -> None:
        """Prepare; the caller closes the connection.  `on_sent`: told of the last byte."""
        self._connection = connection
        self._rest = memoryview(container)
        self._size = len(container)
        self._timeouts = timeouts
        self._progress = progress
        self._on_sent = on_sent
        self._words = DeviceWords()
        self.heard = 0
        """Bytes that the device has said."""
        self._shown = -1
        self._early_ok = False
        self._broken = False
        self._selector = selectors.DefaultSelector()

    def run(self) -> bytes:
        """Send everything and return what ended the line of the device's `OK`.

        Refused with the device's Reason; Unusable with TimedOut (nothing moves), ConnectionLost
        (before the last byte) or NoVerdict (after it).
        """
        self._connection.setblocking(False)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._selector:
            self._selector.register(self._connection, self._wanted())
            self._show()
            self._converse()
        if self._words.refusal is not None:
            raise refusal.refused(self._words.refusal)
        if self._rest or self._broken or not self._words.said_ok:
            raise self._no_verdict()
        if self._progress is not None and self._shown < self._size:
            self._progress(self._size, self._size)
        return self._words.ok_line_end

    def _converse(self) -> None:
        # Until the device has refused, or the connection ends, or nothing moves for too long.
        now = time.monotonic()
        end, deadline = now + self._timeouts.transfer, now + self._patience()
        while self._words.refusal is None:
            self._selector.modify(self._connection, self._wanted())
            events = self._selector.select(max(0.0, min(deadline, end) - time.monotonic()))
            for _, mask in events:
                if mask & selectors.EVENT_READ and not self._hear():
                    self._words.end()
                    return
                if mask & selectors.EVENT_WRITE:
                    self._send()
            now = time.monotonic()
            if events:
                self._show()
                deadline = now + self._patience()
            if now >= min(deadline, end):
                self._give_up(overdue=now >= end)
                return

    def _wanted(self) -> int:
        # Nothing is sent any more to a device that has begun to say no.
        sending = self._rest and not self._broken and not self._words.in_text
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if sending else 0)

    def _patience(self) -> float:
        if self._words.in_text or self._broken:
            return self._timeouts.refusal
        if self._rest:
            return self._timeouts.sending
        return self._timeouts.close if self._words.said_ok else self._timeouts.verdict

    def _send(self) -> None:
        try:
            sent = self._connection.send(self._rest[:_PIECE])
        except BlockingIOError:
            return
        except OSError:
            # The device has closed.  What it said before that may still be waiting to be read.
            self._broken = True
            return
        self._rest = self._rest[sent:]
        if not self._rest and self._on_sent is not None:
            self._on_sent()

    def _hear(self) -> bool:
        # False at the end of the connection.
        try:
            data = self._connection.recv(4096)
        except BlockingIOError:
            return True
        except OSError:
            self._broken = True
            return False
        self.heard += len(data)
        if self.heard > 2 * self._size + _MAX_CHATTER:
            raise Unusable(Reason.NoVerdict, "the device talks without end")
        self._words.feed(data)
        if self._words.said_ok and (self._rest or unacknowledged(self._connection)):
            self._words.withdraw_ok()
            self._early_ok = True
        return bool(data)

    def _show(self) -> None:
        arrived = self._size - len(self._rest) - unacknowledged(self._connection)
        if self._progress is not None and arrived > self._shown:
            self._shown = arrived
            self._progress(arrived, self._size)

    def _give_up(self, *, overdue: bool) -> None:
        # Silence ends an error text and leaves an OK standing; otherwise it is the error.
        if self._words.in_text or self._broken or self._words.said_ok:
            self._words.end()
            return
        if overdue:
            detail = f"no verdict within {self._timeouts.transfer:g} s, {self._how_far()}"
            raise Unusable(Reason.TimedOut, detail, hint="see what the device logs")
        if self._rest:
            raise Unusable(
                Reason.TimedOut,
                f"the device has taken nothing for {self._timeouts.sending:g} s, {self._how_far()}",
                hint="try again, nearer to the access point",
            )
        detail = f"it is silent since {self._timeouts.verdict:g} s, having been sent everything"
        raise Unusable(Reason.NoVerdict, detail, hint=_ASK)

    def _no_verdict(self) -> SecureOTAError:
        if self._early_ok or (self._broken and self._words.said_ok):
            detail = "it said OK before it had read everything, and closed the connection"
            return Unusable(Reason.NoVerdict, detail, hint="update it by cable, or try again")
        if self._rest or self._broken:
            return Unusable(
                Reason.ConnectionLost,
                f"the device closed the connection without a word, {self._how_far()}",
                hint="try again, and see what the device logs" if self._rest else _ASK,
            )
        detail = "it closed the connection after the last byte without a word"
        return Unusable(Reason.NoVerdict, detail, hint=_ASK)

    def _how_far(self) -> str:
        return f"{self._size - len(self._rest)} of {self._size} bytes having been sent"
