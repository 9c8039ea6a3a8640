"""How many tokens each caller got, counted from the log: all workers see the same numbers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from platformio_secureota.tsa.server.chain import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platformio_secureota.tsa.server.chain import Record
    from platformio_secureota.tsa.server.config import Caller

MINUTE, DAY = 60, 86400


class Quotas:
    """When those callers got tokens that have a limit."""

    def __init__(self, callers: Iterable[Caller]) -> None:
        """Know of no token yet."""
        limits = {caller.name: max(caller.per_minute, caller.per_day) for caller in callers}
        # Older ones than the limit counts don't matter.
        self._times: dict[str, deque[float]] = {
            name: deque(maxlen=limit) for name, limit in limits.items() if limit
        }

    def note(self, record: Record) -> None:
        """Count a record of the log."""
        times = self._times.get(str(record.values.get("caller")))
        moment = parse_time(str(record.values.get("time"))) if times is not None else None
        if times is not None and moment is not None:
            times.append(moment.timestamp())

    def wait(self, caller: Caller, now: float, pending: int) -> int:
        """Return seconds until this caller may have a token; 0: now.

        `pending` tokens of this caller are being made and not yet counted.
        """
        times = self._times.get(caller.name)
        if times is None:
            return 0
        waits = [
            _wait(times, limit, span, now, pending)
            for limit, span in ((caller.per_minute, MINUTE), (caller.per_day, DAY))
            if limit
        ]
        return max(waits, default=0)


def _wait(times: deque[float], limit: int, span: int, now: float, pending: int) -> int:
    # The window is free again when the oldest of the `limit` newest leaves it.
    position = len(times) + pending - limit
    if position < 0:
        return 0
    oldest = times[position] if position < len(times) else now
    return max(0, int(oldest + span - now) + 1) if oldest > now - span else 0
