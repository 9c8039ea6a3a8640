"""The endpoint for requests (RFC 3161 3.4): HTTP's part of it, before anybody signs."""

from __future__ import annotations

import asyncio
import logging
import queue
import time
from typing import TYPE_CHECKING, Any

from platformio_secureota.errors import Refused
from platformio_secureota.timestamp import parse_response
from platformio_secureota.tsa import encode
from platformio_secureota.tsa.request import read_request
from platformio_secureota.tsa.server.callers import Callers, Known, NotKnown, Scope, Undecided
from platformio_secureota.tsa.server.issuer import Job, Reply
from platformio_secureota.tsa.server.metrics import GRANTED, Metrics

if TYPE_CHECKING:
    from platformio_secureota.tsa.server.line import Line

logger = logging.getLogger("secureota.tsa")

REQUEST_TYPE, REPLY_TYPE = b"application/timestamp-query", b"application/timestamp-reply"

MAX_REQUEST = 4096
"""Bytes; a request has some 70, with a policy and a long nonce 120."""

MAX_BODY_SECONDS = 10.0
"""For the body to come."""

MAX_PASSWORDS = 8
"""Passwords that may wait to be computed; guessing must not take the machine."""

_BAD_DATA_FORMAT, _UNACCEPTED_POLICY = 5, 15

_FAIL_INFO = {
    0: "badAlg",
    2: "badRequest",
    5: "badDataFormat",
    14: "timeNotAvailable",
    15: "unacceptedPolicy",
    16: "unacceptedExtension",
    25: "systemFailure",
}


class _Fault(Exception):
    """A fault of the transport, by HTTP status."""

    def __init__(self, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers


class TimestampEndpoint:
    """An ASGI application for one path."""

    def __init__(self, line: Line, callers: Callers, metrics: Metrics) -> None:
        """Put in `line` what `callers` may have."""
        self._line = line
        self._callers = callers
        self._metrics = metrics
        self._passwords = 0
        self._patience = Patience()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Answer one request."""
        begin = time.perf_counter()
        who = "nobody"
        try:
            known = await self.identify(scope)
            who = f"{known.caller.name} ({known.proof})"
            _check_headers(scope)
            reply = await self._answer(await self._patience.read(receive), known)
            status, headers, content = 200, [(b"content-type", REPLY_TYPE)], reply.body
            outcome = _outcome(reply)
        except _Fault as fault:
            status, headers, content = _show(fault)
            outcome = str(status)
        self._metrics.count(outcome, time.perf_counter() - begin)
        # Approvals have their own log; a line for each here would cost as much as the signature.
        level = logging.DEBUG if outcome == GRANTED else logging.INFO
        logger.log(level, "%s: %s", who, outcome)
        headers.append((b"content-length", b"%d" % len(content)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def identify(self, scope: Scope) -> Known:
        """Find the caller; _Fault says why not."""
        try:
            try:
                return self._callers.find(scope)
            except Undecided as undecided:
                await self._compute(undecided.secret)
                return self._callers.find(scope, password_checked=True)
        except NotKnown as error:
            challenges: list[tuple[bytes, bytes]] = []
            if error.status == 401:  # noqa: PLR2004 - HTTP's own number
                challenges = [
                    (b"www-authenticate", text.encode()) for text in self._callers.challenges
                ]
            raise _Fault(error.status, str(error), *challenges) from None

    async def _compute(self, secret: bytes) -> None:
        if self._passwords >= MAX_PASSWORDS:
            raise _Fault(429, "too many passwords at once", (b"retry-after", b"1"))
        self._passwords += 1
        try:
            await asyncio.to_thread(self._callers.check_password, secret)
        finally:
            self._passwords -= 1

    async def _answer(self, body: bytes, known: Known) -> Reply:
        try:
            request = read_request(body)
        except Refused as refusal:
            return Reply(encode.rejection(_BAD_DATA_FORMAT, str(refusal)))
        caller = known.caller
        policy = request.policy or caller.policies[0]
        if policy not in caller.policies:
            text = f"{caller.name} may not have policy {policy}"
            return Reply(encode.rejection(_UNACCEPTED_POLICY, text))
        try:
            future = self._line.submit(Job(request, caller, known.proof, policy))
        except queue.Full:
            raise _Fault(429, "too many requests wait", (b"retry-after", b"1")) from None
        reply: Reply = await future
        if reply.retry_after:
            retry = (b"retry-after", b"%d" % reply.retry_after)
            raise _Fault(429, "the caller's quota is used up", retry)
        return reply


def _check_headers(scope: Scope) -> None:
    if scope["method"] != "POST":
        raise _Fault(405, "a timestamp request is a POST", (b"allow", b"POST"))
    headers = dict(scope["headers"])
    content_type = headers.get(b"content-type", b"")
    if content_type.partition(b";")[0].strip().lower() != REQUEST_TYPE:
        raise _Fault(415, f"the content type must be {REQUEST_TYPE.decode()}")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise _Fault(415, "no content encoding is known")
    length = headers.get(b"content-length", b"")
    if not length.isdigit():
        raise _Fault(411, "the length must be given")
    if int(length) > MAX_REQUEST:
        raise _Fault(413, f"a request has at most {MAX_REQUEST} bytes")
    if int(length) == 0:
        raise _Fault(400, "the request is empty")


class Patience:
    """Reads bodies, each within MAX_BODY_SECONDS.

    As asyncio.timeout would, but with one timer for all of them: nearly every body is there
    already, and a timer of its own would cost more than reading it.
    """

    def __init__(self) -> None:
        """Wait for nothing yet."""
        self._deadlines: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._is_timed = False

    async def read(self, receive: Any) -> bytes:  # noqa: ANN401 - ASGI
        """Return the body; _Fault if it does not come, or is too long."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self._deadlines[task] = time.monotonic() + MAX_BODY_SECONDS
        if not self._is_timed:
            self._is_timed = True
            asyncio.get_running_loop().call_later(MAX_BODY_SECONDS, self._look)
        try:
            return await _read(receive)
        except asyncio.CancelledError:
            if task in self._late:
                raise _Fault(408, "the request did not come") from None
            raise
        finally:
            del self._deadlines[task]
            self._late.discard(task)

    def _look(self) -> None:
        # In the order of the dictionary, which is that of the deadlines.
        now = time.monotonic()
        for task, deadline in self._deadlines.items():
            if deadline > now:
                asyncio.get_running_loop().call_later(deadline - now, self._look)
                return
            if task not in self._late:
                self._late.add(task)
                task.cancel()
        self._is_timed = False


async def _read(receive: Any) -> bytes:  # noqa: ANN401 - ASGI
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Fault(400, "the request ended early")
        body += message.get("body", b"")
        if len(body) > MAX_REQUEST:
            raise _Fault(413, f"a request has at most {MAX_REQUEST} bytes")
        if not message.get("more_body", False):
            return bytes(body)


def _show(fault: _Fault) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *fault.headers]
    # What was not read of a body would be taken for the next request.
    return fault.status, [*headers, (b"connection", b"close")], f"{fault}\n".encode()


def _outcome(reply: Reply) -> str:
    if reply.issued is not None:
        return GRANTED
    octets = parse_response(reply.body).fail_info
    bit = next((n for n in range(8 * len(octets)) if octets[n // 8] & (0x80 >> n % 8)), -1)
    return _FAIL_INFO.get(bit, f"failInfo {bit}")
