"""Authorities whose keys are in a token: one of a company's, and the timestamp server's signer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

import softhsm
from command_line import Shell
from platformio_secureota import verify_token
from platformio_secureota.anchors import read_anchors
from softhsm import PIN, SoftHsm
from tsa_server import DIGEST, QUERY, REQUEST, TOKEN, Site, fail_info, running

if TYPE_CHECKING:
    from collections.abc import Iterator

SYSTEM_FAILURE = 25

softhsm_or_skip = pytest.fixture(scope="module", autouse=True)(softhsm.need_softhsm)


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    """A token "card" in reach."""
    made = SoftHsm.make(tmp_path / "softhsm")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SECUREOTA_PKCS11_MODULE", softhsm.MODULE)
    made.token("card")
    softhsm.start_again()
    yield made
    softhsm.start_again()


@pytest.fixture
def shell(
    card: SoftHsm,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Shell:
    assert card.tokens()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECUREOTA_PKCS11_PIN", PIN)
    monkeypatch.delenv("SECUREOTA_KEY_PASSPHRASE", raising=False)
    Path("firmware.bin").write_bytes(b"firmware")
    return Shell(tmp_path, capsys)


def run(shell: Shell, *words: object) -> str:
    outcome = shell(*words)
    assert outcome.status == 0, outcome
    assert PIN not in outcome.out + outcome.err
    return outcome.out


def make_key(shell: Shell, name: str) -> str:
    key = f"pkcs11:token=card;object={name}"
    run(shell, "hsm", "keygen", key, "--name", name, "--certificate-out", f"{name}-own.pem")
    return key


def test_an_authority_certifies_with_its_key_in_a_token(shell: Shell) -> None:
    key = make_key(shell, "production")
    run(shell, "pki", "root", "myCorp")
    run(shell, "pki", "request", "production", "--key", key, "-o", "production.req")
    under = ("--under", "myCorp", "--request", "production.req", "--yes")
    run(shell, "pki", "intermediate", "production", *under)
    assert not Path("pki/myCorp/production/key.pem").exists()

    run(shell, "pki", "signer", "Fred", "--under", "production", "--issuer-key", key)
    fred = "pki/myCorp/production/Fred/key.pem"
    anchor = ("--anchor", "pki/myCorp/certificate.pem")
    run(shell, "sign", "firmware.bin", "--key", fred, *anchor, "-o", "signed.bin")
    assert run(shell, "verify", *anchor, "signed.bin").splitlines()[-1].startswith("accepted: ")


def test_another_key_of_the_token_certifies_nothing(shell: Shell) -> None:
    other = make_key(shell, "other")
    run(shell, "pki", "root", "myCorp")
    outcome = shell("pki", "signer", "Fred", "--under", "myCorp", "--issuer-key", other)
    assert outcome.status == 2
    assert "KeyUnusable" in outcome.err
    assert not Path("pki/myCorp/Fred").exists()


def site_with_token(folder: Path) -> Site:
    """A server's folder, whose key is in the token under "tsa"."""
    site = Site.make(folder)
    pin = folder / "pin"
    pin.write_text(PIN)
    pin.chmod(0o600)
    key = f"pkcs11:token=card;object=tsa?module-path={softhsm.MODULE}&pin-source=file:{pin}"
    text = site.config.path.read_text()
    site.config.path.write_text(text.replace('key = "key.pem"', f'key = "{key}"'))
    return site


def test_the_server_signs_with_its_key_in_a_token(card: SoftHsm, tmp_path: Path) -> None:
    identity = softhsm.make_signer("token=card;object=tsa", name="authority")
    site = site_with_token(tmp_path)
    with running(site) as server:
        replies = [server.post() for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 200]
    certificate = tmp_path / "authority.pem"
    certificate.write_bytes(softhsm.pem_of(identity))
    anchors = read_anchors(certificate)
    for reply in replies:
        assert verify_token(reply.content, anchors=anchors).image_digest == DIGEST
    assert len(site.records()) == 3
    assert card.tokens()


def test_a_root_certifies_with_its_key_in_a_token(shell: Shell) -> None:
    key = make_key(shell, "root")
    run(shell, "pki", "root", "myCorp", "--key", key)
    assert not list(Path("pki").rglob("key.pem"))
    outcome = shell("pki", "signer", "Fred", "--under", "myCorp")
    assert (outcome.status, "--issuer-key" in outcome.err) == (2, True)
    run(shell, "pki", "signer", "Fred", "--under", "myCorp", "--issuer-key", key)
    anchor = ("--anchor", "pki/myCorp/certificate.pem")
    run(shell, "sign", "firmware.bin", "--key", "pki/myCorp/Fred/key.pem", *anchor, "-o", "out.bin")
    assert run(shell, "verify", *anchor, "out.bin").splitlines()[-1].startswith("accepted: ")
    shell.fails("Usage", "pki", "root", "other", "--key", "key.pem")


