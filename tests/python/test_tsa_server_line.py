"""Many requests at once: who waits, who is asked to come back, and what a stuck disk does."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Callable

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from platformio_secureota import pki, verify_token
from platformio_secureota.timestamp import TimeStampReq
from platformio_secureota.tsa.server import endpoint, line
from platformio_secureota.tsa.server.credentials import hash_password
from tsa_server import CI, QUERY, TOKEN, Running, Site, fail_info, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SYSTEM_FAILURE = 25


class Disk:
    """fsync that waits for us, and may fail then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.may_end, self.fails = threading.Event(), threading.Event(), False
        real = os.fsync

        def fsync(descriptor: int) -> None:
            self.begun.set()
            assert self.may_end.wait(20)
            if self.fails:
                raise OSError(5, "Input/output error")
            real(descriptor)

        monkeypatch.setattr(os, "fsync", fsync)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        yield pool


def post(server: Running, number: int = 0, **headers: str) -> requests.Response:
    """Post on a connection of its own."""
    body = TimeStampReq(number.to_bytes(32, "big"), nonce=number).encode()
    sent = {"Content-Type": QUERY, "Authorization": f"Bearer {TOKEN}", **headers}
    return requests.post(server.url, data=body, headers=sent, timeout=30)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_many_at_once(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    site = Site.make(tmp_path)
    with running(site) as server:
        replies = list(pool.map(lambda number: post(server, number), range(200)))
    assert [fail_info(reply) for reply in replies] == [-1] * 200
    tokens = {hashlib.sha256(reply.content).hexdigest() for reply in replies}
    assert {record["token"] for record in site.records()} == tokens
    for number, reply in enumerate(replies):
        found = verify_token(reply.content, anchors=site.anchors)
        assert found.image_digest == number.to_bytes(32, "big")


@pytest.mark.parametrize("kind", ["rsa2048", "p384"])
def test_slow_keys_sign_in_the_thread(tmp_path: Path, pool: ThreadPoolExecutor, kind: str) -> None:
    site = Site.make(tmp_path)
    pki.write_pem(tmp_path / "key.pem", pki.generate(kind), replace=True)
    with running(site) as server:
        replies = list(pool.map(lambda number: post(server, number), range(20)))
    assert [fail_info(reply) for reply in replies] == [-1] * 20
    assert len(site.records()) == 20


def test_too_many_wait(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site.make(tmp_path)
    monkeypatch.setattr(line, "MAX_WAITING", 4)
    monkeypatch.setattr(line, "MAX_HELD", 0)
    with running(site) as server:
        disk = Disk(monkeypatch)
        first = pool.submit(post, server)
        assert disk.begun.wait(10)
        others = [pool.submit(post, server, number) for number in range(1, 11)]
        wait_until(lambda: sum(other.done() for other in others) == 6)
        turned_away = [other.result() for other in others if other.done()]
        assert [reply.status_code for reply in turned_away] == [429] * 6
        assert {reply.headers["Retry-After"] for reply in turned_away} == {"1"}
        disk.may_end.set()
        waited = [other.result() for other in others if other.result() not in turned_away]
        assert [fail_info(reply) for reply in (first.result(), *waited)] == [-1] * 5
        assert fail_info(server.post()) == -1
    assert len(site.records()) == 6


def test_too_many_passwords(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who guesses passwords gets in nobody's way, and has to wait."""
    hashed = hash_password(b"secret")
    site = Site.make(
        tmp_path, f'{CI}[[caller]]\nname="p"\npassword="{hashed}"\npolicies=["production"]\n'
    )
    real, may_end = hashlib.scrypt, threading.Event()

    def scrypt(*args: Any, **options: Any) -> bytes:
        assert may_end.wait(20)
        return real(*args, **options)

    monkeypatch.setattr(hashlib, "scrypt", scrypt)
    with running(site) as server:
        many = endpoint.MAX_PASSWORDS + 4
        guesses = [
            pool.submit(post, server, Authorization=f"Basic cDo{number:05d}=")
            for number in range(many)
        ]
        wait_until(lambda: sum(guess.done() for guess in guesses) == 4)
        turned_away = [guess.result() for guess in guesses if guess.done()]
        assert [reply.status_code for reply in turned_away] == [429] * 4
        assert {reply.headers["Retry-After"] for reply in turned_away} == {"1"}
        assert fail_info(server.post()) == -1
        may_end.set()
        statuses = sorted(guess.result().status_code for guess in guesses)
        assert statuses == [401] * endpoint.MAX_PASSWORDS + [429] * 4


def test_what_comes_behind_a_disk_error_is_not_written(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site.make(tmp_path)
    monkeypatch.setattr(line, "MAX_HELD", 60)
    with running(site) as server:
        disk = Disk(monkeypatch)
        first = pool.submit(post, server, 1)
        assert disk.begun.wait(10)
        # Made while the disk is at the first, whose line is before theirs in the chain.
        others = [pool.submit(post, server, number) for number in (2, 3, 4)]
        time.sleep(0.1)
        disk.fails = True
        disk.may_end.set()
        assert {fail_info(one.result()) for one in (first, *others)} == {SYSTEM_FAILURE}
    imprints = [int(record["imprint"], 16) for record in site.records()]
    assert imprints == [1], "approved, and never handed out"


def test_the_log_is_let_go_under_load(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """Another process gets its turn, and the server waits for it; then all goes on."""
    site = Site.make(tmp_path)
    stop = threading.Event()

    def ask(server: Running) -> int:
        count = 0
        while not stop.is_set():
            assert fail_info(post(server, count)) == -1
            count += 1
        return count

    with running(site) as server:
        clients = [pool.submit(ask, server) for _ in range(8)]
        try:
            for _ in range(10):
                with (tmp_path / "approvals.log").open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX)
                    size = os.fstat(file.fileno()).st_size
                    time.sleep(0.02)
                    assert os.fstat(file.fileno()).st_size == size
        finally:
            stop.set()
        count = sum(client.result() for client in clients)
    assert len(site.records()) == count


@pytest.mark.parametrize("checks", [True, False])
def test_a_wrong_signature_does_not_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, checks: bool
) -> None:
    site = Site.make(tmp_path)
    path = tmp_path / "tsa.toml"
    wanted = f"[signer]\ncheck_signatures = {str(checks).lower()}\n"
    path.write_text(path.read_text().replace("[signer]\n", wanted))
    with running(site) as server:
        assert fail_info(server.post()) == -1
        other = pki.generate().key
        signing = property(lambda _tsa: lambda data: other.sign(data, ec.ECDSA(hashes.SHA256())))
        monkeypatch.setattr("platformio_secureota.tsa.local.LocalTSA._signing", signing)
        assert fail_info(server.post()) == (SYSTEM_FAILURE if checks else -1)
        monkeypatch.undo()
        assert fail_info(server.post()) == -1
    assert len(site.records()) == (2 if checks else 3)
