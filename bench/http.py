"""Issuing over HTTP, against the same server with a handler that does nothing.

Both are processes of their own with the same uvicorn settings, and are asked in turn, over
connections that stay open.  The peer reads the body and answers with a reply of the same size.
Ours knows its caller by a bearer token, verifies each signature before it goes out, and has each
token's line on disk first.  A ratio is the median of those of neighbouring turns; for the 99th
percentile it says how many times as short as the peer's ours is.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measurement import Measurement
from platformio_secureota import Rules, TrustAnchor, pki, verify_token
from platformio_secureota.timestamp import TimeStampReq
from platformio_secureota.tsa.local import LocalTSA
from platformio_secureota.tsa.server.chain import Head, seal
from platformio_secureota.tsa.server.clock import BUILD_DATE
from platformio_secureota.tsa.server.config import read_config
from platformio_secureota.tsa.server.credentials import hash_token
from platformio_secureota.tsa.server.log import encode_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from platformio_secureota.pki import SigningIdentity

BUILD = Path(__file__).resolve().parent.parent / "build" / "bench"
"""On the disk that the repository is on: a log in memory would cost nothing."""

CONNECTIONS = 32
ROUNDS = 11
SECONDS = 0.6
"""Of load on one server before the other one's turn: a busy moment hits both."""

SHORT_LOG, LONG_LOG = 10, 200_000
"""Lines in the log when the server starts."""

TOKEN = "sota_" + "b" * 43
POLICY = "1.3.6.1.4.1.99999.1"
NONCE = 0x5EC0_7A00_5EC0_7A00
DIGEST_SIZE = 32
BODY = TimeStampReq(bytes(range(DIGEST_SIZE)), nonce=NONCE).encode()
DIGEST_AT = BODY.index(bytes(range(DIGEST_SIZE)))

CONFIGURATION = """
[signer]
key = "key.pem"
check_signatures = {check}
[listen]
port = 0
[clock]
require_synchronised = false
[policies]
default = "{policy}"
[[caller]]
name = "ci"
bearer = ["{token}"]
policies = ["default"]
"""


def head() -> bytes:
    """Give the request's first lines, as a client sends them that keeps its connection."""
    lines = (
        "POST /timestamp HTTP/1.1",
        "Host: localhost",
        "User-Agent: bench",
        f"Authorization: Bearer {TOKEN}",
        "Content-Type: application/timestamp-query",
        f"Content-Length: {len(BODY)}",
    )
    return "\r\n".join((*lines, "", "")).encode()


def lay_out(folder: Path, identity: SigningIdentity, *, check: bool, lines: int) -> Path:
    """Make a server's folder, with a log of so many lines; return its configuration."""
    folder.mkdir()
    pki.write_pem(folder / "key.pem", identity)
    config = folder / "tsa.toml"
    text = CONFIGURATION.format(check=str(check).lower(), policy=POLICY, token=hash_token(TOKEN))
    config.write_text(text, "utf-8")
    config.chmod(0o600)
    before = Head()
    with (folder / "approvals.log").open("wb") as log:
        for number in range(lines):
            line, before = seal(before, _approval(number))
            log.write(line)
    (folder / "approvals.log").chmod(0o600)
    (folder / "approvals.log.head").write_bytes(encode_head(before))
    (folder / "approvals.log.head").chmod(0o600)
    return config


def _approval(number: int) -> dict[str, Any]:
    digest = f"{number:064x}"
    return {
        "time": f"{BUILD_DATE:%Y-%m-%dT%H:%M:%SZ}",
        "serial": f"{number:016x}",
        "imprint": digest,
        "policy": POLICY,
        "caller": "ci",
        "proof": "bearer",
        "certificate": digest,
        "token": digest,
    }


@dataclass(frozen=True)
class Slice:
    """What one turn of load found."""

    rate: float
    p99: float
    reply: bytes


class Target:
    """A server, and the load generator that asks it."""

    def __init__(self, load: subprocess.Popen[str]) -> None:
        """Ask by `load`."""
        self._load = load

    def run(self) -> Slice:
        """Load it for a while."""
        if self._load.stdin is None or self._load.stdout is None:
            raise RuntimeError(self._load.args)
        self._load.stdin.write(f"{SECONDS}\n")
        self._load.stdin.flush()
        line = self._load.stdout.readline()
        if not line:
            raise RuntimeError("the load generator ended")
        found = json.loads(line)
        return Slice(found["rate"], found["p99"], bytes.fromhex(found["reply"]))


