"""A device that fetches its filesystem from a web server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from emulated_device import ROOT, EmulatedDevice, Host, build_version
from file_server import FileServer
from flash_file import FILESYSTEM, FlashFile
from owner import MINUTE, NOW, OURS, signed, write_anchor
from platformio_secureota import Image, Reason, container
from platformio_secureota.manifest import SIZE, ImageKind, Manifest, with_trailer
from platformio_secureota.sign import request_token
from platformio_secureota.tsa import LocalTSA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SKETCH = ROOT / "tests" / "device" / "sketches" / "fetch_files.cpp"
FILES = os.urandom(200_001)
WITH_MANIFEST = with_trailer(FILES, Manifest(ImageKind.FILESYSTEM, ""))
APP = with_trailer(b"no program", Manifest(ImageKind.APPLICATION, ""))
ESP32_APP = b"\xe9" + bytes(31) + bytes.fromhex("3254cdab") + bytes(252) + APP[-SIZE:] + bytes(999)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_version("1", tmp_path_factory.mktemp("files") / "program", sketch=SKETCH)


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    return tmp_path / "flash"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        yield server


def run(flash: Path, program: Path, server: FileServer, data: bytes) -> EmulatedDevice:
    server.data = data
    anchor = write_anchor(flash.parent / "anchor.der")
    url = {"UPDATE_URL": server.url()}
    return EmulatedDevice(flash, "--anchor", str(anchor), program=program, environment=url)


def without_hints(image: bytes) -> bytes:
    token, _ = request_token(Image(image), LocalTSA(OURS, clock=lambda: NOW))
    return container.build(token, image)


def test_it_is_written_once_and_then_nothing_is_new(
    flash: Path, program: Path, server: FileServer
) -> None:
    with run(flash, program, server, signed(WITH_MANIFEST)) as device:
        device.wait_for("start: files")
        device.wait_for("erased filesystem")
        device.wait_for("restarting into slot 0")
        device.wait_for("filesystem: whole")
        # Its token says that it is there already; then its entity tag does.
        device.wait_for("accepted: ")
        device.wait_for("looked: nothing new")
        device.wait_for("looked: nothing new")
        assert server.requests[-1].headers["if-none-match"] == '"1"'
        assert device.count("erased filesystem") == 1
        assert device.count("erased slot") == 0
    there = FlashFile(flash).read(FILESYSTEM, len(FILES) + SIZE)
    assert there == FILES + b"\xff" * SIZE


def test_broken_connections_are_taken_up_again(
    flash: Path, program: Path, server: FileServer
) -> None:
    server.breaks = [100, 70_000, 100_000]
    with run(flash, program, server, signed(WITH_MANIFEST)) as device:
        device.wait_for("restarting into slot 0")
        device.wait_for("filesystem: whole")
        assert device.count("erased filesystem") == 1
    assert FlashFile(flash).read(FILESYSTEM, len(FILES)) == FILES


@pytest.mark.parametrize(
    ("data", "reason", "erases"),
    [
        (signed(APP), Reason.ImageKindMismatch, False),  # its header gives it away,
        (without_hints(ESP32_APP), Reason.ImageKindMismatch, False),  # or its first bytes,
        (without_hints(APP), Reason.ImageKindMismatch, True),  # or its last ones
        (without_hints(FILES), Reason.ManifestMissing, True),
        (signed(WITH_MANIFEST)[:-1] + b"!", Reason.ImageMismatch, True),
    ],
)
def test_what_is_none_is_refused(
    flash: Path, program: Path, server: FileServer, data: bytes, reason: Reason, *, erases: bool
) -> None:
    with run(flash, program, server, data) as device:
        assert device.wait_for("refused: ") == f"refused: {reason.value}: {reason.sentence}"
        device.wait_for(f"looked: {reason.value}")
        assert (device.count("erased filesystem") > 0) == erases
        assert device.count("erased slot") == 0


def test_one_that_is_lost_is_fetched_whatever_is_known(
    flash: Path, program: Path, server: FileServer
) -> None:
    newer = signed(with_trailer(FILES[::-1], Manifest(ImageKind.FILESYSTEM, "")))
    first = signed(WITH_MANIFEST, at=NOW - MINUTE)
    with run(flash, program, server, first) as device, Host(device) as host:
        device.wait_for("looked: nothing new")
        device.wait_for("looked: nothing new")  # by its entity tag, which the next one has too
        # Somebody begins another one by hand, and does not end it.
        server.data = newer
        invitation = host.stock_invitation(newer).split(b" ", 1)[1]
        answer = host.ask(b"100 " + invitation)
        while answer.startswith(b"Busy"):
            answer = host.ask(b"100 " + invitation)
        assert answer == b"OK"
        with host.accept() as connection:
            connection.sendall(newer[: len(newer) // 2])
        device.wait_for("refused: ConnectionLost")
        device.wait_for("restarting into slot 0")
        device.wait_for("filesystem: whole")
    assert FlashFile(flash).read(FILESYSTEM, len(FILES)) == FILES[::-1]
