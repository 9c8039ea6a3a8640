"""Issuing: what happens between a request that may be granted and its reply.

It is done a batch at a time and under the log's lock: quota, clock, signature, log, disk.  So the
times in the log never go back, whichever worker wrote them.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from platformio_secureota.errors import SecureOTAError
from platformio_secureota.tsa import encode
from platformio_secureota.tsa.local import Answer, LocalTSA
from platformio_secureota.tsa.server.clock import ClockDoubt, ClockGate
from platformio_secureota.tsa.server.issued import Issued, read_reply

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from platformio_secureota.identity import SigningIdentity
    from platformio_secureota.timestamp import ParsedRequest
    from platformio_secureota.tsa.server.chain import Head
    from platformio_secureota.tsa.server.config import Caller
    from platformio_secureota.tsa.server.log import ApprovalLog, Sealed
    from platformio_secureota.tsa.server.quota import Quotas

logger = logging.getLogger("secureota.tsa")

TIME_NOT_AVAILABLE, SYSTEM_FAILURE = 14, 25
"""PKIFailureInfo bits (RFC 3161 2.4.2)."""


class Reply(NamedTuple):
    """What became of a request."""

    body: bytes
    issued: Issued | None = None
    retry_after: int = 0
    """Seconds until the caller's quota has room again; not 0: there is no body."""


class Job(NamedTuple):
    """A request whose caller may have this policy."""

    request: ParsedRequest
    caller: Caller
    proof: str
    """How the caller was known: bearer, basic, mtls, anonymous."""
    policy: str


class Batch(NamedTuple):
    """Answers that may leave when their lines are on disk."""

    jobs: Sequence[Job]
    replies: Sequence[Reply]
    lines: Sealed | None
    """None: no token was granted."""


