"""Authorities on the command line: several of them, and what is warned about."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from authorities import Company
from command_line import Shell
from openssl_tsa import OpensslTsa, send, serving
from platformio_secureota import pki, public_tsas
from platformio_secureota.anchors import read_anchors
from platformio_secureota.tsa import LocalTSA

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

NOWHERE = "http://127.0.0.1:9/"


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    for name in [name for name in os.environ if name.startswith("SECUREOTA_")]:
        monkeypatch.delenv(name)
    (tmp_path / "firmware.bin").write_bytes(b"\xe9 firmware")
    return Shell(tmp_path, capsys)


def test_the_second_authority_signs(shell: Shell) -> None:
    company = Company.make()
    root = company.write_anchor(shell.folder)
    openssl = OpensslTsa(shell.folder, company.signer, ess="sha256")
    image = shell.folder / "firmware.bin"
    with serving(openssl.answer) as server:
        words = ("--tsa", NOWHERE, "--tsa", server.url, "--anchor", root)
        outcome = shell("sign", image, *words)
    assert outcome.status == 0, outcome
    assert "127.0.0.1: Connection refused, 3 times; asking the next authority" in outcome.err
    assert shell("verify", "--anchor", root, image.with_suffix(".signed.bin")).status == 0


def test_a_wrong_token_of_the_first_is_an_error(shell: Shell) -> None:
    company = Company.make()
    root = company.write_anchor(shell.folder)
    stranger = LocalTSA(pki.generate())

    def wrong(handler: BaseHTTPRequestHandler, request: bytes) -> None:
        send(handler, stranger.timestamp(request))

    def right(handler: BaseHTTPRequestHandler, request: bytes) -> None:
        send(handler, LocalTSA(company.signer).timestamp(request))

    image = shell.folder / "firmware.bin"
    with serving(wrong) as first, serving(right) as second:
        words = ("--tsa", first.url, "--tsa", second.url, "--anchor", root)
        shell.fails("NotTrusted", "sign", image, *words, status=1)
        assert second.seen == []
    assert not image.with_suffix(".signed.bin").exists()


def test_every_failure_is_in_the_message(shell: Shell) -> None:
    root = Company.make().write_anchor(shell.folder)
    image = shell.folder / "firmware.bin"
    words = ("--tsa", NOWHERE, "--tsa", "http://localhost:9/", "--anchor", root)
    outcome = shell("sign", image, *words)
    (line,) = (line for line in outcome.err.splitlines() if "error: TsaUnreachable" in line)
    assert outcome.status == 2
    assert "127.0.0.1: Connection refused" in line
    assert "localhost: " in line


def test_a_public_anchor_is_warned_about(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    key = shell.folder / "key.pem"
    pki.write_pem(key, pki.generate())
    image = shell.folder / "firmware.bin"
    assert "PUBLIC" not in shell("sign", image, "--key", key).err
    (anchor,) = read_anchors(key)
    digest = anchor.certificate.spki_digest.hex()
    monkeypatch.setitem(public_tsas.KEYS, digest, "freetsa.org")
    assert "PUBLIC TRUST ANCHOR" in shell("sign", image, "--key", key).err


@pytest.mark.parametrize("host", ["tsa.invalid", "timestamp.tsa.sk.ee.invalid"])
def test_plain_http_is_warned_about_by_both_commands(shell: Shell, host: str) -> None:
    root = Company.make().write_anchor(shell.folder)
    image = shell.folder / "firmware.bin"
    url = f"http://{host}/"
    words = ("--tsa-timeout", "0.3", "--anchor", root)
    signing = shell("sign", image, "--tsa", url, *words)
    assert f"plain http to {host}" in signing.err
    sending = shell("espota", "-i", "127.0.0.1", "-f", image, f"--sign={url}", "--anchor", root)
    assert f"plain http to {host}" in sending.err
    assert 0 not in (signing.status, sending.status)


def test_a_token_file_that_others_can_read(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    token = shell.folder / "token"
    token.write_text("hunter2\n")
    token.chmod(0o644)
    monkeypatch.setenv("SECUREOTA_TSA_TOKEN_FILE", str(token))
    root = Company.make().write_anchor(shell.folder)
    words = ("sign", shell.folder / "firmware.bin", "--tsa", NOWHERE, "--anchor", root)
    outcome = shell(*words)
    assert f"{token} has mode 0644" in outcome.err
    assert "hunter2" not in outcome.out + outcome.err
    token.chmod(0o600)
    assert "has mode" not in shell(*words).err
