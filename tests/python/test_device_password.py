"""Where a device's password comes from, and in which order."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordSetError

from platformio_secureota.cli import device_password
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.ota import Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAMP = Target("lamp.local")
WORDS = {
    ("secureota", "lamp.local"): "from the keyring",
    ("secureota", "lamp.local:4000"): "from the keyring, for its port",
}


class Ring(KeyringBackend):
    """A keyring as a desktop has one."""

    priority = 1
    locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("it is locked")
        return WORDS.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        raise PasswordSetError(service, username, password)


@pytest.fixture
def _ring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(Ring())
    yield
    keyring.set_keyring(before)


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECUREOTA_PASSWORD", "SECUREOTA_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)


def private(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


def test_none() -> None:
    assert device_password.source(LAMP)() is None


@pytest.mark.usefixtures("_ring")
def test_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = private(tmp_path / "named", "from the option's file\n")
    other = private(tmp_path / "other", "from the variable's file\n")

    def found(**how: object) -> str | None:
        return device_password.source(LAMP, ask=lambda: "typed", **how)()  # type: ignore[arg-type]

    assert found() == "from the keyring"
    monkeypatch.setenv("SECUREOTA_PASSWORD_FILE", str(other))
    assert found() == "from the variable's file"
    monkeypatch.setenv("SECUREOTA_PASSWORD", "from the variable")
    assert found() == "from the variable"
    assert found(file=named) == "from the option's file"
    assert found(file=named, given="given") == "given"


@pytest.mark.usefixtures("_ring")
def test_the_keyring_knows_targets() -> None:
    assert device_password.source(Target("lamp.local", 4000))() == "from the keyring, for its port"
    assert device_password.source(Target("boiler.local"), ask=lambda: "typed")() == "typed"


@pytest.mark.usefixtures("_ring")
def test_a_locked_keyring_is_told_and_passed_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Ring, "locked", True)
    assert device_password.source(LAMP, ask=lambda: "typed")() == "typed"
    assert "warning: the keyring has no answer" in capsys.readouterr().err


def test_a_machine_without_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert device_password.source(LAMP)() is None


@pytest.mark.parametrize("text", ["sesame\n", "sesame", "sesame\r\nand a comment\n"])
def test_the_first_line_of_a_file(text: str, tmp_path: Path) -> None:
    assert device_password.source(LAMP, file=private(tmp_path / "it", text))() == "sesame"


def test_a_password_may_have_spaces_and_letters_of_any_script(tmp_path: Path) -> None:
    file = private(tmp_path / "it", " pass wörd \n")
    assert device_password.source(LAMP, file=file)() == " pass wörd "


def test_a_folder_has_a_file_for_each_device(tmp_path: Path) -> None:
    private(tmp_path / "lamp.local", "sesame\n")
    assert device_password.source(LAMP, file=tmp_path)() == "sesame"
    assert device_password.source(Target("lamp.local", 4000), file=tmp_path)() == "sesame"
    assert device_password.source(Target("boiler.local"), file=tmp_path)() is None


@pytest.mark.parametrize("host", ["..", ".", "../outside", "/etc/hostname"])
def test_no_name_leads_out_of_the_folder(host: str, tmp_path: Path) -> None:
    private(tmp_path / "outside", "sesame\n")
    folder = tmp_path / "folder"
    folder.mkdir()
    assert device_password.source(Target(host), file=folder)() is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_can_read(mode: int, tmp_path: Path) -> None:
    file = private(tmp_path / "it", "sesame\n")
    file.chmod(mode)
    with pytest.raises(Unusable) as caught:
        device_password.source(LAMP, file=file)()
    assert caught.value.reason is Reason.FileExposed
    assert caught.value.hint == f"chmod 600 {file}"


@pytest.mark.parametrize("text", ["", "\n", "\nsesame\n", "x" * 2000])
def test_a_file_without_a_password(text: str, tmp_path: Path) -> None:
    with pytest.raises(Unusable) as caught:
        device_password.source(LAMP, file=private(tmp_path / "it", text))()
    assert caught.value.reason is Reason.FileUnreadable
    assert "no password" in caught.value.detail


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = private(tmp_path / "it", "")
    file.write_bytes(b"\xff\xfe\n")
    with pytest.raises(Unusable, match="FileUnreadable"):
        device_password.source(LAMP, file=file)()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="FileUnreadable"):
        device_password.source(LAMP, file=tmp_path / "it")()