def test_a_card_takes_in_the_certificate_that_came_back(shell: Shell) -> None:
    card_key, other = make_key(shell, "Fred"), make_key(shell, "Mary")
    run(shell, "pki", "root", "myCorp")
    run(shell, "pki", "intermediate", "development", "--under", "myCorp")
    run(shell, "pki", "request", "Fred", "--key", card_key, "-o", "fred.csr")
    run(shell, "pki", "signer", "Fred", "--under", "development", "--request", "fred.csr", "--yes")
    chain = "pki/myCorp/development/Fred/chain.pem"
    assert "secureota-certificate" in shell.fails("Usage", "pki", "accept", card_key, chain).err

    named = f"{card_key}?secureota-certificate=fred.pem"
    wrong = f"{other}?secureota-certificate=fred.pem"
    shell.fails("KeyUnusable", "pki", "accept", wrong, chain)
    assert not Path("fred.pem").exists()
    assert "CN=Fred, signs firmware" in run(shell, "pki", "accept", named, chain)
    assert Path("fred.pem").read_bytes() == Path(chain).read_bytes()

    anchor = ("--anchor", "pki/myCorp/certificate.pem")
    run(shell, "sign", "firmware.bin", "--key", named, *anchor, "-o", "signed.bin")
    assert run(shell, "verify", *anchor, "signed.bin").splitlines()[-1].startswith("accepted: ")


def test_a_certificate_is_not_written_over_a_key(shell: Shell) -> None:
    key = make_key(shell, "Fred")
    run(shell, "pki", "root", "myCorp")
    run(shell, "pki", "request", "Fred", "--key", key, "-o", "fred.csr")
    run(shell, "pki", "signer", "Fred", "--under", "myCorp", "--request", "fred.csr", "--yes")
    named = f"{key}?secureota-certificate=pki/myCorp/key.pem"
    before = Path("pki/myCorp/key.pem").read_bytes()
    shell.fails("FileUnwritable", "pki", "accept", named, "pki/myCorp/Fred/chain.pem")
    assert Path("pki/myCorp/key.pem").read_bytes() == before


def test_a_branch_whose_key_is_in_a_token(shell: Shell) -> None:
    key = make_key(shell, "engineering")
    run(shell, "pki", "root", "myCorp")
    run(shell, "pki", "request", "engineering", "--key", key, "-o", "engineering.csr")
    asked = ("--under", "myCorp", "--request", "engineering.csr", "--yes")
    run(shell, "pki", "intermediate", "engineering", *asked)
    outcome = shell("pki", "accept", key, "pki/myCorp/engineering/chain.pem", "--dir", "theirs")
    assert outcome.status == 0
    assert f'--issuer-key "{key}"' in outcome.err
    assert "Send back" not in outcome.err
    assert not Path("theirs/engineering/key.pem").exists()

    there = ("--dir", "theirs", "--issuer-key", key)
    run(shell, "pki", "signer", "robot", "--under", "engineering", *there)
    anchor = ("--anchor", "pki/myCorp/certificate.pem")
    robot = "theirs/engineering/robot/key.pem"
    run(shell, "sign", "firmware.bin", "--key", robot, *anchor, "-o", "signed.bin")
    assert run(shell, "verify", *anchor, "signed.bin").splitlines()[-1].startswith("accepted: ")


def test_a_server_whose_token_goes_and_returns(
    card: SoftHsm, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No token, no timestamp: a rejection, a bad /healthz, no line; and on again afterwards."""
    softhsm.make_signer("token=card;object=tsa", name="authority")
    site = site_with_token(tmp_path)
    with running(site) as server:
        assert fail_info(server.post()) == -1
        (folder,) = card.tokens()
        folder.rename(tmp_path / "away")
        for _ in range(2):
            assert fail_info(server.post()) == SYSTEM_FAILURE
            assert server.get("/healthz").status_code == 503
        assert "no token fits pkcs11:token=card" in caplog.text
        (tmp_path / "away").rename(folder)
        assert fail_info(server.post()) == -1
        deadline = time.monotonic() + 30  # a health stands for a while
        while server.get("/healthz").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert len(site.records()) == 2


def test_two_workers_with_the_key_in_a_token(card: SoftHsm, tmp_path: Path) -> None:
    """Each worker has a session of its own; together they keep one log."""
    softhsm.make_signer("token=card;object=tsa", name="authority")
    site = site_with_token(tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = site.config.path.read_text()
    site.config.path.write_text(text.replace("port = 0", f"port = {port}"))
    command = [sys.executable, "-m", "platformio_secureota", "tsa", "serve", "--workers", "2"]
    errors = tmp_path / "stderr"
    with errors.open("wb") as log:
        server = subprocess.Popen(
            [*command, "--config", site.config.path],
            env={**os.environ, **card.environment},
            stderr=log,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 60
        while errors.read_text().count("Application startup complete") < 2:
            assert server.poll() is None, errors.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        # Each request on a new connection: whichever worker is free takes it.
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": QUERY, "Connection": "close"}
        url = f"http://127.0.0.1:{port}/timestamp"
        for _ in range(40):
            reply = requests.post(url, REQUEST, headers=headers, timeout=10)
            assert fail_info(reply) == -1
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)
    records = site.records()
    assert len({record["serial"] for record in records}) == len(records) == 40
