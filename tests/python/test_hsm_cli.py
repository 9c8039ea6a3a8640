"""`secureota sign --key pkcs11:...` and `secureota hsm`, and where the PIN is not."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import softhsm
from command_line import Shell
from platformio_secureota import pki
from softhsm import SoftHsm

if TYPE_CHECKING:
    from collections.abc import Iterator

softhsm_or_skip = pytest.fixture(scope="module", autouse=True)(softhsm.need_softhsm)

SECUREOTA = [sys.executable, "-m", "platformio_secureota"]


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """With a token "card" in reach, and its PIN in the environment."""
    monkeypatch.chdir(tmp_path)
    card = SoftHsm.make(tmp_path / "softhsm")
    for name, value in card.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SECUREOTA_PKCS11_MODULE", softhsm.MODULE)
    monkeypatch.setenv("SECUREOTA_PKCS11_PIN", softhsm.PIN)
    card.token("card")
    softhsm.start_again()
    Path("firmware.bin").write_bytes(b"firmware " * 100)
    return Shell(tmp_path, capsys)


@pytest.fixture
def key(shell: Shell) -> Iterator[str]:
    """A key in the card; its certificate is in cert.pem."""
    words = ("pkcs11:token=card;object=a", "--name", "me", "--certificate-out", "cert.pem")
    outcome = shell("hsm", "keygen", *words)
    assert outcome.status == 0, outcome
    assert softhsm.PIN not in outcome.out + outcome.err
    yield "pkcs11:token=card;object=a"
    assert not any(
        softhsm.PIN.encode() in path.read_bytes()
        for path in shell.folder.glob("*")
        if path.is_file() and path.name != "pin"
    )


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: PINs are counted by process."""
    return subprocess.run(
        [*SECUREOTA, *arguments],
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_keygen_and_sign(shell: Shell, key: str) -> None:
    outcome = shell("sign", "firmware.bin", "--key", key, "--token-out", "firmware.tsr")
    assert outcome.status == 0, outcome
    assert "by CN=me: firmware.signed.bin" in outcome.out
    assert outcome.err == ""
    assert shell("verify", "--anchor", "cert.pem", "firmware.signed.bin").status == 0
    judge = ["openssl", "ts", "-verify", "-in", "firmware.tsr", "-data", "firmware.bin"]
    subprocess.run([*judge, "-CAfile", "cert.pem"], check=True, capture_output=True)


def test_list(shell: Shell, key: str) -> None:
    del key
    outcome = shell("hsm", "list")
    assert outcome.status == 0
    token, entry = outcome.out.splitlines()
    assert token.startswith("pkcs11:token=card;serial=")
    assert entry.strip().startswith("pkcs11:token=card;object=a;id=")
    assert shell("sign", "firmware.bin", "--key", entry.strip()).status == 0
    shell.fails("KeyUnusable", "hsm", "list", "--module", "/none.so")


def test_keygen_refuses(shell: Shell, key: str) -> None:
    shell.fails("KeyUnusable", "hsm", "keygen", key, "--certificate-out", "b.pem")
    shell.fails("Usage", "hsm", "keygen", "pkcs11:token=card", "--certificate-out", "b.pem")
    shell.fails("Usage", "hsm", "keygen", "card", "--certificate-out", "b.pem")
    assert not Path("b.pem").exists()
    other = "pkcs11:token=card;object=b"
    Path("file").write_bytes(b"")
    shell.fails("FileUnwritable", "hsm", "keygen", other, "--certificate-out", "file/c.pem")
    assert "object=b" not in shell("hsm", "list").out


def test_pin_source_wins(shell: Shell, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECUREOTA_PKCS11_PIN", "0000")
    pin = shell.folder / "pin"
    pin.write_text(f"{softhsm.PIN}\n")
    pin.chmod(0o600)
    done = run("sign", "firmware.bin", "--key", f"{key}?pin-source={pin}")
    assert done.returncode == 0, done
    assert "CN=me" in done.stdout


def test_a_wrong_pin(shell: Shell, key: str) -> None:
    done = run("sign", "firmware.bin", "--key", key, SECUREOTA_PKCS11_PIN="8642-wrong")
    assert done.returncode == 2
    assert done.stderr.startswith("secureota: error: KeyUnusable: ")
    assert "the PIN is wrong; it is not tried again" in done.stderr
    assert "8642-wrong" not in done.stdout + done.stderr
    assert not (shell.folder / "firmware.signed.bin").exists()


def test_no_pin_and_nobody_to_ask(key: str) -> None:
    done = run("sign", "firmware.bin", "--key", key, SECUREOTA_PKCS11_PIN="")
    assert done.returncode == 2
    assert "a PIN is needed" in done.stderr
    assert "SECUREOTA_PKCS11_PIN" in done.stderr


def test_a_person_types_the_pin(shell: Shell, key: str) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*SECUREOTA, "sign", "firmware.bin", "--key", key],
        env={**os.environ, "SECUREOTA_PKCS11_PIN": ""},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    while b"PIN of token card: " not in said:
        said += os.read(ours, 1000)
    os.write(ours, f"{softhsm.PIN}\n".encode())
    assert process.wait(60) == 0
    said += os.read(ours, 10000)
    os.close(ours)
    assert b"by CN=me" in said
    assert softhsm.PIN.encode() not in said
    assert (shell.folder / "firmware.signed.bin").exists()


def test_a_pin_in_the_uri_is_refused(shell: Shell) -> None:
    outcome = shell.fails(
        "Usage", "sign", "firmware.bin", "--key", "pkcs11:object=a?pin-value=1234x"
    )
    assert "1234x" not in outcome.err


def test_no_process_has_the_pin_among_its_arguments(key: str) -> None:
    seen: set[bytes] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(path.read_bytes())
                except OSError:
                    continue  # it has ended
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert run("sign", "firmware.bin", "--key", key).returncode == 0
    finally:
        done.set()
        watcher.join()
    assert any(b"object=a" in arguments for arguments in seen), "the process was not seen"
    assert not any(softhsm.PIN.encode() in arguments for arguments in seen)


def test_a_certificate_in_a_file(shell: Shell, key: str) -> None:
    pki.write_pem(Path("stranger.pem"), pki.generate(name="stranger"))
    good = f"{key}?secureota-certificate=cert.pem"
    assert shell("sign", "firmware.bin", "--key", good).status == 0
    wrong = f"{key}?secureota-certificate=stranger.pem"
    outcome = shell.fails("KeyUnusable", "sign", "firmware.bin", "--key", wrong)
    assert "no certificate of this key in stranger.pem, but 1 of another" in outcome.err


def test_without_the_extra(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    for words in (("sign", "firmware.bin", "--key", "pkcs11:object=a"), ("hsm", "list")):
        outcome = shell.fails("KeyUnusable", *words)
        assert "platformio-secureota[hsm]" in outcome.err
