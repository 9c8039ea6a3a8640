"""`secureota doctor`: what can be wrong is said, with what to do, and decides the exit status."""

from __future__ import annotations

import datetime as dt
import json
import os
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from authorities import Company, anchor_of, pem
from command_line import Outcome, Shell
from openssl_tsa import OpensslTsa, send, serving
from platformio_secureota import pki
from platformio_secureota.doctor import Level, checks, project
from platformio_secureota.doctor.finding import good
from platformio_secureota.pio.chips import Target
from platformio_secureota.tsa import LocalTSA, encode

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from openssl_tsa import Answer

ESP32 = Target("espressif32", "arduino")
NO_PROBLEM, A_PROBLEM = 0, 1


@pytest.fixture
def shell(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Shell:
    for name in [name for name in os.environ if name.startswith("SECUREOTA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SECUREOTA_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    # Asking PlatformIO for its version takes a second; one test does.
    if "tools" not in request.node.name:
        monkeypatch.setattr(checks, "tools", lambda: [good("tools", "left out")])
    return Shell(tmp_path, capsys)


def lines(outcome: Outcome, level: str, check: str) -> list[str]:
    start = f"{level:7} {check}: "
    return [line[len(start) :] for line in outcome.out.splitlines() if line.startswith(start)]


def new_key(folder: Path, **settings: object) -> Path:
    path = folder / "key.pem"
    pki.write_pem(path, pki.generate(**settings), replace=True)  # type: ignore[arg-type]
    return path


def answering(tsa: LocalTSA) -> Answer:
    def answer(handler: BaseHTTPRequestHandler, request: bytes) -> None:
        send(handler, tsa.timestamp(request))

    return answer


def test_tools_alone(shell: Shell) -> None:
    outcome = shell("doctor")
    assert outcome.status == NO_PROBLEM
    assert lines(outcome, "ok", "tools")[0].startswith("secureota ")
    assert any("OpenSSL" in line for line in lines(outcome, "ok", "tools"))
    assert not lines(outcome, "problem", "anchor")


def test_a_key_of_ones_own(shell: Shell, tmp_path: Path) -> None:
    key = new_key(tmp_path, name="me")
    outcome = shell("doctor", "--key", key)
    assert outcome.status == NO_PROBLEM, outcome
    assert "CN=me" in lines(outcome, "ok", "key")[0]
    assert "a test token of" in lines(outcome, "ok", "key")[1]
    assert "signs itself" in lines(outcome, "ok", "anchor")[0]
    assert "differ by 0 s" in lines(outcome, "ok", "clock")[0]


def test_a_key_that_others_can_read(shell: Shell, tmp_path: Path) -> None:
    key = new_key(tmp_path)
    key.chmod(0o644)
    outcome = shell("doctor", "--key", key)
    assert outcome.status == A_PROBLEM
    (line,) = lines(outcome, "problem", "key")
    assert line.endswith(f"-> chmod 600 {key}")


def test_a_key_that_is_not_there(shell: Shell, tmp_path: Path) -> None:
    outcome = shell("doctor", "--key", tmp_path / "none.pem")
    assert outcome.status == A_PROBLEM
    assert "KeyMissing" in lines(outcome, "problem", "key")[0]


def test_a_key_of_another_certificate(shell: Shell, tmp_path: Path) -> None:
    key = new_key(tmp_path)
    other = pem(pki.generate().certificate)
    key.write_bytes(key.read_bytes().split(b"-----BEGIN CERT")[0] + other)
    outcome = shell("doctor", "--key", key)
    assert outcome.status == A_PROBLEM
    assert "KeyUnusable" in lines(outcome, "problem", "key")[0]


def test_a_key_that_ends_soon_and_one_that_has_ended(shell: Shell, tmp_path: Path) -> None:
    key = new_key(tmp_path, lifetime=dt.timedelta(days=30))
    outcome = shell("doctor", "--key", key)
    assert outcome.status == NO_PROBLEM
    assert len(lines(outcome, "warning", "key")) == 1
    assert "successor" in lines(outcome, "warning", "anchor")[0]
    past = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=40)
    key = new_key(tmp_path, lifetime=dt.timedelta(days=30), now=past)
    outcome = shell("doctor", "--key", key, "--anchor", key)
    assert outcome.status == A_PROBLEM
    assert "CertificateNotValidAtGenTime" in lines(outcome, "problem", "key")[0]
    assert " ended on " in lines(outcome, "problem", "anchor")[0]


def test_openssl_as_the_authority(shell: Shell, tmp_path: Path) -> None:
    company = Company.make()
    root = company.write_anchor(tmp_path)
    tsa = OpensslTsa(tmp_path, company.signer, ess="sha256")
    with serving(tsa.answer) as server:
        outcome = shell("doctor", "--tsa", server.url, "--anchor", root)
    assert outcome.status == NO_PROBLEM, outcome
    (line,) = lines(outcome, "ok", "tsa")
    assert line.startswith(f"{server.url}: a test token of ")
    assert "by CN=product 1" in line
    assert "may issue" in lines(outcome, "ok", "anchor")[0]


def test_an_authority_that_devices_do_not_trust(shell: Shell, tmp_path: Path) -> None:
    anchor = new_key(tmp_path)
    with serving(answering(LocalTSA(pki.generate()))) as server:
        outcome = shell("doctor", "--tsa", server.url, "--anchor", anchor)
    assert outcome.status == A_PROBLEM
    assert "NotTrusted" in lines(outcome, "problem", "tsa")[0]


def test_an_authority_that_is_not_there(shell: Shell, tmp_path: Path) -> None:
    key = new_key(tmp_path)
    with serving(answering(LocalTSA(pki.generate()))) as server:
        url = server.url
    outcome = shell("doctor", "--tsa", url, "--anchor", key)
    assert outcome.status == A_PROBLEM
    assert "Connection refused" in lines(outcome, "problem", "tsa")[0]


def test_an_authority_without_anchors(shell: Shell) -> None:
    outcome = shell("doctor", "--tsa", "https://tsa.invalid/")
    assert outcome.status == A_PROBLEM
    assert "--anchor" in lines(outcome, "problem", "anchor")[0]


def test_it_asks_for_certificates_and_checks_the_nonce(shell: Shell, tmp_path: Path) -> None:
    key = new_key(tmp_path)
    tsa = LocalTSA.from_pem(key)
    answers = [tsa.timestamp(b"rubbish")]

    def replay(handler: BaseHTTPRequestHandler, request: bytes) -> None:
        answers.append(tsa.timestamp(request))
        send(handler, answers[1])

    with serving(replay) as server:
        assert shell("doctor", "--tsa", server.url, "--anchor", key).status == NO_PROBLEM
        assert server.seen[0][2].endswith(b"\x01\x01\xff")
        outcome = shell("doctor", "--tsa", server.url, "--anchor", key)
    assert outcome.status == A_PROBLEM
    assert "NonceMismatch" in lines(outcome, "problem", "tsa")[0]


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0, "ok"), (30, "ok"), (-30, "ok"), (120, "warning"), (-120, "warning"), (900, "problem")],
)
def test_clocks_that_differ(shell: Shell, tmp_path: Path, seconds: int, level: str) -> None:
    key = tmp_path / "key.pem"
    long_ago = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1)
    identity = pki.generate(now=long_ago)
    pki.write_pem(key, identity)

    def clock() -> dt.datetime:
        return dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=seconds)

    with serving(answering(LocalTSA(identity, clock=clock))) as server:
        outcome = shell("doctor", "--tsa", server.url, "--anchor", key)
    (line,) = lines(outcome, level, "clock")
    shown = int(line.split(" s ")[0].split(" s")[0].split()[-1])
    assert abs(shown - abs(seconds)) <= 2
    assert outcome.status == (A_PROBLEM if level == "problem" else NO_PROBLEM)


