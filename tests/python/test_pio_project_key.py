"""Where a project's own key lies, and who makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from platformio_secureota import pki
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.pio import project_key


def made(tmp_path: Path) -> project_key.ProjectKey:
    project = tmp_path / "greenhouse"
    project.mkdir(exist_ok=True)
    return project_key.make(project, tmp_path / "config", policies=[], passphrase=None)


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({"SECUREOTA_CONFIG_DIR": "/keys", "XDG_CONFIG_HOME": "/xdg"}, "linux", "/keys"),
        ({"XDG_CONFIG_HOME": "/xdg"}, "linux", "/xdg/secureota"),
        ({"XDG_CONFIG_HOME": "relative"}, "linux", "/home/fred/.config/secureota"),
        ({}, "darwin", "/home/fred/.config/secureota"),
        ({"APPDATA": "/appdata"}, "win32", "/appdata/secureota"),
        ({"APPDATA": "/appdata"}, "linux", "/home/fred/.config/secureota"),
    ],
)
def test_the_configuration_directory(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], platform: str, expected: str
) -> None:
    monkeypatch.setenv("HOME", "/home/fred")
    assert project_key.config_dir(environ, platform=platform) == Path(expected)


@pytest.mark.parametrize("name", ["CI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL"])
def test_a_build_server_is_no_person(name: str) -> None:
    assert project_key.is_attended({}, terminal=True)
    assert not project_key.is_attended({}, terminal=False)
    assert not project_key.is_attended({name: "true"}, terminal=True)


def test_a_project_without_an_anchor_has_no_key(tmp_path: Path) -> None:
    assert project_key.find(tmp_path, tmp_path / "config") is None


def test_key_and_certificate_belong_together(tmp_path: Path) -> None:
    key = made(tmp_path)
    assert project_key.find(tmp_path / "greenhouse", tmp_path / "config") == key
    identity = pki.load_identity(key.key_here())
    assert key.key_here().stem == identity.fingerprint[:32]
    assert "greenhouse" in identity.certificate.subject.rfc4514_string()
    assert pki.exposed_mode(key.key_here()) == ""


def test_a_key_elsewhere_is_named(tmp_path: Path) -> None:
    key = made(tmp_path).key_here()
    found = project_key.find(tmp_path / "greenhouse", tmp_path / "other")
    assert found is not None
    with pytest.raises(Unusable) as error:
        found.key_here()
    assert error.value.reason is Reason.KeyMissing
    assert key.name in error.value.hint


def test_of_two_builds_one_makes_the_key(tmp_path: Path) -> None:
    first = made(tmp_path)
    # The other build has looked before there was an anchor.
    assert made(tmp_path) == first
    assert list((tmp_path / "config" / "keys").iterdir()) == [first.key]


def test_a_project_that_can_not_be_written_to_gets_no_key(tmp_path: Path) -> None:
    project = tmp_path / "greenhouse"
    project.mkdir()
    (project / "secureota").write_text("a file stands in the way")
    with pytest.raises(Unusable) as error:
        project_key.make(project, tmp_path / "config", policies=[], passphrase=None)
    assert error.value.reason in {Reason.FileUnwritable, Reason.FileUnreadable}
    assert list((tmp_path / "config" / "keys").iterdir()) == []


@pytest.mark.parametrize("name", ["x" * 200, "a\nb\x1b[31m", "温室", ""])
def test_every_folder_name_makes_a_certificate(name: str) -> None:
    assert pki.generate(name=project_key.common_name(Path("/", name))).certificate
