"""Set-up brings what is missing, says what it can't bring, and leaves alone what is there."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType


def load_setup() -> ModuleType:
    path = Path(__file__).parents[2] / "tools" / "setup.py"
    spec = importlib.util.spec_from_file_location("secureota_setup", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


setup = load_setup()


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder at the front of the PATH; what is put there is found first."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def put_command(folder: Path, name: str, script: str) -> None:
    command = folder / name
    command.write_text(f"#!/bin/sh\n{script}\n", "ascii")
    command.chmod(0o755)


def missing(apt: str, brew: str) -> object:
    return setup.SystemPackage(apt, brew, lambda: False)


def test_names_the_debian_packages_where_nobody_is_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(setup, "root_prefix", lambda: None)

    with pytest.raises(setup.SetupError) as refusal:
        setup.need_packages(missing("libmbedtls-dev", "mbedtls@3"), missing("openssl", "openssl@3"))

    assert str(refusal.value).endswith("apt-get install libmbedtls-dev openssl")
    assert "\n" not in str(refusal.value)


def test_names_the_brew_packages_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")

    with pytest.raises(setup.SetupError) as refusal:
        setup.need_packages(missing("libmbedtls-dev", "mbedtls@3"))

    assert str(refusal.value) == "please run: brew install mbedtls@3"


def test_goes_on_without_what_is_only_wanted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[list[str]] = []

    def fail(_become_root: list[str], names: list[str]) -> None:
        asked.append(names)
        raise setup.SetupError

    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(setup, "root_prefix", list)
    monkeypatch.setattr(setup, "apt_install", fail)
    setup.want_package(missing("softhsm2", "softhsm"), without_it="tests are skipped")
    assert asked == [["softhsm2"]]
    assert "softhsm2 is not installed: tests are skipped" in capsys.readouterr().err
    monkeypatch.setattr(setup, "root_prefix", lambda: None)
    setup.want_package(missing("softhsm2", "softhsm"), without_it="tests are skipped")
    assert "softhsm2 is not installed" in capsys.readouterr().err
    setup.want_package(setup.SystemPackage("a", "b", lambda: True), without_it="nothing")
    assert (len(asked), capsys.readouterr().err) == (1, "")


@pytest.mark.parametrize(("sudo_says", "prefix"), [(0, ["sudo", "-n"]), (1, None)])
def test_asks_sudo_without_asking_a_person(
    sudo_says: int, prefix: list[str] | None, commands: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_command(commands, "apt-get", "exit 0")
    put_command(commands, "sudo", f"exit {sudo_says}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert setup.root_prefix() == prefix


def test_refreshes_the_package_lists_only_after_a_failure(commands: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    lists = tmp_path / "lists"
    script = f'echo "$2" >> {log}; case "$2" in update) touch {lists};; *) test -e {lists};; esac'
    put_command(commands, "apt-get", script)

    setup.apt_install([], ["openssl"])
    assert log.read_text("ascii").split() == ["install", "update", "install"]

    setup.apt_install([], ["openssl"])
    assert log.read_text("ascii").split()[3:] == ["install"]


def test_shows_what_a_failed_command_said(commands: Path) -> None:
    put_command(commands, "failing", "echo the disk is full >&2; exit 3")

    with pytest.raises(setup.SetupError, match="the disk is full\n`failing --quiet` failed"):
        setup.run(["failing", "--quiet"])


def test_mbedtls_is_looked_for_with_the_flags_of_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "g++ -nostdinc")
    monkeypatch.setenv("MBEDTLS_CFLAGS", f"-I{tmp_path}")
    assert not setup.has_mbedtls()

    (tmp_path / "mbedtls").mkdir()
    (tmp_path / "mbedtls" / "version.h").touch()
    assert setup.has_mbedtls()

    monkeypatch.setenv("CXX", "no-such-compiler")
    assert not setup.has_mbedtls()


def test_fingerprint_follows_content_and_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    folder = tmp_path / "platforms"
    folder.mkdir()
    (folder / "builder.py").write_text("a", "ascii")
    before = setup.fingerprint("3.9", folder)

    assert setup.fingerprint("3.9", folder) == before
    assert setup.fingerprint("3.10", folder) != before
    (folder / "builder.py").rename(folder / "renamed.py")
    assert setup.fingerprint("3.9", folder) != before
    (folder / "renamed.py").rename(folder / "builder.py")
    assert setup.fingerprint("3.9", folder) == before
    (folder / "builder.py").write_text("b", "ascii")
    assert setup.fingerprint("3.9", folder) != before


def test_an_unknown_part_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert setup.main(["everything"]) == 2
    assert "usage: setup.py {device,python,platformio,lint" in capsys.readouterr().err