def test_plain_http_and_public_services_are_warned_about() -> None:
    anchors = [anchor_of(pki.generate().certificate)]

    class Nobody:
        is_exposed = True
        host = "freetsa.org"
        url = "http://freetsa.org/tsr"

        def timestamp(self, request: bytes) -> bytes:
            del request
            return encode.rejection(0, "no")

    found = checks.authority(Nobody(), anchors, ESP32)  # type: ignore[arg-type]
    warnings = [one.text for one in found if one.level is Level.WARNING]
    assert "plain http" in warnings[0]
    assert "PUBLIC" in warnings[1]
    assert [one.level for one in found[2:]] == [Level.PROBLEM]


def test_json(shell: Shell, tmp_path: Path) -> None:
    outcome = shell("doctor", "--key", tmp_path / "none.pem", "--json")
    found = json.loads(outcome.out)
    assert outcome.status == A_PROBLEM
    assert {"ok", "problem"} <= {one["level"] for one in found}
    assert all(set(one) == {"check", "level", "text", "advice"} for one in found)


def test_keys_that_the_chip_can_not_verify() -> None:
    big = rsa.generate_private_key(public_exponent=65537, key_size=4096)
    pki._GENERATORS["rsa4096"] = lambda: big  # noqa: SLF001 - we offer none
    try:
        identity = pki.generate("rsa4096")
    except pki.Unusable:
        pytest.fail("the generator has changed")
    finally:
        del pki._GENERATORS["rsa4096"]  # noqa: SLF001
    trusted = [anchor_of(identity.certificate)]

    def chip(target: Target) -> list[Level]:
        return [one.level for one in checks.anchors(trusted, target) if one.check == "chip"]

    assert chip(ESP32) == [Level.PROBLEM]
    assert chip(Target("espressif32", "espidf")) == [Level.WARNING]
    assert chip(Target("espressif32", "arduino, espidf")) == [Level.PROBLEM]
    assert chip(Target("native")) == []
    small = [anchor_of(pki.generate("rsa3072").certificate)]
    assert [one.level for one in checks.anchors(small, ESP32)] == [Level.OK]


