"""kill -9 at random moments under load: no token without its line, and the chain stays whole.

SECUREOTA_TSA_KILLS says how many times; 20 unless it does.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Callable

import pytest
import requests

from platformio_secureota.timestamp import TimeStampReq, parse_response
from tsa_server import QUERY, TOKEN, Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KILLS = int(os.environ.get("SECUREOTA_TSA_KILLS", "20"))
CLIENTS = 4


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`secureota tsa serve` as a process of its own."""

    def __init__(self, folder: Path, port: int, *options: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        command = [sys.executable, "-m", "platformio_secureota", "tsa", "serve"]
        command += ["--config", str(folder / "tsa.toml"), *options]
        self.errors = (folder / "stderr").open("ab")
        self.process = subprocess.Popen(
            command, stderr=self.errors, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def wait(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            assert self.process.poll() is None, "the server did not start"
            assert time.monotonic() < deadline
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self._port), 1),
            ):
                return
            time.sleep(0.01)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)
        self.process.wait(20)
        self.errors.close()


@contextlib.contextmanager
def clients(
    url: str, count: int, tokens: list[bytes], connection: str = "keep-alive"
) -> Iterator[None]:
    """Ask from `count` threads, and keep every whole reply in `tokens`."""
    stop = threading.Event()

    def ask() -> None:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": QUERY}
        headers["Connection"] = connection
        with requests.Session() as session:
            session.trust_env = False
            while not stop.is_set():
                request = TimeStampReq(os.urandom(32), nonce=random.getrandbits(60)).encode()
                try:
                    reply = session.post(f"{url}/timestamp", request, headers=headers, timeout=5)
                except requests.RequestException:
                    time.sleep(0.005)
                    continue
                if reply.status_code == 200 and parse_response(reply.content).token:
                    tokens.append(reply.content)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def site(tmp_path: Path) -> tuple[Site, int]:
    port = free_port()
    site = Site.make(tmp_path)
    text = (tmp_path / "tsa.toml").read_text().replace("port = 0", f"port = {port}")
    (tmp_path / "tsa.toml").write_text(text)
    return site, port


@pytest.mark.timeout(120 + 5 * KILLS)
def test_killed_under_load(site: tuple[Site, int], report_line: Callable[[str], None]) -> None:
    company, port = site
    tokens: list[bytes] = []
    with clients(f"http://127.0.0.1:{port}", CLIENTS, tokens):
        for _ in range(KILLS):
            server = Server(company.folder, port)
            try:
                server.wait()
                before = len(tokens)
                wait_until(lambda: len(tokens) > before)  # noqa: B023 - called at once
                time.sleep(random.uniform(0, 0.2))  # noqa: S311 - any moment will do
            finally:
                server.kill()
    # The last torn line is put on record by the next start.
    server = Server(company.folder, port)
    server.wait()
    server.kill(signal.SIGTERM)

    records = company.records()
    logged = {record["token"] for record in records}
    handed_out = {hashlib.sha256(token).hexdigest() for token in tokens}
    assert handed_out <= logged
    assert len(handed_out) >= KILLS
    serials = [record["serial"] for record in records]
    assert len(set(serials)) == len(serials)
    times = [record["time"] for record in records]
    assert times == sorted(times)
    torn = sum(len(note["lines"]) for note in company.torn())
    unsent = len(logged) - len(handed_out)
    report_line(
        f"TSA killed {KILLS} times: {len(handed_out)} tokens, each in the log; "
        f"{unsent} lines whose token nobody got, {torn} torn lines on record"
    )


@pytest.mark.timeout(60)
def test_two_workers(site: tuple[Site, int]) -> None:
    company, port = site
    tokens: list[bytes] = []
    server = Server(company.folder, port, "--workers", "2")
    try:
        server.wait()
        # Each request on a new connection: whichever worker is free takes it.
        with clients(server.url, 6, tokens, "close"):
            wait_until(lambda: len(tokens) > 300)
        metrics = requests.get(f"{server.url}/metrics", timeout=10).text
    finally:
        server.kill(signal.SIGTERM)
    records = company.records()
    assert {record["token"] for record in records} == {
        hashlib.sha256(token).hexdigest() for token in tokens
    }
    serials = [record["serial"] for record in records]
    assert len(set(serials)) == len(serials) == len(tokens)
    times = [record["time"] for record in records]
    assert times == sorted(times)
    # Both together, whichever worker is asked.
    assert f'secureota_tsa_requests_total{{outcome="granted"}} {float(len(tokens))}' in metrics
    assert f"secureota_tsa_log_records {float(len(tokens))}" in metrics
    started = (company.folder / "stderr").read_text().count("Application startup complete")
    assert started == 2
