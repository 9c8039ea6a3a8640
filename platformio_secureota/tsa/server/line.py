"""The line of requests: from the loop that reads them to the disk, and back.

A quick key signs in the loop itself, and only the disk is left to a thread: to hand each request to
another thread and back would cost more than its signature.  While the disk is at some lines the
loop makes the next ones, and one fsync pays for all that came meanwhile.  A card or an RSA key
signs in the thread, while the loop goes on reading.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Union

from platformio_secureota.tsa.server.issuer import Batch, Issuer, Job

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_BATCH = 64
"""Requests that are answered in one go: some 8 ms in which the loop reads nothing."""

MAX_WAITING = 4096
"""Requests in line; who comes then is asked to come back."""

MAX_HELD = 0.05
"""Seconds after which the log is let go, however many wait: other processes write and read it."""

Work = Union[Job, Callable[[], object]]


class _Order(NamedTuple):
    """Something for which the thread has the issuer to itself."""

    run: Callable[[], Sequence[object]]
    futures: list[asyncio.Future[Any]]


class Line:
    """Has requests answered in their order."""

    def __init__(self, issuer: Issuer, *, signs_quickly: bool) -> None:
        """`signs_quickly`: the key does not keep the loop waiting."""
        self._issuer = issuer
        self._signs_quickly = signs_quickly
        self._waiting: deque[tuple[Work, asyncio.Future[Any]]] = deque()
        self._is_called = False  # `_go_on` is about to be
        self._is_away = False  # the thread has the issuer
        self._is_stopped = False
        self._held_since = 0.0
        # On their way to the disk, each with its futures.
        self._written: deque[tuple[Batch, list[asyncio.Future[Any]]]] = deque()
        self._orders: queue.SimpleQueue[Batch | _Order | None] = queue.SimpleQueue()
        self._error: Exception | None = None  # of the disk; what follows is not written either
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)

    def start(self) -> None:
        """Open the log and begin, for tasks of the running loop.  Unusable, Refused(LogBroken)."""
        self._loop = asyncio.get_running_loop()
        self._issuer.open()
        self._thread.start()

    def stop(self) -> None:
        """Finish what was begun, and close the log."""
        self._is_stopped = True
        self._orders.put(None)
        self._thread.join()
        self._issuer.close()

    def submit(self, work: Work) -> asyncio.Future[Any]:
        """Put a job in line; its result is a Reply.  Or a function, for the thread, between jobs.

        queue.Full when too many wait.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise queue.Full
        future = self._loop.create_future()
        self._waiting.append((work, future))
        self._call()
        return future

    # -- in the loop --------------------------------------------------------------------------

    def _call(self) -> None:
        # Not at once: whoever else is ready to be read comes into the same batch.
        if not self._is_called:
            self._is_called = True
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._is_called = False
        if self._is_stopped or self._is_away:
            return
        while self._waiting and self._go_on_with(self._waiting[0][0]):
            pass
        if not self._written and not self._is_away:
            self._issuer.release()

    def _go_on_with(self, first: Work) -> bool:
        # False: not before the thread is done with what it has.
        if isinstance(first, Job) and self._signs_quickly:
            is_held = self._issuer.holds_log
            if self._error or (is_held and time.monotonic() - self._held_since > MAX_HELD):
                if self._let_go():
                    self._call()  # whoever waits for the log is quicker
                return False
            if is_held or self._issuer.hold():
                if not is_held:
                    self._held_since = time.monotonic()
                self._issue_here()
                return True
            # Another process has the log.
        if not self._let_go():
            return False
        self._is_away = True
        self._orders.put(self._order())
        return False

    def _let_go(self) -> bool:
        if self._written:
            return False
        self._issuer.release()
        self._error = None
        return True

    def _issue_here(self) -> None:
        jobs, futures = self._next_jobs()
        try:
            batch = self._issuer.make(jobs)
        except Exception as error:  # noqa: BLE001 - raised again where the results are waited for
            _deliver(futures, [error] * len(futures))
            return
        if batch.lines is None:
            _deliver(futures, batch.replies)
        else:
            self._written.append((batch, futures))
            self._orders.put(batch)

    def _order(self) -> _Order:
        issuer, (work, future) = self._issuer, self._waiting[0]
        if not isinstance(work, Job):
            self._waiting.popleft()
            return _Order(lambda: [work()], [future])
        jobs, futures = self._next_jobs()
        return _Order(lambda: issuer.issue(jobs), futures)

    def _next_jobs(self) -> tuple[list[Job], list[asyncio.Future[Any]]]:
        jobs: list[Job] = []
        futures = []
        while self._waiting and len(jobs) < MAX_BATCH:
            work, future = self._waiting[0]
            if not isinstance(work, Job):
                break
            self._waiting.popleft()
            jobs.append(work)
            futures.append(future)
        return jobs, futures

    def _after_order(self, order: _Order, results: Sequence[object]) -> None:
        self._is_away = False
        _deliver(order.futures, results)
        self._go_on()

    def _after_write(self, count: int, error: Exception | None) -> None:
        for _ in range(count):
            batch, futures = self._written.popleft()
            _deliver(futures, self._issuer.settle(batch, error))
        self._go_on()

    # -- in the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        order = self._orders.get()
        while order is not None:
            if isinstance(order, _Order):
                results = _results(order)
                self._loop.call_soon_threadsafe(self._after_order, order, results)
                order = self._orders.get()
            else:
                order = self._write(order)

    def _write(self, first: Batch) -> Batch | _Order | None:
        # All that wait for the disk; returns what came behind them.
        batches: list[Batch] = [first]
        try:
            while isinstance(more := self._orders.get_nowait(), Batch):
                batches.append(more)
        except queue.Empty:
            more = first  # nothing did
        try:
            if self._error is None:
                self._issuer.write(batches)
        except Exception as error:  # noqa: BLE001 - whatever it is: no token without its line
            self._error = error
        self._loop.call_soon_threadsafe(self._after_write, len(batches), self._error)
        return self._orders.get() if more is first else more


def _results(order: _Order) -> Sequence[object]:
    try:
        return order.run()
    except Exception as error:  # noqa: BLE001 - raised again where the results are waited for
        return [error] * len(order.futures)


def _deliver(futures: Sequence[asyncio.Future[Any]], results: Sequence[object]) -> None:
    for future, result in zip(futures, results):
        if future.cancelled():
            continue  # the client has gone; its line is in the log
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
