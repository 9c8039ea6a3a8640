"""`secureota espota --signing-key pkcs11:...`: the older tool's command line, with a card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import softhsm
from command_line import Shell
from emulated_device import PROGRAM, EmulatedDevice
from softhsm import PIN, SoftHsm

if TYPE_CHECKING:
    from collections.abc import Iterator

softhsm_or_skip = pytest.fixture(scope="module", autouse=True)(softhsm.need_softhsm)

KEY = "pkcs11:token=card;object=signer"


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    """With a key in the token "card"; its certificate is in cert.pem."""
    monkeypatch.chdir(tmp_path)
    card = SoftHsm.make(tmp_path / "softhsm")
    for name, value in card.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SECUREOTA_PKCS11_MODULE", softhsm.MODULE)
    monkeypatch.setenv("SECUREOTA_PKCS11_PIN", PIN)
    card.token("card")
    softhsm.start_again()
    made = Shell(tmp_path, capsys)
    assert made("hsm", "keygen", KEY, "--certificate-out", "cert.pem").status == 0
    yield made
    softhsm.start_again()


def firmware() -> str:
    """An image that the emulated device can start: its own program, and one byte."""
    assert PROGRAM.is_file(), "run `make device-asan` first"
    Path("firmware.bin").write_bytes(PROGRAM.read_bytes() + b"\n")
    return "firmware.bin"


def test_sign_with_a_card_and_send(shell: Shell) -> None:
    with EmulatedDevice(shell.folder / "flash", "--anchor", "cert.pem") as device:
        to = ("espota", "-i", "127.0.0.1", "-p", device.port)
        outcome = shell(*to, "-f", firmware(), f"--signing-key={KEY}")
        assert outcome.status == 0, outcome
        device.wait_for("restarting into slot 1")
    assert outcome.out.startswith("accepted: ")
    assert PIN not in outcome.out + outcome.err


def test_a_certificate_in_a_file(shell: Shell) -> None:
    key = f"{KEY}?secureota-certificate=cert.pem"
    with EmulatedDevice(shell.folder / "flash", "--anchor", "cert.pem") as device:
        to = ("espota", "-i", "127.0.0.1", "-p", device.port)
        assert shell(*to, "-f", firmware(), "-K", key, "--compat", "redwax").status == 0


def test_keys_that_are_not_there(shell: Shell) -> None:
    Path("firmware.bin").write_bytes(b"\xe9firmware")
    line = ("espota", "-i", "127.0.0.1", "-f", "firmware.bin", "-K")
    shell.fails("KeyMissing", *line, "pkcs11:token=card;object=other")
    shell.fails("KeyMissing", *line, "pkcs11:token=none;object=signer")
    shell.fails("KeyMissing", *line, "none.pem")
    refused = shell.fails("Usage", *line, "pkcs11:object=signer?pin-value=1234x")
    assert "1234x" not in refused.err


def test_a_key_in_a_token_is_made_by_another_command(shell: Shell) -> None:
    outcome = shell.fails("Usage", "espota", "-G", "-K", "pkcs11:token=card;object=new")
    assert "secureota hsm keygen" in outcome.err
    assert not list(shell.folder.glob("pkcs11*"))
