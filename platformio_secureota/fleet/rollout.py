"""Updating many devices: canaries one by one, then the rest at once, and stopping in time.

A thread each, as many as the limit says; a device that fails counts, and beyond the limit no
further one is begun.  Those under way are never cut off by that: half an upload helps nobody.
"""

from __future__ import annotations

import collections
import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable, Protocol

from platformio_secureota.errors import SecureOTAError
from platformio_secureota.fleet.report import Report
from platformio_secureota.fleet.result import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from platformio_secureota.fleet.device import Device
    from platformio_secureota.fleet.plan import Plan
    from platformio_secureota.fleet.result import Done
    from platformio_secureota.ota import State

MAX_PARALLEL = 64
"""Uploads at once: each has a thread and about eight open files, where 1,024 are usual."""

_TICK = 0.2
"""Seconds within which an interruption is noticed."""

_FAREWELL = 1.0
"""Seconds for what is broken off to close its connections."""


@dataclass(frozen=True)
class Limits:
    """How much at once, and how much may go wrong."""

    parallel: int = 8
    """Devices that are updated at the same time, once the canaries are good."""
    max_failures: int = 1
    """With so many failed devices no further one is begun."""


class Listener(Protocol):
    """Told of everything, by one thread at a time."""

    def begins(self, device: Device, *, canary: bool) -> None:
        """A device's turn has come."""

    def state(self, device: Device, state: State) -> None:
        """Its upload entered a state."""

    def progress(self, device: Device, done: int, total: int) -> None:
        """So many bytes are there."""

    def ends(self, result: Result) -> None:
        """Its outcome is known."""

    def stops(self, why: str) -> None:
        """No further device is begun."""


class Watcher:
    """What one device's upload reports to."""

    def __init__(self, rollout: Rollout, device: Device) -> None:
        """Prepare."""
        self._rollout = rollout
        self._device = device

    def state(self, state: State) -> None:
        """Pass it on."""
        with self._rollout.telling() as listener:
            listener.state(self._device, state)

    def progress(self, done: int, total: int) -> None:
        """Pass it on."""
        with self._rollout.telling() as listener:
            listener.progress(self._device, done, total)


Update = Callable[["Device", Watcher], "Done"]
"""Updates one device or finds that it has nothing to do; raises SecureOTAError."""


class _BrokenOff(BaseException):
    """Out of an upload whose verdict nobody waits for any more."""


@dataclass
class _Batch:
    queue: collections.deque[Device]
    canary: bool
    under_way: dict[Device, float] = field(default_factory=dict)
    """Since when, on the monotonic clock."""


class Rollout:
    """One image for many devices; runs once."""

    def __init__(self, update: Update, *, limits: Limits, listener: Listener) -> None:
        """Prepare."""
        self._update = update
        self._limits = limits
        self._listener = listener
        self._changed = threading.Condition()
        self._results: dict[Device, Result] = {}
        self._not_begun = 0
        self._failures = 0
        self._interruptions = 0
        self._stopped = self._heeded = self._broken_off = False
        self._bug: BaseException | None = None

    def interrupt(self) -> None:
        """Begin no further device; the second time, wait for none.  For signal handlers."""
        self._interruptions += 1

    def run(self, plan: Plan) -> Report:
        """Update them; return what became of each.  Only a bug of ours is raised."""
        self._not_begun = len(plan.canaries) + len(plan.rest)
        self._serve(plan.canaries, parallel=1, canary=True)
        self._serve(plan.rest, parallel=self._limits.parallel, canary=False)
        if self._bug is not None:
            raise self._bug
        return Report(
            tuple(
                self._results.get(each, Result(each, Outcome.UNTOUCHED))
                for each in (*plan.canaries, *plan.rest)
            ),
            interrupted=self._interruptions > 0,
        )

    @contextlib.contextmanager
    def telling(self) -> Iterator[Listener]:
        """Lock the listener; ends the thread of an upload that was broken off."""
        with self._changed:
            if self._broken_off:
                raise _BrokenOff
            yield self._listener

    def _serve(self, devices: Sequence[Device], *, parallel: int, canary: bool) -> None:
        batch = _Batch(collections.deque(devices), canary=canary)
        threads = [
            threading.Thread(target=self._work, args=(batch,), daemon=True)
            for _ in range(min(parallel, len(devices)))
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads) and not self._broken_off:
            with self._changed:
                self._changed.wait(_TICK)
                self._heed_interruptions(batch)
        deadline = time.monotonic() + _FAREWELL
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()) if self._broken_off else None)

    def _heed_interruptions(self, batch: _Batch) -> None:
        if self._interruptions and not self._heeded:
            self._heeded = self._stopped = True
            waiting = ", ".join(each.name for each in batch.under_way)
            more = f"; waiting for {waiting}; once more breaks off" if waiting else ""
            self._listener.stops(f"interrupted{more}")
        if self._interruptions > 1 and not self._broken_off:
            self._broken_off = True
            for device, began in batch.under_way.items():
                seconds = time.monotonic() - began
                self._end(Result(device, Outcome.BROKEN_OFF, seconds=seconds), canary=False)

    def _work(self, batch: _Batch) -> None:
        try:
            while (device := self._next(batch)) is not None:
                outcome, error, done = self._update_one(device)
                with self._changed:
                    seconds = time.monotonic() - batch.under_way.pop(device)
                    if not self._broken_off:
                        self._end(
                            Result(device, outcome, error, done, seconds), canary=batch.canary
                        )
        except _BrokenOff:
            pass
        except BaseException as bug:  # noqa: BLE001 - `run` raises it
            with self._changed:
                self._bug = bug
                self._stop("a bug in this program")
        with self._changed:
            self._changed.notify()

    def _next(self, batch: _Batch) -> Device | None:
        with self._changed:
            if self._stopped or self._interruptions or not batch.queue:
                return None
            device = batch.queue.popleft()
            self._not_begun -= 1
            batch.under_way[device] = time.monotonic()
            self._listener.begins(device, canary=batch.canary)
            return device

    def _update_one(self, device: Device) -> tuple[Outcome, SecureOTAError | None, Done | None]:
        try:
            done = self._update(device, Watcher(self, device))
        except SecureOTAError as error:
            return Outcome.FAILED, error, None
        return (Outcome.ALREADY if done.verdict is None else Outcome.UPDATED), None, done

    def _end(self, result: Result, *, canary: bool) -> None:
        self._results[result.device] = result
        self._listener.ends(result)
        if result.outcome is Outcome.FAILED:
            self._failures += 1
            if canary:
                self._stop("the canary failed")
            elif self._failures >= self._limits.max_failures:
                self._stop(f"{self._failures} failed")

    def _stop(self, why: str) -> None:
        if not self._stopped and self._not_begun:
            self._listener.stops(why)
        self._stopped = True
