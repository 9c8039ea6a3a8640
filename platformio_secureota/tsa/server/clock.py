"""The gate that the clock has to pass before a token says what time it is.

A wrong genTime does lasting harm: one from the future raises the floor of every device that takes
the image, one from the past lets an old image look new.  In doubt there is no token.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Callable

BUILD_DATE = dt.datetime(2026, 11, 23, tzinfo=dt.timezone.utc)
"""This code was not there before.  A test holds it to the dates in CHANGELOG.md."""

# adjtimex(2): TIME_ERROR is its word for a clock that nobody keeps in step.
_TIME_ERROR = 5
_TIMEX_OCTETS = 512  # more than any architecture's struct timex


_timex = ctypes.create_string_buffer(_TIMEX_OCTETS)


class ClockDoubt(Exception):
    """The clock is not to be trusted now; the text says why."""


def boot_seconds() -> float:
    """Seconds that nobody can set; where the system knows them, with those of its sleep."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def kernel_says_synchronised() -> bool | None:
    """Whether the system's clock is kept in step; None: this system doesn't say."""
    adjtimex = _adjtimex()
    if adjtimex is None:
        return None
    # The first field, modes, is zero and asks for nothing to be changed.
    state = adjtimex(_timex)
    return None if state < 0 else state != _TIME_ERROR


@lru_cache(maxsize=1)
def _adjtimex() -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "adjtimex", None)


@dataclass(frozen=True)
class Clocks:
    """What the gate looks at; tests have others."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = boot_seconds
    is_synchronised: Callable[[], bool | None] = kernel_says_synchronised


class ClockGate:
    """Lets the time through, or says why not."""

    def __init__(
        self,
        *,
        require_synchronised: bool,
        max_step: float,
        earliest: dt.datetime = BUILD_DATE,
        clocks: Clocks | None = None,
    ) -> None:
        """`max_step`: seconds that wall and steady clock may part; a leap second is one."""
        self._require_synchronised = require_synchronised
        self._max_step = max_step
        self._earliest = earliest
        self._clocks = clocks or Clocks()
        # Wall clock minus steady clock, when the wall clock was first found good.
        self._offset: float | None = None

    def check(self, floor: dt.datetime | None) -> dt.datetime:
        """Return the time, in UTC; ClockDoubt if it can't be believed.

        `floor` is the last genTime that was issued.
        """
        synchronised = self._clocks.is_synchronised()
        if self._require_synchronised and not synchronised:
            known = "can't be asked whether it is" if synchronised is None else "is not"
            raise ClockDoubt(f"the system's clock {known} synchronised")
        wall, steady = self._clocks.wall(), self._clocks.steady()
        now = dt.datetime.fromtimestamp(wall, dt.timezone.utc)
        if now < self._earliest:
            raise ClockDoubt(f"{now:%Y-%m-%d} is before {self._earliest:%Y-%m-%d}, the build date")
        if floor is not None and now < floor:
            raise ClockDoubt("the clock is behind the last token's time")
        if self._offset is None:
            self._offset = wall - steady
        step = wall - steady - self._offset
        if abs(step) > self._max_step:
            way = "ahead" if step > 0 else "back"
            raise ClockDoubt(f"the clock stepped {way} by {abs(step):.1f} s; check it and restart")
        return now
