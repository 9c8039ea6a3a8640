"""What a network does to bytes, as arithmetic: a rate, a delay, and a receiver's window.

No socket and no clock is here.  Times are seconds of any origin; sizes are bytes of payload, for
headers are not modelled.
"""

from __future__ import annotations

from dataclasses import dataclass

READ_SIZE = 1460
"""The most that a device takes from its connection at once, and so acknowledges at once."""


@dataclass(frozen=True)
class Model:
    """A link between a host and a device, the same in both directions."""

    rate: float
    """Bytes per second."""
    round_trip: float
    """Seconds; half of it each way."""
    window: int = 5760
    """Bytes that the device has not read and that may be under way: TCP_WND of lwIP on an ESP32."""
    segment: int = 1440
    """Bytes sent at once: TCP_MSS there."""

    def least_seconds(self, size: int) -> float:
        """Return how long `size` bytes take at least, to a device that reads at once.

        What is larger of the time on the link, and of a round trip for each window.
        """
        return max(size / self.rate, size / self.window * self.round_trip)


class Line:
    """One direction: bytes leave one behind the other at the rate, and arrive half a trip later."""

    def __init__(self, model: Model) -> None:
        """Make a line on which nothing is."""
        self._rate = model.rate
        self._delay = model.round_trip / 2
        self._free_at = 0.0

    def carry(self, now: float, size: int) -> float:
        """Return when the last of `size` bytes arrives that want to leave now."""
        self._free_at = max(now, self._free_at) + size / self._rate
        return self._free_at + self._delay


class Window:
    """How much the sender may have under way: a receiver's buffer, seen from the sender's end."""

    def __init__(self, size: int, *, uncounted: int = 0) -> None:
        """Open it; of the first `uncounted` bytes the device says nothing."""
        self._size = size
        self._uncounted = uncounted
        self._in_flight = 0

    @property
    def room(self) -> int:
        """Bytes that may leave now."""
        return self._size - self._in_flight + self._uncounted

    @property
    def in_flight(self) -> int:
        """Bytes that have left and are not acknowledged."""
        return self._in_flight

    def leave(self, size: int) -> None:
        """Take away the room for bytes that leave."""
        free = min(size, self._uncounted)
        self._uncounted -= free
        self._in_flight += size - free

    def acknowledge(self, size: int) -> None:
        """Give it back: the device has read them, and the sender has heard of it."""
        self._in_flight -= min(size, self._in_flight)


def acknowledged(digits: str, limit: int) -> int:
    """Return how many bytes a run of acknowledgements is about, at most `limit`.

    A device writes its numbers without anything between them.  They mostly arrive one by one; of
    several at once, the fewest numbers that can be meant are, and among those the smallest sum:
    better that a window opens too late than too early.
    """
    best: list[tuple[int, int] | None] = [(0, 0)] + [None] * len(digits)
    for start in range(len(digits)):
        here = best[start]
        if here is None or digits[start] == "0":
            continue
        for end in range(start + 1, min(start + len(str(READ_SIZE)), len(digits)) + 1):
            number = int(digits[start:end])
            candidate = (here[0] + 1, here[1] + number)
            there = best[end]
            if number <= READ_SIZE and (there is None or candidate < there):
                best[end] = candidate
    whole = best[-1]
    return min(limit, whole[1]) if whole is not None else 0
