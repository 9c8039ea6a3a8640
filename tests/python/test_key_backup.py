"""`secureota key backup`, `paper`, `restore`: the way to paper and back, as a person goes it."""

from __future__ import annotations

import io
import os
import pty
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from authorities import pem
from command_line import Shell
from platformio_secureota import keystore, pki
from platformio_secureota.paper import armour
from platformio_secureota.pio import project_key

needs_zbar = pytest.mark.skipif(
    shutil.which("zbarimg") is None, reason="zbarimg is not here (tools/setup.py test brings it)"
)


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """In the folder of a project that has its two keys."""
    project = tmp_path / "lamp"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.delenv("SECUREOTA_KEY_PASSPHRASE", raising=False)
    monkeypatch.setenv("SECUREOTA_CONFIG_DIR", str(tmp_path / "config"))
    project_key.make(project, tmp_path / "config", policies=[], passphrase=None)
    Path("firmware.bin").write_bytes(b"firmware" * 500)
    return Shell(project, capsys)


def keys() -> tuple[Path, ...]:
    found = project_key.find(Path(), keystore.config_dir(os.environ))
    assert found is not None
    return found.wanted


def printed(shell: Shell, out: str = "sheet.txt", *options: str) -> tuple[Path, bytes]:
    """Print the backup key and remove it: its file's name, and what was in it."""
    path = keys()[1]
    data = path.read_bytes()
    assert shell("key", "paper", path, "--out", out, *options).status == 0
    path.unlink()
    return path, data


def armoured(name: str = "sheet.txt") -> list[str]:
    lines = Path(name).read_text("utf-8").splitlines()
    return [line for line in lines if armour.is_line(line)]


# -- backup and show --------------------------------------------------------------------------


def test_show_tells_which_keys_are_here_and_which_one_signs(shell: Shell) -> None:
    working, backup = keys()
    backup.unlink()
    first, second = shell("key", "show").out.split("\n\n")
    assert f"{working} (signs)" in first
    assert "CN=SecureOTA lamp backup" in second
    assert "not on this machine" in second


def test_show_where_there_is_no_project(shell: Shell) -> None:
    shutil.rmtree("secureota")
    assert "keygen" in shell.fails("AnchorMissing", "key", "show").err
    shell.fails("AnchorMissing", "key", "backup")


def test_one_more_backup_is_trusted_and_told_of(shell: Shell) -> None:
    before = keys()
    outcome = shell("key", "backup")
    assert outcome.status == 0
    assert keys()[:2] == before
    path = keys()[2]
    assert f'secureota key paper "{path}"' in outcome.err
    assert "commit it" in outcome.err
    # Signed with it, an image passes for devices of the next build.
    shell("sign", "firmware.bin", "--key", path)
    assert shell("verify", "--anchor", "secureota/anchor.pem", "firmware.signed.bin").status == 0


