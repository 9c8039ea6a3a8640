"""Where a project's own keys lie, and who makes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509

from platformio_secureota import keystore, pki
from platformio_secureota.anchors import load_anchors
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.pio import project_key


def made(tmp_path: Path, *policies: str) -> project_key.ProjectKey:
    project = tmp_path / "greenhouse"
    project.mkdir(exist_ok=True)
    return project_key.make(project, tmp_path / "config", policies=policies, passphrase=None)


def found(tmp_path: Path) -> project_key.ProjectKey:
    key = project_key.find(tmp_path / "greenhouse", tmp_path / "config")
    assert key is not None
    return key


def key_files(tmp_path: Path) -> set[Path]:
    return set((tmp_path / "config" / "keys").iterdir())


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
    assert keystore.config_dir(environ, platform=platform) == Path(expected)


@pytest.mark.parametrize("name", ["CI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL"])
def test_a_build_server_is_no_person(name: str) -> None:
    assert project_key.is_attended({}, terminal=True)
    assert not project_key.is_attended({}, terminal=False)
    assert not project_key.is_attended({name: "true"}, terminal=True)


def test_a_project_without_an_anchor_has_no_key(tmp_path: Path) -> None:
    assert project_key.find(tmp_path, tmp_path / "config") is None


def test_key_and_certificate_belong_together(tmp_path: Path) -> None:
    key = made(tmp_path)
    assert found(tmp_path) == key
    identity = pki.load_identity(key.key_here())
    assert key.key_here().stem == identity.fingerprint[:32]
    assert "greenhouse" in identity.certificate.subject.rfc4514_string()
    assert pki.exposed_mode(key.key_here()) == ""


def test_a_new_project_has_two_anchors(tmp_path: Path) -> None:
    made(tmp_path, "1.3.6.1.4.1.99999.1")
    key = found(tmp_path)
    identities = [pki.load_identity(path) for path in key.wanted]
    assert [each.certificate.subject.rfc4514_string() for each in identities] == [
        "CN=SecureOTA greenhouse",
        "CN=SecureOTA greenhouse backup",
    ]
    assert [anchor.certificate.der for anchor in load_anchors(key.anchor_pem)] == [
        each.certificate_der for each in identities
    ]
    # The first signs while it is there, and devices take the other for it at any time.
    assert key.key == key.wanted[0]
    assert [project_key.policies_of(each.certificate) for each in identities] == [
        ["1.3.6.1.4.1.99999.1"]
    ] * 2


def test_the_announcement_says_what_to_do_with_each_key(tmp_path: Path) -> None:
    key = made(tmp_path)
    working, backup = key.wanted
    lines = project_key.announcement(key)
    assert f"  secret  {working}" in lines
    assert f"  backup  {backup}" in lines
    assert any(f'secureota key paper "{backup}"' in line for line in lines)
    assert any("remove it from this machine" in line for line in lines)


def test_the_backup_leaves_and_comes_back(tmp_path: Path) -> None:
    working, backup = made(tmp_path).wanted
    away = backup.rename(tmp_path / "paper.pem")
    assert found(tmp_path).key_here() == working
    working.unlink()
    with pytest.raises(Unusable) as error:
        found(tmp_path).key_here()
    assert "secureota key restore" in error.value.hint
    away.rename(backup)
    assert found(tmp_path).key_here() == backup


def test_one_more_backup(tmp_path: Path) -> None:
    key = made(tmp_path, "1.3.6.1.4.1.99999.1")
    path = project_key.add_backup(
        tmp_path / "greenhouse", tmp_path / "config", passphrase=b"sesame"
    )
    now = found(tmp_path)
    assert now.wanted == (*key.wanted, path)
    assert now.anchor_pem.startswith(key.anchor_pem)
    assert now.key == key.key
    identity = pki.load_identity(path, passphrase=b"sesame")
    assert identity.certificate.subject.rfc4514_string() == "CN=SecureOTA greenhouse backup 2"
    assert project_key.policies_of(identity.certificate) == ["1.3.6.1.4.1.99999.1"]


def test_devices_hold_eight_anchors_and_no_backup_is_one_more(tmp_path: Path) -> None:
    made(tmp_path)
    project, config = tmp_path / "greenhouse", tmp_path / "config"
    for _ in range(6):
        project_key.add_backup(project, config, passphrase=None)
    before = key_files(tmp_path)
    with pytest.raises(Unusable) as error:
        project_key.add_backup(project, config, passphrase=None)
    assert error.value.reason is Reason.AnchorUnusable
    assert key_files(tmp_path) == before
    assert len(x509.load_pem_x509_certificates(found(tmp_path).anchor_pem)) == 8


def test_no_backup_where_there_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(Unusable) as error:
        project_key.add_backup(tmp_path, tmp_path / "config", passphrase=None)
    assert error.value.reason is Reason.AnchorMissing
    assert not (tmp_path / "config").exists()


def test_a_key_elsewhere_is_named(tmp_path: Path) -> None:
    key = made(tmp_path).key_here()
    elsewhere = project_key.find(tmp_path / "greenhouse", tmp_path / "other")
    assert elsewhere is not None
    with pytest.raises(Unusable) as error:
        elsewhere.key_here()
    assert error.value.reason is Reason.KeyMissing
    assert key.name in error.value.hint


def test_of_two_builds_one_makes_the_key(tmp_path: Path) -> None:
    first = made(tmp_path)
    # The other build has looked before there was an anchor.
    assert made(tmp_path) == first
    assert key_files(tmp_path) == set(first.wanted)


def test_a_project_that_can_not_be_written_to_gets_no_key(tmp_path: Path) -> None:
    project = tmp_path / "greenhouse"
    project.mkdir()
    (project / "secureota").write_text("a file stands in the way")
    with pytest.raises(Unusable) as error:
        project_key.make(project, tmp_path / "config", policies=[], passphrase=None)
    assert error.value.reason in {Reason.FileUnwritable, Reason.FileUnreadable}
    assert key_files(tmp_path) == set()


def test_where_one_key_can_not_be_written_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, count = pki.write_pem, [0]

    def full(*arguments: object, **options: object) -> None:
        count[0] += 1
        if count[0] == 2:
            raise Unusable(Reason.FileUnwritable, "No space left on device")
        write(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pki, "write_pem", full)
    with pytest.raises(Unusable, match="No space left"):
        made(tmp_path)
    assert key_files(tmp_path) == set()
    assert not (tmp_path / "greenhouse" / "secureota").exists()


@pytest.mark.parametrize("name", ["x" * 200, "a\nb\x1b[31m", "温室", ""])
@pytest.mark.parametrize("role", ["", "backup"])
def test_every_folder_name_makes_a_certificate(name: str, role: str) -> None:
    common_name = project_key.common_name(Path("/", name), role)
    assert pki.generate(name=common_name).certificate
    assert common_name.endswith(role)
