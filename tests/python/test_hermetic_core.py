"""The PlatformIO core that the tests run on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import hermetic_core


@pytest.mark.parametrize(("package", "release"), [("4.41101.0", "4.11.1"), ("4.40801.0", "4.8.1")])
def test_the_package_version_names_a_release(package: str, release: str) -> None:
    assert hermetic_core.scons_release(package) == release


def test_a_version_that_names_none_is_an_error() -> None:
    with pytest.raises(hermetic_core.CoreError):
        hermetic_core.scons_release("5.0")


def test_what_is_there_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = hermetic_core.scons_requirement()
    manifest = tmp_path / "packages" / "tool-scons" / "package.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"version": version}))
    monkeypatch.setattr(hermetic_core, "pip_install", None)  # to call it would be an error
    hermetic_core.make(tmp_path)
    changed = tmp_path / "platforms" / "native" / "builder" / "main.py"
    kept = tmp_path / "platforms" / "espressif32" / "platform.json"
    before = kept.stat().st_mtime_ns
    good = changed.read_text()
    changed.write_text("something else")
    hermetic_core.make(tmp_path)
    assert changed.read_text() == good
    assert kept.stat().st_mtime_ns == before
