"""`secureota sign`, `inspect` and `upload`, and what images say about themselves."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from command_line import Shell
from platformio_secureota import container
from platformio_secureota.manifest import ImageKind, Manifest, with_trailer
from stock_device import StockDevice

BODY = b"\x7fELF" + bytes(1000)
ESP32 = b"\xe9" + bytes(31) + bytes.fromhex("3254cdab") + bytes(252)
LAMP = Manifest(ImageKind.APPLICATION, "lamp", "1.2.3", ("revA", "revB"))
WORDS = (
    "--product",
    "lamp",
    "--image-version",
    "1.2.3",
    "--hardware",
    "revA",
    "--hardware",
    "revB",
)


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.delenv("SECUREOTA_KEY_PASSPHRASE", raising=False)
    Path("program.bin").write_bytes(BODY)
    shell = Shell(tmp_path, capsys)
    shell("keygen", "--out", "key.pem", "--certificate-out", "cert.pem")
    return shell


def sign(shell: Shell, *words: str) -> container.Container:
    """Sign program.bin."""
    outcome = shell("sign", "program.bin", "--key", "key.pem", *words)
    assert outcome.status == 0, outcome
    return container.parse(Path("program.signed.bin").read_bytes())


def test_a_manifest_is_signed_along_and_the_covered_file_is_kept(shell: Shell) -> None:
    signed = sign(shell, *WORDS, "--token-out", "program.tsr")
    assert signed.image == BODY + LAMP.encode()
    assert signed.keys == {"product": "lamp", "kind": "app"}
    assert Path("program.image.bin").read_bytes() == signed.image
    judge = ["openssl", "ts", "-verify", "-in", "program.tsr", "-data", "program.image.bin"]
    subprocess.run([*judge, "-CAfile", "cert.pem"], check=True, capture_output=True)
    assert shell("verify", "--anchor", "cert.pem", "program.signed.bin").status == 0


def test_without_such_an_option_the_image_is_signed_as_it_is(shell: Shell) -> None:
    signed = sign(shell)
    assert (signed.image, signed.keys) == (BODY, {})
    assert not Path("program.image.bin").exists()


@pytest.mark.parametrize(
    ("words", "manifest"),
    [
        (("--kind", "fs"), Manifest(ImageKind.FILESYSTEM)),
        (("--kind", "app"), Manifest(ImageKind.APPLICATION)),
        (("--hardware", "revA"), Manifest(ImageKind.APPLICATION, hardware=("revA",))),
        (("--image-version", "7"), Manifest(ImageKind.APPLICATION, version="7")),
    ],
)
def test_any_of_the_options_asks_for_one(
    shell: Shell, words: tuple[str, ...], manifest: Manifest
) -> None:
    assert sign(shell, *words).image == BODY + manifest.encode()


def test_what_can_not_be_said(shell: Shell) -> None:
    for words in (("--product", "kitchen lamp"), ("--hardware", "a", "--hardware", "a")):
        shell.fails("Usage", "sign", "program.bin", "--key", "key.pem", *words)
    shell.fails("Usage", "sign", "program.bin", "--key", "key.pem", "--kind", "spiffs")
    assert not Path("program.signed.bin").exists()


def test_what_has_one_gets_no_second(shell: Shell) -> None:
    for image in (with_trailer(BODY, LAMP), ESP32 + LAMP.encode() + BODY):
        Path("program.bin").write_bytes(image)
        shell.fails("Usage", "sign", "program.bin", "--key", "key.pem", *WORDS)
        signed = sign(shell)  # and its own goes into the header
        assert (signed.image, signed.keys) == (image, {"product": "lamp", "kind": "app"})


def test_a_malformed_one_is_not_signed(shell: Shell) -> None:
    Path("program.bin").write_bytes(BODY + b"SOTAinfo" + bytes(248))
    shell.fails("ManifestMalformed", "sign", "program.bin", "--key", "key.pem", status=1)


def test_an_image_from_tomorrow_is_not_signed_today(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(time.time()) + 86400))
    words = ("sign", "program.bin", "--key", "key.pem", "--product", "lamp")
    outcome = shell.fails("BuiltLater", *words, status=1)
    ahead = int(outcome.err.split("by ")[1].split(" s")[0])
    assert 86300 < ahead <= 86400
    assert not Path("program.signed.bin").exists()
    assert not Path("program.image.bin").exists()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert sign(shell, "--product", "lamp").image.endswith(
        Manifest(ImageKind.APPLICATION, "lamp", build_time=1700000000).encode()
    )


def test_inspect_shows_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    sign(shell, *WORDS)
    shown = json.loads(shell("inspect", "program.signed.bin", "--json").out)
    assert shown["manifest"] == {
        "kind": "application",
        "product": "lamp",
        "hardware": ["revA", "revB"],
        "version": "1.2.3",
        "build_time": "2023-11-14T22:13:20Z",
    }
    text = shell("inspect", "program.signed.bin").out
    for words in ("manifest", "lamp", "revA, revB", "1.2.3", "2023-11-14T22:13:20Z"):
        assert words in text
    sign(shell)
    assert json.loads(shell("inspect", "program.signed.bin", "--json").out)["manifest"] is None


def test_inspect_shows_a_malformed_one(shell: Shell) -> None:
    parts = sign(shell)
    bad = container.build(parts.token, BODY + b"SOTAinfo" + bytes(248))
    Path("bad.bin").write_bytes(bad)
    shown = json.loads(shell("inspect", "bad.bin", "--json").out)
    assert shown["manifest"] == {"malformed": "format version 0"}


@pytest.mark.parametrize(("made", "sent"), [("fs", "app"), ("app", "fs")])
def test_one_kind_is_not_sent_as_the_other(shell: Shell, made: str, sent: str) -> None:
    sign(shell, "--kind", made)
    with StockDevice() as device:
        shell.fails(
            "ImageKindMismatch",
            *("upload", "program.signed.bin", f"127.0.0.1:{device.port}", "--kind", sent),
            status=1,
        )
    assert device.heard == []