def test_tokens_that_the_device_has_no_room_for() -> None:
    identity = pki.generate()
    trusted = [anchor_of(identity.certificate)]
    tight = Target("espressif32", "arduino", 600)
    found = checks.try_out(LocalTSA(identity), trusted, tight, check="key", who="k")
    assert [one.check for one in found if one.level is Level.PROBLEM] == ["chip"]
    roomy = checks.try_out(LocalTSA(identity), trusted, ESP32, check="key", who="k")
    assert {one.level for one in roomy} == {Level.OK}


def test_room_for_tokens_is_the_headers(request: pytest.FixtureRequest) -> None:
    header = (request.config.rootpath / "src" / "SecureOTA.h").read_text()
    assert f"#define SECUREOTA_TOKEN_SIZE {ESP32.token_room}" in header
    assert f"#define SECUREOTA_TOKEN_SIZE {Target('native').token_room}" in header


INI = """\
[common]
script = post:../SecureOTA/extra_script.py

[env]
framework = arduino
extra_scripts = ${common.script}

[env:board]
platform = espressif32@6.1.0
build_flags =
  -DFOO
  -DSECUREOTA_TOKEN_SIZE=0x1000
custom_secureota_signing_key = key.pem

[env:desk]
extends = env:board
platform = native
build_flags =

[env:other]
platform = atmelavr
extra_scripts =
"""


def test_environments_of_a_project(tmp_path: Path) -> None:
    (tmp_path / "platformio.ini").write_text(INI)
    board, desk = project.environments(tmp_path)
    assert (board.name, desk.name) == ("board", "desk")
    assert board.target == Target("espressif32", "arduino", 4096)
    assert board.target.token_room == 4096
    assert desk.target == Target("native", "arduino", 0)
    assert desk.signing == {"custom_secureota_signing_key": "key.pem"}


def test_a_project(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "platformio.ini").write_text(INI)
    new_key(tmp_path)
    for words in (("--project", tmp_path), ()):
        outcome = shell("doctor", *words)
        assert outcome.status == NO_PROBLEM, outcome
        assert len(lines(outcome, "ok", "project")) == 2
        assert len(lines(outcome, "ok", "key")) == 4
    outcome = shell("doctor", "-e", "desk")
    assert len(lines(outcome, "ok", "project")) == 1


def test_a_project_with_mistakes(shell: Shell, tmp_path: Path) -> None:
    ini = tmp_path / "platformio.ini"
    ini.write_text(INI.replace("signing_key", "signingkey"))
    outcome = shell("doctor")
    assert outcome.status == A_PROBLEM
    assert "the nearest is custom_secureota_signing_key" in lines(outcome, "problem", "project")[0]
    ini.write_text(INI.replace("custom_secureota_signing_key = key.pem", ""))
    outcome = shell("doctor")
    assert outcome.status == A_PROBLEM
    assert "KeyMissing" in lines(outcome, "problem", "project")[0]


def test_projects_that_are_none(shell: Shell, tmp_path: Path) -> None:
    shell.fails("FileUnreadable", "doctor", "--project", tmp_path)
    (tmp_path / "platformio.ini").write_text("rubbish")
    shell.fails("Usage", "doctor", "--project", tmp_path)
    (tmp_path / "platformio.ini").write_text("[env:x]\nplatform = native\n")
    shell.fails("Usage", "doctor", "--project", tmp_path)
    shell.fails("Usage", "doctor", "--project", tmp_path, "--key", "key.pem")


def test_secrets_are_in_no_line(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key(tmp_path)
    monkeypatch.setenv("SECUREOTA_TSA_TOKEN", "hunter2")
    with serving(answering(LocalTSA.from_pem(key))) as server:
        outcome = shell("doctor", "--tsa", server.url, "--anchor", key)
        assert server.seen[0][1]["Authorization"] == "Bearer hunter2"
    assert "hunter2" not in outcome.out + outcome.err
