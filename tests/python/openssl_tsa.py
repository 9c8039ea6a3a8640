"""A timestamp authority that we did not write: OpenSSL's `ts -reply`, behind an HTTP server.

And a server that answers whatever a test wants, for the faults that OpenSSL doesn't make.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Callable

from cryptography.hazmat.primitives import serialization

from authorities import pem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platformio_secureota import pki

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]

_CONFIG = """
[tsa]
default_tsa = tsa_config
[tsa_config]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/signer.pem
certs = {folder}/chain.pem
signer_key = {folder}/key.pem
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
other_policies = 1.3.6.1.4.1.99999.2
digests = sha256
accuracy = secs:1, millisecs:500
ess_cert_id_chain = no
ess_cert_id_alg = {ess}
"""


class OpensslTsa:
    """Answers requests by running openssl; `ess` is "sha1" (its default) or "sha256"."""

    def __init__(self, folder: Path, identity: pki.SigningIdentity, *, ess: str = "sha1") -> None:
        self._folder = folder
        (folder / "serial").write_text("01\n")
        (folder / "signer.pem").write_bytes(pem(identity.certificate))
        (folder / "chain.pem").write_bytes(pem(identity.certificate, *identity.chain))
        key = identity.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (folder / "key.pem").write_bytes(key)
        (folder / "openssl.cnf").write_text(_CONFIG.format(folder=folder, ess=ess))

    def timestamp(self, request: bytes) -> bytes:
        query, reply = self._folder / "request.tsq", self._folder / "reply.tsr"
        query.write_bytes(request)
        command = ["openssl", "ts", "-reply", "-config", str(self._folder / "openssl.cnf")]
        command += ["-queryfile", str(query), "-out", str(reply)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return reply.read_bytes()

    def answer(self, handler: BaseHTTPRequestHandler, request: bytes) -> None:
        send(handler, self.timestamp(request))


def send(
    handler: BaseHTTPRequestHandler,
    body: bytes,
    *,
    status: int = 200,
    content_type: str = "application/timestamp-reply",
    **headers: str,
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        size = int(self.headers["Content-Length"])
        request = self.rfile.read(size)
        server.seen.append((self.path, dict(self.headers.items()), request))
        # A client that has seen enough hangs up.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            server.answer(self, request)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep quiet."""


class Server(ThreadingHTTPServer):
    """An HTTP server on loopback that gives every POST to `answer`."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.seen: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/timestamp"


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[Server]:
    with Server(answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
