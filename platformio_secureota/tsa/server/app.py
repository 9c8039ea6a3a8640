"""The ASGI application: routes, and what lives as long as the process."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from typing import TYPE_CHECKING, Any, Callable

from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.routing import Route

from platformio_secureota.tsa.server import startup
from platformio_secureota.tsa.server.callers import Callers, Scope
from platformio_secureota.tsa.server.clock import ClockGate, Clocks
from platformio_secureota.tsa.server.endpoint import TimestampEndpoint
from platformio_secureota.tsa.server.issuer import Issuer
from platformio_secureota.tsa.server.line import Line
from platformio_secureota.tsa.server.log import ApprovalLog
from platformio_secureota.tsa.server.metrics import Metrics
from platformio_secureota.tsa.server.pages import Pages
from platformio_secureota.tsa.server.quota import DAY, Quotas

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from platformio_secureota.identity import SigningIdentity
    from platformio_secureota.tsa.server.config import Config

    Application = Callable[[Scope, Any, Any], Awaitable[None]]
    """ASGI's."""

logger = logging.getLogger("secureota.tsa")


def make_app(
    config: Config, *, passphrase: bytes | None = None, clocks: Clocks | None = None
) -> Application:
    """Check everything and make the application; Refused or Unusable if it must not start.

    Key, log and threads are opened when serving begins, in the process that serves.
    """
    identity = startup.load_signer(config, passphrase=passphrase)
    startup.check(config, identity)
    quotas = Quotas(config.callers)
    has_quotas = any(caller.per_minute or caller.per_day for caller in config.callers)
    gate = ClockGate(
        require_synchronised=config.require_synchronised, max_step=config.max_step, clocks=clocks
    )
    log = ApprovalLog(
        config.log,
        config.head,
        seen=quotas.note,
        reach=dt.datetime.now(dt.timezone.utc) - dt.timedelta(seconds=DAY) if has_quotas else None,
    )
    issuer = Issuer(
        identity,
        log=log,
        gate=gate,
        quotas=quotas,
        check_signatures=config.check_signatures,
        fraction_digits=config.fraction_digits,
    )
    metrics = Metrics()
    line = Line(issuer, signs_quickly=_signs_quickly(config, identity))
    endpoint = TimestampEndpoint(line, Callers(config), metrics)
    pages = Pages(
        config,
        identity,
        line=line,
        log=log,
        gate=gate,
        metrics=metrics,
        identify=endpoint.identify,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        line.start()
        if config.anonymous is not None:
            logger.warning("anonymous: anybody on this machine gets tokens; for play alone")
        try:
            yield
        finally:
            line.stop()

    pages_and_life = Starlette(
        routes=[
            Route("/", pages.status, methods=["GET"]),
            Route("/healthz", pages.health, methods=["GET"]),
            Route("/metrics", pages.metrics, methods=["GET"]),
            Route("/certs", pages.certificates, methods=["GET"]),
        ],
        lifespan=lifespan,
    )

    async def application(scope: Scope, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        # Past the framework's layers: what they take is a good part of a whole request.
        is_request = scope["type"] == "http" and scope["path"] == "/timestamp"
        await (endpoint if is_request else pages_and_life)(scope, receive, send)

    return application


def _signs_quickly(config: Config, identity: SigningIdentity) -> bool:
    # P-256 in this process: some 0.1 ms with its check.  Any other key takes a multiple.
    key = identity.key
    is_p256 = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    return is_p256 and not config.key.startswith("pkcs11:")