def test_one_more_backup_in_another_folder_with_a_passphrase(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("pass").write_text("sesame\n")
    monkeypatch.chdir("/")
    assert (
        shell(
            "key", "backup", "--project", shell.folder, "--passphrase-file", shell.folder / "pass"
        ).status
        == 0
    )
    monkeypatch.chdir(shell.folder)
    identity = pki.load_identity(keys()[2], passphrase=b"sesame")
    assert identity.certificate.subject.rfc4514_string() == "CN=SecureOTA lamp backup 2"


# -- paper ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sheet.pdf", "sheet.png", "sheet.txt", "SHEET.PDF"])
def test_a_sheet_is_private_whole_and_never_replaced(shell: Shell, name: str) -> None:
    outcome = shell("key", "paper", keys()[1], "--out", name)
    assert outcome.out == f"{name}\n"
    assert "--check" in outcome.err
    assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
    before = Path(name).read_bytes()
    shell.fails("FileUnwritable", "key", "paper", keys()[0], "--out", name)
    assert Path(name).read_bytes() == before


def test_pages_of_a_png_are_files(shell: Shell) -> None:
    shell("key", "new", "--out", "rsa.pem", "--kind", "rsa2048")
    assert shell("key", "paper", "rsa.pem", "--out", "rsa.png").out == "rsa-1.png\nrsa-2.png\n"


def test_a_sheet_of_another_form_is_refused(shell: Shell) -> None:
    outcome = shell.fails("Usage", "key", "paper", keys()[0], "--out", "sheet.docx")
    assert ".pdf" in outcome.err
    shell.fails("KeyMissing", "key", "paper", "none.pem", "--out", "sheet.txt")
    assert not Path("sheet.txt").exists()


def test_without_the_extra_a_text_can_be_printed(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("pdf", "png", "codes"):
        monkeypatch.delitem(sys.modules, f"platformio_secureota.paper.{module}", raising=False)
        monkeypatch.delattr(f"platformio_secureota.paper.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "segno", None)
    outcome = shell.fails("ExtraMissing", "key", "paper", keys()[1], "--out", "sheet.pdf")
    assert "segno" in outcome.err
    assert "platformio-secureota[paper]" in outcome.err
    assert shell("key", "paper", keys()[1], "--out", "sheet.txt").status == 0


def test_an_encrypted_key_is_printed_encrypted(shell: Shell) -> None:
    Path("pass").write_text("sesame\n")
    words = ("--passphrase-file", "pass")
    shell("key", "encrypt", keys()[1], *words)
    encrypted = keys()[1].read_bytes()
    shell.fails("KeyUnusable", "key", "paper", keys()[1], "--out", "sheet.txt")
    printed(shell, "sheet.txt", *words)
    shell.fails("KeyUnusable", "key", "restore", "sheet.txt")
    assert shell("key", "restore", "sheet.txt", *words).status == 0
    assert keys()[1].read_bytes() == encrypted
    printed(shell, "plain.txt", "--decrypted", *words)
    assert shell("key", "restore", "plain.txt").status == 0
    assert b"ENCRYPTED" not in keys()[1].read_bytes()


# -- restore ----------------------------------------------------------------------------------


@needs_zbar
def test_a_picture_is_restored_to_where_builds_look_and_signs(shell: Shell) -> None:
    path, data = printed(shell, "sheet.png")
    keys()[0].unlink()
    outcome = shell("key", "restore", "sheet.png")
    assert outcome.status == 0
    assert str(path) in outcome.out
    assert pki.load_identity(path).fingerprint in outcome.out.replace(" ", "")
    assert path.read_bytes() == data
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shell("sign", "firmware.bin", "--key", path)
    assert shell("verify", "--anchor", "secureota/anchor.pem", "firmware.signed.bin").status == 0


@needs_zbar
def test_a_picture_of_something_else(shell: Shell) -> None:
    from PIL import Image  # noqa: PLC0415 - an extra

    Image.new("L", (200, 200), 255).save("wall.png")
    assert "no code" in shell.fails("BackupUnreadable", "key", "restore", "wall.png").err


def test_the_lines_of_the_key_are_enough_in_the_project(shell: Shell) -> None:
    path, data = printed(shell)
    typed = [line.lower().replace(" ", "") for line in armoured() if line[0] == "K"]
    Path("typed.txt").write_text("\n".join(typed))
    assert shell("key", "restore", "typed.txt").status == 0
    assert path.read_bytes() == data


def test_without_the_project_the_lines_of_the_certificate_are_needed(shell: Shell) -> None:
    path, data = printed(shell)
    anchor = Path("secureota/anchor.pem").rename("elsewhere.pem")
    lines = armoured()
    Path("key.txt").write_text("\n".join(line for line in lines if line[0] == "K"))
    Path("certificate.txt").write_text("\n".join(line for line in lines if line[0] == "C"))
    assert "C000 is missing" in shell.fails("BackupUnreadable", "key", "restore", "key.txt").err
    assert shell("key", "restore", "key.txt", "certificate.txt", "-o", "a.pem").status == 0
    assert Path("a.pem").read_bytes() == data
    assert shell("key", "restore", "key.txt", "--certificate", anchor).status == 0
    assert path.read_bytes() == data


def test_every_wrong_line_is_named_and_nothing_is_written(shell: Shell) -> None:
    path, _ = printed(shell)
    lines = armoured()
    lines[2] = lines[2][:-1] + ("0" if lines[2][-1] != "0" else "1")
    lines[5] = lines[5].replace("0", "U", 1) if "0" in lines[5][4:] else lines[5][:-3]
    del lines[4]
    Path("typed.txt").write_text("\n".join(lines))
    outcome = shell.fails("BackupUnreadable", "key", "restore", "typed.txt")
    for name in ("K002", "K004", "K005"):
        assert name in outcome.err
    assert "K003" not in outcome.err
    assert not path.exists()


def test_a_key_that_is_there_is_never_replaced(shell: Shell) -> None:
    path, _ = printed(shell)
    path.write_bytes(b"something")
    shell.fails("FileUnwritable", "key", "restore", "sheet.txt")
    assert path.read_bytes() == b"something"


def test_check_reads_and_writes_nothing(shell: Shell) -> None:
    path, _ = printed(shell)
    before = sorted(shell.folder.parent.rglob("*"))
    outcome = shell("key", "restore", "--check", "sheet.txt")
    assert "CN=SecureOTA lamp backup" in outcome.last_line
    assert sorted(shell.folder.parent.rglob("*")) == before
    assert not path.exists()


def test_the_sheet_of_another_project(shell: Shell) -> None:
    printed(shell)
    Path("secureota/anchor.pem").write_bytes(pem(pki.generate().certificate))
    keyed = [line for line in armoured() if line[0] == "K"]
    Path("typed.txt").write_text("\n".join(keyed))
    outcome = shell.fails("KeyUnusable", "key", "restore", "typed.txt")
    assert "another key" in outcome.err


def test_standard_input_and_files_that_are_not_there(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, data = printed(shell)
    shell.fails("FileUnreadable", "key", "restore", "none.png")
    sheet = Path("sheet.txt").read_text("utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO(sheet))
    assert shell("key", "restore", "-").status == 0
    assert path.read_bytes() == data
    path.unlink()
    monkeypatch.setattr(sys, "stdin", io.StringIO(sheet))
    assert shell("key", "restore").status == 0
    assert path.read_bytes() == data


def test_a_person_types_the_lines_and_hears_of_a_wrong_one_at_once(shell: Shell) -> None:
    path, data = printed(shell)
    lines = [line for line in armoured() if line[0] == "K"]
    wrong = lines[3][:-1] + ("0" if lines[3][-1] != "0" else "1")
    # The second line without its name, as it stands on the screen already.
    typed = [lines[0], lines[1][4:], lines[2], wrong, *lines[3:]]
    status, seen = typed_at_a_terminal(shell.folder, typed)
    assert status == 0, seen
    assert seen.count("K003 has a wrong character; once more") == 1
    assert path.read_bytes() == data


def test_a_person_may_give_up(shell: Shell) -> None:
    path, _ = printed(shell)
    status, seen = typed_at_a_terminal(shell.folder, [armoured()[0], armoured()[1], ""])
    assert status == 2, seen
    assert "K002 is missing" in seen
    assert not path.exists()


def typed_at_a_terminal(folder: Path, lines: list[str]) -> tuple[int, str]:
    """`secureota key restore` at a pseudo-terminal; each line is typed when it is asked for."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "platformio_secureota", "key", "restore"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen, waiting = b"", list(lines)
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # that is how a pseudo-terminal ends
            break
        if not piece:
            break
        seen += piece
        asked = seen.rpartition(b"\n")[2]
        if waiting and len(asked) == 5 and asked.endswith(b" "):
            os.write(ours, waiting.pop(0).encode() + b"\n")
    os.close(ours)
    return process.wait(30), seen.decode()


def test_the_text_sheet_alone_restores(shell: Shell) -> None:
    path, data = printed(shell)
    shutil.rmtree("secureota")
    assert shell("key", "restore", "sheet.txt").status == 0
    assert path.read_bytes() == data
