"""`secureota key new`, `show`, `encrypt`, `decrypt`: key files and their passphrases."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command_line import Shell
from platformio_secureota import Reason, Unusable, pki
from platformio_secureota.cli import passphrase


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SECUREOTA_KEY_PASSPHRASE", raising=False)
    monkeypatch.setenv("SECUREOTA_CONFIG_DIR", str(tmp_path / "config"))
    return Shell(tmp_path, capsys)


def secret_file(name: str, words: str, mode: int = 0o600) -> str:
    Path(name).write_text(f"{words}\nwhat follows the first line is nothing\n", "utf-8")
    Path(name).chmod(mode)
    return name


def answered(command: list[str], folder: Path, *answers: str) -> tuple[int, str]:
    """Run `secureota` at a pseudo-terminal and answer its questions; returns what was seen."""
    ours, theirs = pty.openpty()
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SECUREOTA_KEY")}
    process = subprocess.Popen(
        [sys.executable, "-m", "platformio_secureota", *command],
        cwd=folder,
        env={**environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    waiting = list(answers)
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # that is how a pseudo-terminal ends
            break
        if not piece:
            break
        seen += piece
        if waiting and seen.endswith(b": "):
            time.sleep(0.05)  # getpass discards what was typed before it asks
            os.write(ours, waiting.pop(0).encode() + b"\n")
            seen += b"\n"
    os.close(ours)
    return process.wait(30), seen.decode()


# -- new and show -----------------------------------------------------------------------------


def test_new_makes_a_key_and_shows_it(shell: Shell) -> None:
    outcome = shell("key", "new", "--out", "key.pem", "--name", "me", "--policy", "1.2.3.4")
    assert outcome.status == 0
    assert stat.S_IMODE(Path("key.pem").stat().st_mode) == 0o600
    identity = pki.load_identity(Path("key.pem"))
    assert identity.fingerprint in outcome.out.replace(" ", "")
    for word in ("CN=me", "P-256", "1.2.3.4", "not encrypted"):
        assert word in outcome.out
    assert "secureota key paper key.pem" in outcome.err
    assert shell("key", "show", "key.pem").out == outcome.out
    before = Path("key.pem").read_bytes()
    shell.fails("FileUnwritable", "key", "new", "--out", "key.pem")
    assert Path("key.pem").read_bytes() == before


def test_show_needs_no_passphrase_and_shows_no_secret(shell: Shell) -> None:
    secret_file("pass", "sesame")
    shell("key", "new", "--out", "key.pem", "--kind", "rsa2048", "--passphrase-file", "pass")
    outcome = shell("key", "show", "key.pem")
    assert outcome.status == 0
    assert "encrypted" in outcome.out
    assert "not encrypted" not in outcome.out
    assert "RSA of 2048 bits" in outcome.out
    shown = outcome.out + outcome.err
    key_lines = Path("key.pem").read_text().split("-----")[2].split()
    assert not any(line in shown for line in key_lines)


def test_show_warns_of_a_file_that_others_can_read(shell: Shell) -> None:
    shell("key", "new", "--out", "key.pem")
    Path("key.pem").chmod(0o644)
    assert "0644" in shell("key", "show", "key.pem").err


@pytest.mark.parametrize("content", [b"", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"])
def test_show_of_what_is_no_key(shell: Shell, content: bytes) -> None:
    Path("key.pem").write_bytes(content)
    shell.fails("KeyUnusable", "key", "show", "key.pem")
    shell.fails("KeyMissing", "key", "show", "none.pem")


# -- passphrases ------------------------------------------------------------------------------


def test_passphrase_from_the_environment(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECUREOTA_KEY_PASSPHRASE", "sesame")
    assert shell("key", "new", "--out", "key.pem").status == 0
    assert pki.load_identity(Path("key.pem"), passphrase=b"sesame")
    with pytest.raises(Unusable):
        pki.load_identity(Path("key.pem"), passphrase=b"other")


def test_passphrase_from_a_file_wins(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECUREOTA_KEY_PASSPHRASE", "other")
    file = secret_file("pass", "sésame, öffne dich")
    assert shell("key", "new", "--out", "key.pem", "--passphrase-file", file).status == 0
    assert pki.load_identity(Path("key.pem"), passphrase="sésame, öffne dich".encode())


def test_a_passphrase_file_that_others_can_read(shell: Shell) -> None:
    file = secret_file("pass", "sesame", mode=0o644)
    assert "0644" in shell("key", "new", "--out", "key.pem", "--passphrase-file", file).err


def test_passphrase_files_that_hold_none(shell: Shell) -> None:
    Path("empty").write_text("\nsesame\n")
    shell.fails("Usage", "key", "new", "--out", "key.pem", "--passphrase-file", "empty")
    shell.fails("FileUnreadable", "key", "new", "--out", "key.pem", "--passphrase-file", "none")
    file = secret_file("long", "x" * 1024)
    shell.fails("Usage", "key", "new", "--out", "key.pem", "--passphrase-file", file)
    assert not Path("key.pem").exists()


def test_nobody_to_ask_is_no_empty_passphrase(shell: Shell) -> None:
    outcome = shell.fails("Usage", "key", "new", "--out", "key.pem", "--encrypt")
    assert "SECUREOTA_KEY_PASSPHRASE" in outcome.err
    assert not Path("key.pem").exists()
    shell("key", "new", "--out", "key.pem")
    shell.fails("Usage", "key", "encrypt", "key.pem")
    assert b"ENCRYPTED" not in Path("key.pem").read_bytes()


def test_no_option_takes_a_passphrase(shell: Shell) -> None:
    for command in ("new", "backup", "encrypt", "decrypt", "paper", "restore"):
        shown = shell("key", command, "--help").out
        assert "--passphrase-file FILE" in shown
        assert "--passphrase " not in shown


def test_a_person_is_asked_twice(tmp_path: Path) -> None:
    command = ["key", "new", "--out", "key.pem", "--encrypt"]
    status, seen = answered(command, tmp_path, "sesame", "sesame")
    assert status == 0, seen
    assert "sesame" not in seen
    assert pki.load_identity(tmp_path / "key.pem", passphrase=b"sesame")


def test_a_person_may_mistype(tmp_path: Path) -> None:
    command = ["key", "new", "--out", "key.pem", "--encrypt"]
    status, seen = answered(command, tmp_path, "one", "two", "", "sesame", "sesame")
    assert status == 0, seen
    assert "two different ones" in seen
    assert "protects nothing" in seen
    assert pki.load_identity(tmp_path / "key.pem", passphrase=b"sesame")


def test_a_person_who_mistypes_always_gets_no_key(tmp_path: Path) -> None:
    command = ["key", "new", "--out", "key.pem", "--encrypt"]
    status, seen = answered(command, tmp_path, *"abcdefgh")
    assert status == 2, seen
    assert "twice alike" in seen
    assert not (tmp_path / "key.pem").exists()


# -- encrypt and decrypt ----------------------------------------------------------------------


def test_a_passphrase_is_set_changed_and_removed(shell: Shell) -> None:
    shell("key", "new", "--out", "key.pem")
    first, second = secret_file("first", "one"), secret_file("second", "two")
    plain = Path("key.pem").read_bytes()
    key = pki.load_identity(Path("key.pem"))

    assert shell("key", "encrypt", "key.pem", "--passphrase-file", first).status == 0
    assert b"ENCRYPTED" in Path("key.pem").read_bytes()
    assert pki.load_identity(Path("key.pem"), passphrase=b"one").fingerprint == key.fingerprint

    change = ("key", "encrypt", "key.pem", "--passphrase-file", first)
    assert shell(*change, "--new-passphrase-file", second).status == 0
    with pytest.raises(Unusable):
        pki.load_identity(Path("key.pem"), passphrase=b"one")
    assert pki.load_identity(Path("key.pem"), passphrase=b"two").fingerprint == key.fingerprint
    assert stat.S_IMODE(Path("key.pem").stat().st_mode) == 0o600

    assert shell("key", "decrypt", "key.pem", "--passphrase-file", second).status == 0
    assert Path("key.pem").read_bytes() == plain
    shell.fails("Usage", "key", "decrypt", "key.pem", "--passphrase-file", second)


def test_a_wrong_passphrase_changes_nothing(shell: Shell) -> None:
    right, wrong = secret_file("right", "one"), secret_file("wrong", "two")
    shell("key", "new", "--out", "key.pem", "--passphrase-file", right)
    before = Path("key.pem").read_bytes()
    for command in (("decrypt",), ("encrypt", "--new-passphrase-file", right)):
        shell.fails("KeyUnusable", "key", *command, "key.pem", "--passphrase-file", wrong)
    shell.fails("KeyUnusable", "key", "decrypt", "key.pem")
    assert Path("key.pem").read_bytes() == before


def test_the_environments_passphrase_is_never_taken_for_the_new_one(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECUREOTA_KEY_PASSPHRASE", "sesame")
    shell("key", "new", "--out", "key.pem")
    before = Path("key.pem").read_bytes()
    shell.fails("Usage", "key", "encrypt", "key.pem")
    assert Path("key.pem").read_bytes() == before


def test_a_person_changes_the_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    pki.write_pem(path, pki.generate(), passphrase=b"one")
    status, seen = answered(["key", "encrypt", "key.pem"], tmp_path, "one", "two", "two")
    assert status == 0, seen
    assert pki.load_identity(path, passphrase=b"two")


def test_a_full_disk_keeps_the_old_file(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("key", "new", "--out", "key.pem")
    before = Path("key.pem").read_bytes()
    file = secret_file("pass", "sesame")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    shell.fails("FileUnwritable", "key", "encrypt", "key.pem", "--passphrase-file", file)
    assert Path("key.pem").read_bytes() == before


def test_openssl_decrypts_what_we_encrypt(shell: Shell) -> None:
    file = secret_file("pass", "sesame")
    shell("key", "new", "--out", "key.pem", "--passphrase-file", file)
    command = ["openssl", "pkey", "-in", "key.pem", "-passin", "env:WORDS", "-noout", "-check"]
    done = subprocess.run(
        command, env={**os.environ, "WORDS": "sesame"}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_unreadable_is_not_encrypted(tmp_path: Path) -> None:
    assert not passphrase.is_encrypted(tmp_path)
    with pytest.raises(Unusable) as caught:
        passphrase.new("x", tmp_path)
    assert caught.value.reason is Reason.FileUnreadable
