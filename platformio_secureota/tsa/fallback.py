"""Several authorities: the first that answers.

Asked in order.  One that can't be reached, or answers with something that is no timestamp, is
given up with a warning, and the next is asked; where asking again can mend it (the connection,
HTTP 5xx and 429), it is first asked again, a few times.  An authority that says "not now"
(`timeNotAvailable`, `systemFailure`) counts as one that can't be reached.

One that has answered has answered.  A token that does not verify, or a refusal of what was asked,
is an error and is never covered up by asking somebody else: a wrong token means that something is
wrong there, and a "no" should not be shopped around.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Callable

from platformio_secureota import der, timestamp
from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.public_tsas import is_public_host
from platformio_secureota.tsa.client import DEFAULT_TIMEOUT, HttpTSA
from platformio_secureota.tsa.credentials import ClientCertificate, Credentials
from platformio_secureota.tsa.faults import Outage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TRIES = 3
"""How often an authority is asked before the next one is."""

FIRST_PAUSE = 0.5
"""Seconds between the first two tries; doubled for each further one."""

MAX_RETRY_AFTER = 10.0
"""Seconds that a server may ask us to wait.  One that wants more is given up."""

_NOT_NOW = (14, 25)
"""PKIFailureInfo bits timeNotAvailable and systemFailure (RFC 3161 2.4.2)."""


def _no_warning(text: str) -> None:
    del text


@dataclass(frozen=True)
class FallbackTSA:
    """Authorities in the order in which they are asked; at least one.

    `timestamp` takes at most the sum of their timeouts: each has its own for all of its tries.
    """

    authorities: tuple[HttpTSA, ...]
    warn: Callable[[str], None] = _no_warning
    """Is told about each authority that was given up."""
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def from_environment(
        cls,
        urls: Sequence[str],
        environ: Mapping[str, str],
        *,
        warn: Callable[[str], None],
        timeout: float = DEFAULT_TIMEOUT,
        ca_file: Path | None = None,
        proxy: str = "",
    ) -> FallbackTSA:
        """Make them with the credentials that the environment names.

        All get the same ones, except that known public services get none where they stand beside
        other authorities: theirs are the credentials.
        """
        credentials = Credentials.from_environment(environ)
        client_certificate = ClientCertificate.from_environment(environ)
        plain = [
            HttpTSA(url, timeout=timeout, ca_file=ca_file, proxy=proxy)
            for url in dict.fromkeys(urls)
        ]
        own = [tsa for tsa in plain if not is_public_host(tsa.host)] or plain
        authorities = [
            replace(tsa, credentials=credentials, client_certificate=client_certificate)
            if tsa in own
            else tsa
            for tsa in plain
        ]
        return cls(tuple(authorities), warn)

    @property
    def exposed_hosts(self) -> tuple[str, ...]:
        """Those that are asked without TLS, across a network: callers warn about it."""
        return tuple(tsa.host for tsa in self.authorities if tsa.is_exposed)

    @property
    def public_hosts(self) -> tuple[str, ...]:
        """Those that are known to stamp anything for anyone."""
        return tuple(tsa.host for tsa in self.authorities if is_public_host(tsa.host))

    def timestamp(self, request: bytes) -> bytes:
        """Answer of the first authority that has one; Unusable names every failure."""
        failures: list[Outage] = []
        for tsa in self.authorities:
            try:
                return self._ask(tsa, request)
            except Outage as failure:
                failures.append(failure)
            if tsa is not self.authorities[-1]:
                self.warn(f"{failures[-1].detail}; asking the next authority")
        if len(failures) == 1:
            raise failures[0]
        reasons = {failure.reason for failure in failures}
        reason = reasons.pop() if len(reasons) == 1 else Reason.TsaUnreachable
        hint = next((failure.hint for failure in failures if failure.hint), "")
        detail = "; ".join(failure.detail for failure in failures)
        raise Unusable(reason, f"none of {len(failures)}: {detail}", hint=hint)

    def _ask(self, tsa: HttpTSA, request: bytes) -> bytes:
        # One authority, until it answers, its tries are used up or its time is.
        end = time.monotonic() + tsa.timeout
        for number in range(1, TRIES + 1):
            left = max(end - time.monotonic(), 0.001)
            try:
                answer = replace(tsa, timeout=left).timestamp(request)
                _check_available(tsa, answer)
            except Outage as failure:
                pause = _pause_before(number + 1, failure)
                if pause is None or time.monotonic() + pause >= end:
                    raise _counted(failure, number) from failure
            else:
                return answer
            self.sleep(pause)
        raise AssertionError  # the last try returns or raises


def _pause_before(number: int, failure: Outage) -> float | None:
    # Seconds until the next try; None if there is none.
    if number > TRIES or not failure.mends:
        return None
    if failure.wait is not None:
        return failure.wait if failure.wait <= MAX_RETRY_AFTER else None
    # Many builds may have failed at the same moment: let them not come back at the same moment.
    jitter = random.uniform(0.5, 1.0)  # noqa: S311 - no secret
    return float(FIRST_PAUSE * 2 ** (number - 2) * jitter)


def _counted(failure: Outage, tries: int) -> Outage:
    detail = failure.detail
    if failure.wait is not None and failure.wait > MAX_RETRY_AFTER:
        detail += f", and asks to be left alone for {failure.wait:.0f} s"
    if tries > 1:
        detail += f", {tries} times"
    return Outage(failure.reason, detail, hint=failure.hint, mends=failure.mends, wait=failure.wait)


def _check_available(tsa: HttpTSA, answer: bytes) -> None:
    # Whatever can't be read here is for whoever verifies the answer to refuse.
    try:
        der.check(answer)
        response = timestamp.parse_response(answer)
    except Refused:
        return
    bits = int.from_bytes(response.fail_info, "big")
    size = 8 * len(response.fail_info)
    if response.token is None and any(
        bit < size and bits >> size - 1 - bit & 1 for bit in _NOT_NOW
    ):
        words = "; ".join(response.status_text) or "it gives no reason"
        raise Outage(Reason.NotGranted, f"{tsa.host}: no timestamps at this time ({words})")
