"""The status query, by hand: what a device says that it runs, and how one knows that it was it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

import pytest

from emulated_device import (
    PROGRAM,
    EmulatedDevice,
    Host,
    build_version,
    sketch_with_manifest,
)
from owner import MINUTE, NOW, PASSWORD, signed, write_anchor
from platformio_secureota.manifest import ImageKind, Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUESTION_SIZE = 448


def question(nonce: str, size: int = QUESTION_SIZE) -> bytes:
    start = f"RedWax/1.00 cmd=300 nonce={nonce} pad="
    return start.encode() + b"x" * (size - len(start) - 1) + b"\n"


def status(host: Host, nonce: str | None = None) -> dict[str, str]:
    answer = host.ask(question(nonce or secrets.token_hex(16)))
    assert len(answer) <= QUESTION_SIZE
    word, *pairs = answer.decode("ascii").split(" ")
    assert word == "STATUS", answer
    return dict(pair.split("=", 1) for pair in pairs)


def expected_hmac(answer: bytes, nonce: str, salt: str) -> str:
    secret = hashlib.sha256(PASSWORD.encode()).hexdigest().encode()
    key = hashlib.pbkdf2_hmac("sha256", secret, b"status:" + salt.encode(), 10_000)
    covered = answer[: answer.index(b" hmac=")]
    return hmac.new(key, nonce.encode() + b":" + covered, "sha256").hexdigest()


@pytest.fixture
def anchor(tmp_path: Path) -> Path:
    return write_anchor(tmp_path / "anchor.der")


@pytest.fixture
def device(tmp_path: Path, anchor: Path) -> Iterator[EmulatedDevice]:
    with EmulatedDevice(tmp_path / "flash", "--anchor", str(anchor)) as device:
        yield device


@pytest.fixture
def guarded(tmp_path: Path, anchor: Path) -> Iterator[EmulatedDevice]:
    options = ("--anchor", str(anchor), "--password-env", "DEVICE_PASSWORD")
    environment = {"DEVICE_PASSWORD": PASSWORD}
    with EmulatedDevice(tmp_path / "flash", *options, environment=environment) as device:
        yield device


def test_says_what_runs(device: EmulatedDevice) -> None:
    with Host(device) as host:
        found = status(host)
    assert found["image"] == hashlib.sha256(PROGRAM.read_bytes()).hexdigest()
    assert found["state"] == "confirmed"
    assert "last" not in found
    assert "hmac" not in found


def test_says_what_the_manifest_says(tmp_path: Path, anchor: Path) -> None:
    manifest = Manifest(
        ImageKind.APPLICATION, product="kitchen-lamp", version="1.2.3+dirty=yes"
    ).encode()
    sketch = sketch_with_manifest(tmp_path / "sketch.cpp", manifest)
    program = build_version("1", tmp_path / "program", sketch=sketch)
    device = EmulatedDevice(tmp_path / "flash", "--anchor", str(anchor), program=program)
    with device, Host(device) as host:
        found = status(host)
    assert found["product"] == "kitchen-lamp"
    assert found["version"] == "1.2.3+dirty=yes"


def test_says_what_an_update_has_changed(tmp_path: Path, anchor: Path) -> None:
    options = ("--anchor", str(anchor), "--confirm-after", "1")
    newer = PROGRAM.read_bytes() + b"!"
    with EmulatedDevice(tmp_path / "flash", *options) as device, Host(device) as host:
        before = status(host)
        assert host.upload(signed(newer, at=NOW + MINUTE)) == "OK"
        device.wait_for("boot: version 1 from slot 1")
        device.wait_for("listening on ")
        on_trial = status(host)
        device.wait_for("confirmed: ")
        after = status(host)
    assert [found["state"] for found in (before, on_trial, after)] == [
        "confirmed",
        "pending",
        "confirmed",
    ]
    assert on_trial["image"] == after["image"] == hashlib.sha256(newer).hexdigest()
    assert after["image"] != before["image"]
    assert on_trial["floor"] == before["floor"]
    assert after["floor"] == (NOW + MINUTE).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_says_that_the_new_image_was_left_again(tmp_path: Path, anchor: Path) -> None:
    flash = tmp_path / "flash"
    options = ("--anchor", str(anchor), "--confirm-after", "3600")
    with EmulatedDevice(flash, *options) as device, Host(device) as host:
        assert host.upload(signed(PROGRAM.read_bytes() + b"!")) == "OK"
        device.wait_for("boot: version 1 from slot 1")
        device.wait_for("listening on ")
        assert status(host)["state"] == "pending"
    with EmulatedDevice(flash, *options) as device, Host(device) as host:  # the power went
        found = status(host)
    assert found["image"] == hashlib.sha256(PROGRAM.read_bytes()).hexdigest()
    assert found["state"] == "confirmed"
    assert found["last"] == "ImageNotConfirmed"


def test_says_why_the_last_update_was_refused(device: EmulatedDevice) -> None:
    with Host(device) as host:
        assert host.upload(b"x" * 1000).startswith("NotSigned: ")
        assert status(host)["last"] == "NotSigned"
        assert host.upload(signed(PROGRAM.read_bytes())) == "OK"
        assert "last" not in status(host)


def test_answers_during_an_update(device: EmulatedDevice) -> None:
    data = signed(PROGRAM.read_bytes())
    with Host(device) as host, Host(device) as other:
        assert host.ask(host.stock_invitation(data)) == b"OK"
        with host.accept() as connection:
            connection.sendall(data[:-1])
            assert status(other)["state"] == "confirmed"
            connection.sendall(data[-1:])
            said = b""
            while not said.endswith(b"OK"):
                piece = connection.recv(4096)
                assert piece, said
                said += piece


def test_is_authenticated_by_the_password(guarded: EmulatedDevice) -> None:
    with Host(guarded) as host:
        seen = set()
        salts = set()
        for _ in range(3):
            nonce = secrets.token_hex(16)
            answer = host.ask(question(nonce))
            found = status(host, nonce)
            assert found["hmac"] == expected_hmac(answer, nonce, found["salt"])
            seen.add(found["hmac"])
            salts.add(found["salt"])
    assert len(seen) == 3  # each answers one nonce
    assert len(salts) == 1  # so that the host, too, derives the key once


def test_salt_is_new_with_every_start(tmp_path: Path, anchor: Path) -> None:
    salts = set()
    options = ("--anchor", str(anchor), "--password-env", "DEVICE_PASSWORD")
    for _ in range(2):
        environment = {"DEVICE_PASSWORD": PASSWORD}
        device = EmulatedDevice(tmp_path / "flash", *options, environment=environment)
        with device, Host(device) as host:
            salts.add(status(host)["salt"])
    assert len(salts) == 2


@pytest.mark.parametrize("size", [100, 300, QUESTION_SIZE - 1])
def test_question_must_be_as_long_as_any_answer(device: EmulatedDevice, size: int) -> None:
    with Host(device) as host:
        answer = host.ask(question("0" * 32, size))
    assert answer.startswith(b"BadInvitation: ")
    assert len(answer) <= size