@contextmanager
def started(folder: Path, *command: str) -> Iterator[Target]:
    """Start a server, and a load generator for the port that it says it has."""
    python, said = [sys.executable, "-m"], folder / "said"
    with said.open("wb") as log, subprocess.Popen([*python, *command], stderr=log) as server:
        try:
            load = [*python, "bench.load", _port(server, said), str(CONNECTIONS)]
            with subprocess.Popen(
                load, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as generator:
                try:
                    yield Target(generator)
                finally:
                    generator.terminate()
        finally:
            server.terminate()


def _port(server: subprocess.Popen[bytes], said: Path) -> str:
    while True:
        is_over = server.poll() is not None
        text = said.read_text("utf-8")
        match = re.search(r"running on http://[^:]+:(\d+)", text)
        if match:
            return match.group(1)
        if is_over:
            raise RuntimeError(f"the server did not start: {text}")
        time.sleep(0.01)


def serve_nothing(config: str, size: str) -> None:
    """Serve the peer: whatever comes, the same number of bytes goes back."""
    from platformio_secureota.tsa.server.run import serve  # noqa: PLC0415 - in the peer alone

    content = bytes(int(size))
    headers = [
        (b"content-type", b"application/timestamp-reply"),
        (b"content-length", size.encode()),
    ]

    async def application(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        if scope["type"] == "lifespan":
            while (await receive())["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        while (await receive()).get("more_body", False):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    serve(read_config(Path(config)), application)


def measure() -> list[Measurement]:
    """Rate and 99th percentile, with and without the check of each signature; two sizes of log."""
    identity = pki.generate("p256", policies=[POLICY])
    size = len(LocalTSA(identity).timestamp(BODY))
    serve_tsa = ("platformio_secureota", "tsa", "serve", "--config")
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as name, ExitStack() as stack:
        folder = Path(name)
        short = lay_out(folder / "short", identity, check=True, lines=SHORT_LOG)
        plain = lay_out(folder / "plain", identity, check=False, lines=SHORT_LOG)
        long = lay_out(folder / "long", identity, check=True, lines=LONG_LOG)
        peer = lay_out(folder / "peer", identity, check=True, lines=0)
        commands: list[tuple[str, ...]] = [("bench.http", str(peer), str(size))]
        commands += [(*serve_tsa, str(config)) for config in (short, plain, long)]
        folders = [config.parent for config in (peer, short, plain, long)]
        targets = [
            stack.enter_context(started(folder, *command))
            for folder, command in zip(folders, commands)
        ]
        rounds = [[target.run() for target in targets] for _ in range(ROUNDS)]
    anchors = [TrustAnchor.from_der(identity.anchor_der)]
    for nothing, *ours in rounds:
        if len(nothing.reply) != size:
            raise RuntimeError("the peer's reply has another size")
        for one in ours:
            verify_token(one.reply, anchors=anchors, rules=Rules(nonce=NONCE))
    return _compare(rounds)


def _compare(rounds: list[list[Slice]]) -> list[Measurement]:
    nothing, short, plain, long = zip(*rounds)
    peer, unchecked = "the same, doing nothing", "HTTP, signature not checked"
    return [
        _rates("HTTP", short, nothing, peer, 0.5),
        _waits("HTTP, p99", short, nothing, peer, 0.5),
        _rates(unchecked, plain, nothing, peer, 0.5),
        _waits(f"{unchecked}, p99", plain, nothing, peer, 0.5),
        _rates(f"HTTP, log of {LONG_LOG:,} lines", long, short, f"log of {SHORT_LOG}", 0.9),
    ]


def _rates(
    name: str, ours: Sequence[Slice], peers: Sequence[Slice], peer: str, goal: float
) -> Measurement:
    value, other = (statistics.median(one.rate for one in side) for side in (ours, peers))
    ratio = statistics.median(a.rate / b.rate for a, b in zip(ours, peers))
    return Measurement(name, value, "1/s", peer, other, goal, ratio)


def _waits(
    name: str, ours: Sequence[Slice], peers: Sequence[Slice], peer: str, goal: float
) -> Measurement:
    value, other = (statistics.median(one.p99 for one in side) * 1000 for side in (ours, peers))
    ratio = statistics.median(b.p99 / a.p99 for a, b in zip(ours, peers))
    return Measurement(name, value, "ms", peer, other, goal, ratio)


if __name__ == "__main__":
    serve_nothing(*sys.argv[1:])
