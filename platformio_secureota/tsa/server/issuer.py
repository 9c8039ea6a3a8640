"""Issuing: what happens between a request that may be granted and its reply.

One thread does it, a batch at a time and under the log's lock: quota, clock, signature, log, disk.
So the times in the log never go back, whichever worker wrote them, and one fsync pays for all
requests that came meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import queue
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Callable, Union

from platformio_secureota.errors import SecureOTAError
from platformio_secureota.tsa import encode
from platformio_secureota.tsa.local import LocalTSA
from platformio_secureota.tsa.server.clock import ClockDoubt, ClockGate
from platformio_secureota.tsa.server.issued import Issued, read_reply

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from platformio_secureota.identity import SigningIdentity
    from platformio_secureota.tsa.server.config import Caller
    from platformio_secureota.tsa.server.log import ApprovalLog
    from platformio_secureota.tsa.server.quota import Quotas

logger = logging.getLogger("secureota.tsa")

TIME_NOT_AVAILABLE, SYSTEM_FAILURE = 14, 25
"""PKIFailureInfo bits (RFC 3161 2.4.2)."""

MAX_BATCH = 256
"""Requests that one fsync pays for.  More would make the first of them wait too long."""

MAX_WAITING = 4096
"""Requests in line; who comes then is asked to come back."""


@dataclass(frozen=True)
class Reply:
    """What became of a request."""

    body: bytes = field(repr=False)
    issued: Issued | None = None
    retry_after: int = 0
    """Seconds until the caller's quota has room again; not 0: there is no body."""


@dataclass(frozen=True)
class Job:
    """A request whose caller may have this policy."""

    request: bytes
    caller: Caller
    proof: str
    """How the caller was known: bearer, basic, mtls, anonymous."""
    policy: str


Work = Union[Job, Callable[[], object]]


class Issuer:
    """Grants what was found fit to be granted.  `start` in the process that serves."""

    def __init__(
        self,
        identity: SigningIdentity,
        *,
        log: ApprovalLog,
        gate: ClockGate,
        quotas: Quotas,
        **settings: Any,  # noqa: ANN401 - fields of LocalTSA
    ) -> None:
        """`settings` are LocalTSA's."""
        self._tsa = LocalTSA(identity, clock=self._now, **settings)
        self._by_policy: dict[str, LocalTSA] = {}
        self._certificate = hashlib.sha256(identity.certificate_der).hexdigest()
        self._log = log
        self._gate = gate
        self._quotas = quotas
        self._floor: dt.datetime | None = None
        self._time: dt.datetime | None = None
        self._queue: queue.Queue[tuple[Work, asyncio.Future[Any]] | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="issuer", daemon=True)

    def start(self) -> None:
        """Open the log and begin, for tasks of the running loop.  Unusable, Refused(LogBroken)."""
        self._loop = asyncio.get_running_loop()
        self._log.open()
        self._thread.start()

    def stop(self) -> None:
        """Finish what is in line, and close the log."""
        self._queue.put(None)
        self._thread.join()
        self._log.close()

    def submit(self, work: Work) -> asyncio.Future[Any]:
        """Put a job in line; its result is a Reply.  Or a function, to be run between jobs.

        queue.Full when too many wait.
        """
        future = self._loop.create_future()
        self._queue.put_nowait((work, future))
        return future

    def _run(self) -> None:
        is_last = False
        while not is_last:
            batch, is_last = self._next_batch()
            replies = iter(self.issue([work for work, _ in batch if isinstance(work, Job)]))
            results = [
                (future, next(replies) if isinstance(work, Job) else _run_function(work))
                for work, future in batch
            ]
            # Once for all of them: waking the loop costs more than anything else here.
            self._loop.call_soon_threadsafe(_deliver, results)

    def _next_batch(self) -> tuple[list[tuple[Work, asyncio.Future[Any]]], bool]:
        # All that wait, but for at least one.
        batch: list[tuple[Work, asyncio.Future[Any]]] = []
        while len(batch) < MAX_BATCH:
            try:
                item = self._queue.get(block=not batch)
            except queue.Empty:
                break
            if item is None:
                return batch, True
            batch.append(item)
        return batch, False

    def issue(self, jobs: Sequence[Job]) -> list[Reply]:
        """Answer jobs; every granted reply is in the log, on disk, when this returns."""
        if not jobs:
            return []
        try:
            with self._log.locked():
                replies, entries = self._make(jobs)
                if entries:
                    self._log.append(entries)
                return replies
        except (OSError, SecureOTAError) as error:
            logger.error("no token: the log can't be written: %s", error)  # noqa: TRY400
            return [_failure("the log of approvals can't be written")] * len(jobs)

    def _make(self, jobs: Sequence[Job]) -> tuple[list[Reply], list[dict[str, Any]]]:
        self._floor = self._log.last_time
        replies: list[Reply] = []
        entries: list[dict[str, Any]] = []
        pending: dict[str, int] = {}
        for job in jobs:
            reply = self._answer(job, pending.get(job.caller.name, 0))
            replies.append(reply)
            if reply.issued is not None:
                pending[job.caller.name] = pending.get(job.caller.name, 0) + 1
                entries.append(self._entry(job, reply.issued))
        return replies, entries

    def _answer(self, job: Job, pending: int) -> Reply:
        try:
            self._time = self._gate.check(self._floor)
            wait = self._quotas.wait(job.caller, self._time.timestamp(), pending)
            if wait:
                return Reply(b"", retry_after=wait)
            body = self._tsa_for(job.policy).timestamp(job.request)
        except ClockDoubt as doubt:
            logger.error("no token: %s", doubt)  # noqa: TRY400 - a traceback says nothing here
            return Reply(encode.rejection(TIME_NOT_AVAILABLE, str(doubt)))
        except SecureOTAError as error:
            logger.error("no token: %s", error)  # noqa: TRY400
            return _failure("the signing key can't be used")
        except Exception:
            # A bug, or a token that was pulled out of its reader: this caller gets no token, and
            # the others are served.
            logger.exception("no token")
            return _failure("the server failed")
        self._floor = self._time
        return Reply(body, read_reply(body))

    def _now(self) -> dt.datetime:
        if self._time is None:
            raise ClockDoubt("the clock was not looked at")
        return self._time

    def _tsa_for(self, policy: str) -> LocalTSA:
        tsa = self._by_policy.get(policy)
        if tsa is None:
            tsa = self._by_policy[policy] = replace(self._tsa, policy=policy)
        return tsa

    def _entry(self, job: Job, issued: Issued) -> dict[str, Any]:
        return {
            "time": issued.time,
            "serial": issued.serial,
            "imprint": issued.imprint,
            "policy": issued.policy,
            "caller": job.caller.name,
            "proof": job.proof,
            "certificate": self._certificate,
            "token": issued.digest,
        }


def _run_function(work: Callable[[], object]) -> object:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - raised again where the result is waited for
        return error


def _deliver(results: list[tuple[asyncio.Future[Any], object]]) -> None:
    for future, result in results:
        if future.cancelled():
            continue  # the client has gone; its line is in the log
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)


def _failure(text: str) -> Reply:
    return Reply(encode.rejection(SYSTEM_FAILURE, text))
