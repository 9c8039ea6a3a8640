"""Our timestamp server in this process, on a real socket."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
import uvicorn

from authorities import Company, anchor_of, pem
from platformio_secureota import TrustAnchor, pki
from platformio_secureota.timestamp import TimeStampReq, parse_response
from platformio_secureota.tsa.server.app import make_app
from platformio_secureota.tsa.server.audit import read_log
from platformio_secureota.tsa.server.config import Config, read_config
from platformio_secureota.tsa.server.credentials import hash_token
from platformio_secureota.tsa.server.run import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platformio_secureota.tsa.server.clock import Clocks

PRODUCTION, PILOT = "1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.2"
TOKEN = "sota_" + "t" * 40
DIGEST = bytes(range(32))
REQUEST = TimeStampReq(DIGEST, nonce=7).encode()
QUERY = "application/timestamp-query"

CI = f"""
[[caller]]
name = "ci"
bearer = ["{hash_token(TOKEN)}"]
policies = ["production"]
"""


@dataclass(frozen=True)
class Site:
    """A folder with a company's signer and a configuration."""

    folder: Path
    company: Company = field(default_factory=Company.make)

    @classmethod
    def make(cls, folder: Path, callers: str = CI, more: str = "", **clock: Any) -> Site:
        site = cls(folder)
        pki.write_pem(folder / "key.pem", site.company.signer)
        site.configure(callers, more, **clock)
        return site

    def configure(
        self, callers: str = CI, more: str = "", *, synchronised: bool = False, listen: str = ""
    ) -> None:
        path = self.folder / "tsa.toml"
        path.write_text(
            f"""
[signer]
key = "key.pem"
[listen]
port = 0
{listen}
[clock]
require_synchronised = {str(synchronised).lower()}
[policies]
production = "{PRODUCTION}"
pilot = "{PILOT}"
{callers}
{more}
"""
        )
        path.chmod(0o600)

    @property
    def config(self) -> Config:
        return read_config(self.folder / "tsa.toml")

    @property
    def anchors(self) -> list[TrustAnchor]:
        return [anchor_of(self.company.root.certificate)]

    @property
    def anchor_file(self) -> Path:
        path = self.folder / "root.pem"
        path.write_bytes(pem(self.company.root.certificate))
        return path

    def records(self) -> list[dict[str, Any]]:
        """The log's approvals; raises unless its chain is whole."""
        return [dict(r.values) for r in read_log(self.config.log) if r.is_approval]

    def torn(self) -> list[dict[str, Any]]:
        return [dict(r.values) for r in read_log(self.config.log) if not r.is_approval]


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    base: str
    session: requests.Session

    @property
    def url(self) -> str:
        return f"{self.base}/timestamp"

    def post(
        self, body: bytes = REQUEST, *, token: str = TOKEN, **headers: str
    ) -> requests.Response:
        sent = {"Content-Type": QUERY}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        return self.session.post(self.url, data=body, headers=sent, timeout=10)

    def get(self, path: str, **headers: str) -> requests.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.get(self.base + path, headers=sent, timeout=10)


def fail_info(response: requests.Response) -> int:
    """The PKIFailureInfo bit of a rejection, which has exactly one; -1 for a granted reply."""
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/timestamp-reply"
    parsed = parse_response(response.content)
    if parsed.token is not None:
        assert parsed.status == 0
        return -1
    assert parsed.status == 2
    bits = [n for n in range(32) if parsed.fail_info.ljust(4, b"\0")[n // 8] & (0x80 >> n % 8)]
    assert len(bits) == 1
    return bits[0]


@contextlib.contextmanager
def running(site: Site, clocks: Clocks | None = None) -> Iterator[Running]:
    config = site.config
    app = make_app(config, clocks=clocks)
    settings = {**settings_of(config), "log_config": None}
    server = uvicorn.Server(uvicorn.Config(app, **settings))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        scheme = "http" if config.tls is None else "https"
        with requests.Session() as session:
            session.trust_env = False
            yield Running(f"{scheme}://localhost:{port}", session)
    finally:
        # Clients that keep their connections would be waited for.
        for connection in list(server.server_state.connections):
            connection.loop.call_soon_threadsafe(connection.transport.abort)
        server.should_exit = True
        thread.join(15)
        assert not thread.is_alive()
