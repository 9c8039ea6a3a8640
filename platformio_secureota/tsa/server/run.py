"""Serving with uvicorn: TLS with client certificates, one worker or several."""

from __future__ import annotations

import logging
import os
import ssl
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.tsa.server import CONFIG_VARIABLE
from platformio_secureota.tsa.server.callers import PEER_CERTIFICATE

if TYPE_CHECKING:
    import asyncio

    from platformio_secureota.tsa.server.config import Config, Tls

MAX_CONNECTIONS = 1000

SWITCH_INTERVAL = 0.001
"""Seconds for which one thread may keep the interpreter while the log writer waits for it."""


class PeerCertificateProtocol(H11Protocol):
    """HTTP/1.1 that tells the application which client certificate the connection has.

    uvicorn has no word for it; what is in `app_state` gets into each request's scope as `state`.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the certificate that TLS has verified."""
        super().connection_made(transport)
        ssl_object = transport.get_extra_info("ssl_object")
        if ssl_object is not None:
            encoded = ssl_object.getpeercert(binary_form=True)
            if encoded:
                self.app_state = {**self.app_state, PEER_CERTIFICATE: encoded}


def serve(config: Config, app: Any, *, workers: int = 1) -> None:  # noqa: ANN401 - ASGI
    """Serve until told to stop.  With several workers, each makes its own `app`."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    if workers == 1:
        _run_one(uvicorn.Config(app, **settings_of(config)))
        return
    os.environ[CONFIG_VARIABLE] = str(config.path)
    with tempfile.TemporaryDirectory(prefix="secureota-tsa-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        factory = "platformio_secureota.tsa.server:create_app"
        uvicorn.run(factory, factory=True, workers=workers, **settings_of(config))


def settings_of(config: Config) -> dict[str, Any]:
    """Give uvicorn's settings for a configuration."""
    settings: dict[str, Any] = {
        "host": config.address,
        "port": config.port,
        "http": PeerCertificateProtocol,
        "ws": "none",
        "lifespan": "on",
        "log_config": _logging(config),
        "access_log": False,  # the endpoint writes its own, with the caller's name
        "proxy_headers": False,  # a client address is never taken from a header
        "server_header": False,
        "limit_concurrency": MAX_CONNECTIONS,
        "timeout_graceful_shutdown": 10,
    }
    if config.tls is not None:
        settings.update(_tls(config.tls))
    return settings


def _run_one(settings: uvicorn.Config) -> None:
    server = uvicorn.Server(settings)
    server.run()
    if not server.started:
        # uvicorn has said why.
        raise Unusable(Reason.Usage, "the server did not start")


def _tls(tls: Tls) -> dict[str, Any]:
    _check_tls(tls)
    return {
        "ssl_certfile": str(tls.certificate),
        "ssl_keyfile": str(tls.key),
        "ssl_ca_certs": None if tls.client_ca is None else str(tls.client_ca),
        # Other callers may show a token instead; a certificate that is shown is verified.
        "ssl_cert_reqs": ssl.CERT_NONE if tls.client_ca is None else ssl.CERT_OPTIONAL,
    }


def _check_tls(tls: Tls) -> None:
    """Load what uvicorn will load: it has no clear words, and OpenSSL would ask at the terminal."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for path in filter(None, (tls.certificate, tls.key, tls.client_ca)):
        if not path.is_file():
            raise Unusable(Reason.FileUnreadable, f"{path}: there is no such file")
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=lambda: _refuse_encrypted(tls))
    except OSError as cause:  # an SSLError is one
        detail = f"[tls]: {tls.certificate} and {tls.key} are no certificate and its key"
        raise Unusable(Reason.KeyUnusable, detail) from cause
    try:
        if tls.client_ca is not None:
            context.load_verify_locations(tls.client_ca)
    except OSError as cause:
        detail = f"{tls.client_ca}: there are no PEM certificates in it"
        raise Unusable(Reason.FileUnreadable, detail) from cause


def _refuse_encrypted(tls: Tls) -> str:
    hint = f"a server starts without a person: secureota key decrypt {tls.key}"
    raise Unusable(Reason.KeyUnusable, f"{tls.key}: the key is encrypted", hint=hint)


def _logging(config: Config) -> dict[str, Any]:
    # The service manager adds the time.
    mark = "ANONYMOUS " if config.anonymous is not None else ""
    logger = {"level": logging.INFO, "handlers": ["stderr"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": f"secureota tsa: {mark}%(levelname)s: %(message)s"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "plain",
                "stream": "ext://sys.stderr",
            }
        },
        "loggers": {"secureota.tsa": logger, "uvicorn": logger},
    }