class Issuer:
    """Grants what was found fit to be granted.  `open` it in the process that serves.

    `issue` does it all; or piece by piece: `hold` the log, `make` batches, `write` them in the
    order in which they were made, `settle` each, and `release` the log behind the last.  `write`
    may be another thread's, while the next ones are made.
    """

    def __init__(
        self,
        identity: SigningIdentity,
        *,
        log: ApprovalLog,
        gate: ClockGate,
        quotas: Quotas,
        check_signatures: bool,
        **settings: Any,  # noqa: ANN401 - fields of LocalTSA
    ) -> None:
        """`settings` are LocalTSA's."""
        self._checks = check_signatures
        self._tsa = LocalTSA(identity, clock=self._now, **settings)
        self._by_policy: dict[str, LocalTSA] = {}
        self._certificate = hashlib.sha256(identity.certificate_der).hexdigest()
        self._log = log
        self._gate = gate
        self._quotas = quotas
        self._tip: Head | None = None  # of the log with all that was made; None: it isn't held
        self._unsettled: Counter[str] = Counter()  # tokens by caller that the log doesn't have yet
        self._floor: dt.datetime | None = None  # genTime of the last token
        self._time: dt.datetime | None = None

    def open(self) -> None:
        """Open the log.  Unusable, Refused(LogBroken)."""
        self._log.open()

    def close(self) -> None:
        """Close the log."""
        self._log.close()

    @property
    def holds_log(self) -> bool:
        """Whether `make` may go on."""
        return self._tip is not None

    def hold(self, *, wait: bool = False) -> bool:
        """Take the log.  To `wait` for other processes: OSError, Refused(LogBroken) if in vain.

        Else False: another process has it, or it can't be had; `issue` says why.
        """
        try:
            if not self._log.lock(wait=wait):
                return False
        except (OSError, SecureOTAError) as error:
            if wait:
                raise
            logger.debug("not now: %s", error)
            return False
        self._tip, self._floor = self._log.head, self._log.last_time
        return True

    def release(self) -> None:
        """Let others have the log; all that was made is settled."""
        if self._tip is not None:
            self._tip = None
            self._log.unlock()

    def issue(self, jobs: Sequence[Job]) -> Sequence[Reply]:
        """Answer jobs; every granted reply is in the log, on disk, when this returns."""
        try:
            self.hold(wait=True)
        except (OSError, SecureOTAError) as error:
            return _not_logged(jobs, error)
        problem: Exception | None = None
        try:
            # With a slow key, the time of the first would not do for the last.
            batches = [self.make([job]) for job in jobs]
            try:
                self.write(batches)
            except OSError as error:
                problem = error
            return [reply for batch in batches for reply in self.settle(batch, problem)]
        finally:
            self.release()

    def make(self, jobs: Sequence[Job]) -> Batch:
        """Answer jobs, by one look at the clock; `settle` says what may be handed out."""
        try:
            self._time = self._floor = self._gate.check(self._floor)
        except ClockDoubt as doubt:
            logger.error("no token: %s", doubt)  # noqa: TRY400 - a traceback says nothing here
            rejection = Reply(encode.rejection(TIME_NOT_AVAILABLE, str(doubt)))
            return Batch(jobs, [rejection] * len(jobs), None)
        now = self._time.timestamp()
        # All signatures, and then all checks: the tables for one push those of the other out of
        # the processor's cache.
        answers = [self._answer(job, now) for job in jobs]
        replies = [self._check(job, answer) for job, answer in zip(jobs, answers)]
        entries = [
            self._entry(job, reply.issued)
            for job, reply in zip(jobs, replies)
            if reply.issued is not None
        ]
        if not entries:
            return Batch(jobs, replies, None)
        lines = self._log.seal(entries, after=self._tip)
        self._tip = lines.head
        return Batch(jobs, replies, lines)

    def write(self, batches: Sequence[Batch]) -> None:
        """Put the lines of batches on disk, by one fsync.  OSError: no later batch may be written.

        What was made is to be settled with the error, and the log to be released.
        """
        lines = [batch.lines for batch in batches if batch.lines is not None]
        if lines:
            self._log.write(lines)

    def settle(self, batch: Batch, error: Exception | None) -> Sequence[Reply]:
        """Return what may be handed out of a batch that was written, or met an error: failures."""
        for job, reply in zip(batch.jobs, batch.replies):
            if reply.issued is not None:
                self._unsettled[job.caller.name] -= 1
        if error is not None:
            return _not_logged(batch.jobs, error)
        if batch.lines is not None:
            self._log.settle(batch.lines)
        return batch.replies

    def _answer(self, job: Job, now: float) -> Answer | Reply:
        wait = self._quotas.wait(job.caller, now, self._unsettled[job.caller.name])
        if wait:
            return Reply(b"", retry_after=wait)
        try:
            answer = self._tsa_for(job.policy).answer(job.request)
        except Exception as error:  # noqa: BLE001 - this caller gets no token, the others do
            return _no_token(error)
        if answer.signature:
            self._unsettled[job.caller.name] += 1
        return answer

    def _check(self, job: Job, answer: Answer | Reply) -> Reply:
        if isinstance(answer, Reply):
            return answer
        try:
            if self._checks:
                self._tsa.check(answer)
            return Reply(answer.response, read_reply(answer.response))
        except Exception as error:  # noqa: BLE001 - the same
            self._unsettled[job.caller.name] -= 1
            return _no_token(error)

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


def _not_logged(jobs: Sequence[object], error: Exception) -> Sequence[Reply]:
    logger.error("no token: the log can't be written: %s", error)
    return [_failure("the log of approvals can't be written")] * len(jobs)


def _no_token(error: Exception) -> Reply:
    if isinstance(error, SecureOTAError):
        logger.error("no token: %s", error)
        return _failure("the signing key can't be used")
    # A bug, or a token that was pulled out of its reader.
    logger.error("no token", exc_info=error)
    return _failure("the server failed")


def _failure(text: str) -> Reply:
    return Reply(encode.rejection(SYSTEM_FAILURE, text))
