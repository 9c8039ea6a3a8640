"""What images say about themselves: from options, or from git."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from platformio_secureota.errors import Reason, Refused
from platformio_secureota.manifest import ImageKind, Manifest, with_trailer
from platformio_secureota.pio import product
from platformio_secureota.pio.options import Options
from platformio_secureota.pio.product import Product

if TYPE_CHECKING:
    from pathlib import Path

LAMP = Product("lamp", "1.0", ("revA", "revB"))
FRONT = b"\xe9" + bytes(31) + bytes.fromhex("3254cdab") + bytes(252)


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=Fred", "-c", "user.email=fred@example.com"]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(folder), *who, *words]
    subprocess.run(command, check=True, capture_output=True, env=ours)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--initial-branch=main")
    (tmp_path / "main.cpp").write_text("int main() {}\n")
    git(tmp_path, "add", "main.cpp")
    git(tmp_path, "commit", "-m", "First")
    return tmp_path


def test_the_commit_is_the_version(project: Path) -> None:
    version = product.resolve(Options(), project=project).version
    assert len(version) >= 7
    assert set(version) <= set("0123456789abcdef")


def test_the_tag_is_the_version_and_a_change_shows(project: Path) -> None:
    git(project, "tag", "-a", "v1.2", "-m", "Release")
    assert product.described_by_git(project) == "v1.2"
    (project / "main.cpp").write_text("int main() { return 1; }\n")
    assert product.described_by_git(project) == "v1.2-dirty"


@pytest.mark.parametrize("tag", ["v" + "1" * 60, "ausgabe-für-küche"])
def test_a_tag_that_does_not_fit_is_left_out(project: Path, tag: str) -> None:
    git(project, "tag", "-a", tag, "-m", "Release")
    version = product.described_by_git(project)
    assert version
    assert set(version) <= set("0123456789abcdef")


def test_what_is_set_wins(project: Path) -> None:
    assert product.resolve(Options(version="7"), project=project).version == "7"


def test_another_repository_in_the_environment_is_not_asked(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("GIT_DIR", str(project / ".git"))
    assert product.described_by_git(elsewhere) == ""


def test_without_git_there_is_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert product.described_by_git(tmp_path) == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert product.described_by_git(tmp_path) == ""


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "product.json"
    for each in (LAMP, Product()):
        file.write_bytes(each.encode())
        assert Product.read(file) == each


def test_what_was_compiled_in_is_looked_at() -> None:
    good = LAMP.manifest(ImageKind.APPLICATION, build_time=1700000000)
    check = product.check_compiled_in
    check(FRONT + good.encode() + b"program", LAMP, name="firmware.bin")
    check(FRONT + bytes(256), Product(), name="firmware.bin")
    for image, reason in (
        (FRONT + bytes(256), Reason.ManifestMissing),
        (b"\xe9" + bytes(1000), Reason.ManifestMissing),
        (FRONT + Manifest(ImageKind.APPLICATION, "heater").encode(), Reason.WrongProduct),
        (FRONT + Manifest(ImageKind.APPLICATION, "lamp").encode(), Reason.WrongProduct),
        (FRONT + b"SOTAinfo" + bytes(248), Reason.ManifestMalformed),
    ):
        with pytest.raises(Refused) as refusal:
            check(image, LAMP, name="firmware.bin")
        assert refusal.value.reason is reason


def test_a_trailer_behind_an_application_without_a_description_is_its_manifest() -> None:
    manifest = LAMP.manifest(ImageKind.APPLICATION, build_time=0)
    product.check_compiled_in(with_trailer(b"x", manifest), LAMP, name="program")
