"""Authorities whose keys are in a token: one of a company's, and the timestamp server's signer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import softhsm
from command_line import Shell
from platformio_secureota import verify_token
from platformio_secureota.anchors import read_anchors
from softhsm import PIN, SoftHsm
from tsa_server import DIGEST, Site, running

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def test_the_server_signs_with_its_key_in_a_token(card: SoftHsm, tmp_path: Path) -> None:
    identity = softhsm.make_signer("token=card;object=tsa", name="authority")
    site = Site.make(tmp_path)
    pin = tmp_path / "pin"
    pin.write_text(PIN)
    pin.chmod(0o600)
    key = f"pkcs11:token=card;object=tsa?module-path={softhsm.MODULE}&pin-source=file:{pin}"
    text = site.config.path.read_text()
    site.config.path.write_text(text.replace('key = "key.pem"', f'key = "{key}"'))
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
