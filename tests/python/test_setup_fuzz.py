"""Set-up finds the libFuzzer that goes with the clang that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from test_setup import missing, put_command, setup

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_asks_clang_for_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_command(tmp_path, "some-clang", "echo 99.1.0")
    monkeypatch.setenv("FUZZ_CXX", str(tmp_path / "some-clang"))

    assert setup.libfuzzer().apt == "libclang-rt-99-dev"


def test_a_compiler_without_libfuzzer_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_command(tmp_path, "some-clang", "exit 1")
    monkeypatch.setenv("FUZZ_CXX", str(tmp_path / "some-clang"))

    assert not setup.has_libfuzzer()


def test_says_what_is_missing_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup, "CACHE", tmp_path)
    monkeypatch.setattr(setup, "root_prefix", lambda: None)
    monkeypatch.setattr(setup, "libfuzzer", lambda: missing("libclang-rt-99-dev", "llvm"))

    assert setup.main(["fuzz"]) == 1

    assert capsys.readouterr().err.count("\n") == 1
