"""Pages beside the endpoint: for people, monitors, and who wants the certificates."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Callable

from cryptography.hazmat.primitives.serialization import Encoding
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from platformio_secureota.tsa.server import startup, status_page
from platformio_secureota.tsa.server.callers import is_local
from platformio_secureota.tsa.server.clock import ClockDoubt

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.requests import Request

    from platformio_secureota.identity import SigningIdentity
    from platformio_secureota.tsa.server.callers import Known
    from platformio_secureota.tsa.server.chain import Head
    from platformio_secureota.tsa.server.clock import ClockGate
    from platformio_secureota.tsa.server.config import Config
    from platformio_secureota.tsa.server.line import Line
    from platformio_secureota.tsa.server.log import ApprovalLog
    from platformio_secureota.tsa.server.metrics import Metrics

HEALTH_SECONDS = 2.0
"""How long a test signature stands for the next askers: asking must not cost a signature each."""

_FORBIDDEN = PlainTextResponse(
    "for this machine, and for callers with `pages = true`\n", status_code=403
)


class Pages:
    """Handlers of GET requests."""

    def __init__(
        self,
        config: Config,
        identity: SigningIdentity,
        *,
        line: Line,
        log: ApprovalLog,
        gate: ClockGate,
        metrics: Metrics,
        identify: Callable[[Any], Awaitable[Known]],
    ) -> None:
        """Show these; `identify` finds the caller of a request from another machine."""
        self._config = config
        self._identity = identity
        self._line = line
        self._log = log
        self._gate = gate
        self._metrics = metrics
        self._identify = identify
        self._health: tuple[float, dict[str, str]] = (-HEALTH_SECONDS, {})

    async def health(self, _request: Request) -> Response:
        """`GET /healthz`: a test signature, the log and the clock; 503 if one of them is not good.

        The signature is over what can't be a token, stays here, and is no approval in the log.
        """
        moment, found = self._health
        if time.monotonic() - moment >= HEALTH_SECONDS:
            found = await self._in_line(self._examine)
            self._health = (time.monotonic(), found)
        is_good = set(found.values()) == {"good"}
        return JSONResponse(found, status_code=200 if is_good else 503)

    async def metrics(self, request: Request) -> Response:
        """`GET /metrics`."""
        if not await self._may_read(request):
            return _FORBIDDEN
        clock = await self._in_line(self._clock)
        head = await self._in_line(self._head)
        body = self._metrics.write(head, clock_is_good=clock == "good")
        return Response(body, media_type="text/plain; version=0.0.4")

    async def certificates(self, _request: Request) -> Response:
        """`GET /certs`: the signer's certificate and its chain, PEM."""
        chain = (self._identity.certificate, *self._identity.chain)
        pem = b"".join(one.public_bytes(Encoding.PEM) for one in chain)
        return Response(pem, media_type="application/x-pem-file")

    async def status(self, request: Request) -> Response:
        """`GET /`: for a person."""
        if not await self._may_read(request):
            return _FORBIDDEN
        clock = await self._in_line(self._clock)
        head = await self._in_line(self._head)
        page = await run_in_threadpool(
            status_page.render, self._config, self._identity, clock=clock, head=head
        )
        return HTMLResponse(page, headers=status_page.HEADERS)

    async def _in_line(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it returns
        # The key, the log and the gate belong to whoever is at the head of the line.
        return await self._line.submit(work)

    async def _may_read(self, request: Request) -> bool:
        if is_local(request.scope):
            return True
        try:
            known = await self._identify(request.scope)
        except Exception:  # noqa: BLE001 - whoever it is, it is nobody who may
            return False
        return known.caller.pages

    def _examine(self) -> dict[str, str]:
        return {"key": self._key(), "clock": self._clock(), "log": self._log_state()}

    def _key(self) -> str:
        try:
            startup.prove_key(self._identity)
        except Exception as error:  # noqa: BLE001 - a device may raise anything; it is reported
            return f"no signature: {type(error).__name__}"
        return "good"

    def _clock(self) -> str:
        try:
            self._gate.check(self._log.last_time)
        except ClockDoubt as doubt:
            return str(doubt)
        return "good"

    def _log_state(self) -> str:
        try:
            self._log.refresh()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it is the answer
            return str(error)
        return "good"

    def _head(self) -> Head:
        try:
            return self._log.refresh()
        except Exception:  # noqa: BLE001 - /healthz says what is wrong; this is the last known
            return self._log.head
