"""The keys that a project gets when nothing is configured: one to work with, and a backup."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Callable

import pytest
from conftest import PROGRAM

from platformio_secureota import container, pki
from platformio_secureota.pio import project_key

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

    NewProject = Callable[..., Project]


def keys(project: Project) -> list[Path]:
    return sorted(project.config.rglob("*.pem"))


def both_keys(project: Project) -> tuple[Path, Path]:
    """The working key and the backup, in the order of the anchors; and there are no others."""
    found = project_key.find(project.folder, project.config)
    assert found is not None
    working, backup = found.wanted
    assert keys(project) == sorted(found.wanted)
    return working, backup


def signer(project: Project) -> str:
    """Who signed what was built, as the tool says it of the verified token."""
    said = secureota(
        project, "verify", "--anchor", str(project.anchor), str(project.signed)
    ).splitlines()[-1]
    assert said.startswith("accepted: "), said
    return said.partition(" by ")[2].partition(",")[0]


def secureota(project: Project, *words: str) -> str:
    """Run the command in the project's folder; returns what it says on stdout."""
    command = [sys.executable, "-m", "platformio_secureota", *words]
    environ = {**project.environment(), "PYTHONPATH": str(project.tool)}
    done = subprocess.run(
        command, cwd=project.folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nobody_is_present_and_no_key_is_made(new_project: NewProject) -> None:
    project = new_project()
    run = project.run().refused("KeyMissing", "secureota keygen")
    assert run.steps == []
    assert not project.anchor.exists()
    assert keys(project) == []


def test_keygen_is_an_explicit_wish(new_project: NewProject) -> None:
    project = new_project()
    run = project.run("keygen").ok()
    working, backup = both_keys(project)
    for key in (working, backup):
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.parent.stat().st_mode & 0o777 == 0o700
        assert str(key) in run.output
    paper = f'secureota key paper "{backup}"'
    for text in (paper, "remove it from this machine", "secureota/anchor.pem", "commit it"):
        assert text in run.output
    assert b"PRIVATE" not in project.anchor.read_bytes()
    identities = [pki.load_identity(key) for key in (working, backup)]
    assert project.run().ok().steps[-1] == "Signing program"
    assert bytes.fromhex(project.facts()["anchors"]) == b"".join(
        identity.certificate_der for identity in identities
    )
    assert signer(project) == "CN=SecureOTA greenhouse"
    assert project.run().ok().steps == []
    # A second wish finds that it was granted.
    assert str(working) in project.run("keygen").ok().output
    assert keys(project) == sorted([working, backup])


def test_builds_go_on_when_the_backup_has_left_the_machine(new_project: NewProject) -> None:
    project = new_project()
    project.run("keygen").ok()
    project.run().ok()
    _, backup = both_keys(project)
    backup.unlink()
    assert project.run().ok().steps == []
    project.write("src/main.cpp", PROGRAM + "int more = 1;\n")
    assert project.run("verify").ok().steps[-1] == "Signing program"
    assert signer(project) == "CN=SecureOTA greenhouse"


def test_a_lost_key_is_replaced_by_the_backup_from_its_sheet(
    new_project: NewProject, tmp_path: Path
) -> None:
    project = new_project()
    project.run("keygen").ok()
    project.run().ok()
    working, backup = both_keys(project)
    sheet = tmp_path / "backup.txt"
    secureota(project, "key", "paper", str(backup), "--out", str(sheet))
    secret = backup.read_bytes()
    backup.unlink()
    working.unlink()
    # The firmware that is in the field; what is built from now on must suit it.
    anchors = project.facts()["anchors"]
    project.run("verify").refused("not on this machine", "secureota key restore")
    secureota(project, "key", "restore", str(sheet))
    assert backup.read_bytes() == secret
    run = project.run("verify").ok()
    assert "accepted: program.signed.bin" in run.output
    assert signer(project) == "CN=SecureOTA greenhouse backup"
    assert project.facts()["anchors"] == anchors


def test_a_person_at_a_terminal_gets_a_key(new_project: NewProject) -> None:
    project = new_project()
    status, output = run_in_terminal(project)
    assert status == 0, output
    for key in both_keys(project):
        assert str(key) in output
    assert "secureota key paper" in output
    assert project.signed.exists()


def test_a_terminal_in_ci_is_no_person(new_project: NewProject) -> None:
    project = new_project()
    status, output = run_in_terminal(project, CI="true")
    assert status != 0
    assert "KeyMissing" in output
    assert keys(project) == []
    assert not project.anchor.exists()


def test_a_second_clone_on_this_machine_finds_the_key(new_project: NewProject) -> None:
    project = new_project()
    project.run("keygen").ok()
    clone = new_project(name="clone")
    shutil.copytree(project.folder / "secureota", clone.folder / "secureota")
    assert "Signing program" in clone.run().ok().steps
    assert len(keys(project)) == 2


def test_a_clone_elsewhere_never_makes_a_second_key(new_project: NewProject) -> None:
    project = new_project()
    project.run("keygen").ok()
    key, _ = both_keys(project)
    anchor = project.anchor.read_bytes()
    shutil.rmtree(project.config)
    for goals in ((), ("keygen",), ("upload",)):
        project.run(*goals, port="127.0.0.1").refused("not on this machine", key.name)
    status, output = run_in_terminal(project)
    assert status != 0
    assert "not on this machine" in output
    assert keys(project) == []
    assert project.anchor.read_bytes() == anchor
    # The firmware needs only the certificate: it compiles, and is not signed.
    assert project.image.exists()
    assert not project.signed.exists()


def test_the_key_is_no_part_of_the_project(new_project: NewProject) -> None:
    project = new_project()
    project.run("keygen").ok()
    project.run().ok()
    for path in project.folder.rglob("*"):
        assert not path.is_file() or b"PRIVATE KEY" not in path.read_bytes(), path


def test_a_passphrase_protects_the_new_key(new_project: NewProject) -> None:
    project = new_project()
    project.run("keygen", SECUREOTA_KEY_PASSPHRASE="sesame").ok()
    for key in both_keys(project):
        assert b"ENCRYPTED PRIVATE KEY" in key.read_bytes()
    project.run().refused("SECUREOTA_KEY_PASSPHRASE")
    project.run(SECUREOTA_KEY_PASSPHRASE="sesame").ok()


def test_a_second_anchor_is_compiled_in_and_the_key_at_hand_signs(
    new_project: NewProject,
) -> None:
    project = new_project()
    project.run("keygen").ok()
    spare = pki.generate(name="spare")
    own = project.anchor.read_bytes()
    project.anchor.write_bytes(pki_pem(spare) + own)
    project.run().ok()
    assert spare.certificate_der in bytes.fromhex(project.facts()["anchors"])
    assert len(container.parse(project.signed.read_bytes()).token) > 0


@pytest.mark.parametrize("content", ["", "no certificate\n"])
def test_an_anchor_that_is_none_is_an_error(new_project: NewProject, content: str) -> None:
    project = new_project()
    project.write("secureota/anchor.pem", content)
    run = project.run().refused("AnchorUnusable", "secureota/anchor.pem")
    assert run.steps == []
    assert project.anchor.read_text() == content


def pki_pem(identity: pki.SigningIdentity) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    return identity.certificate.public_bytes(Encoding.PEM)


def run_in_terminal(project: Project, **environ: str) -> tuple[int, str]:
    """`pio run` with a pseudo-terminal for its input and output."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "platformio", "run"],
        cwd=project.folder,
        env={**project.environment(), **environ},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    output = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # that is how a pseudo-terminal ends
            break
        if not piece:
            break
        output += piece
    os.close(ours)
    return process.wait(60), output.decode("utf-8", "replace")
