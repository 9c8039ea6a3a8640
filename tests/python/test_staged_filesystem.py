"""A filesystem by way of the spare slot: the old one stays until the new one has arrived."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from emulated_device import ROOT, EmulatedDevice, Host, build_version
from flash_file import FILESYSTEM, SLOTS, FlashFile
from owner import MINUTE, NOW, signed, write_anchor
from platformio_secureota import Reason, SecureOTAError
from platformio_secureota.manifest import ImageKind, Manifest, with_trailer
from platformio_secureota.ota import ImageKind as Command
from platformio_secureota.ota import upload

if TYPE_CHECKING:
    from pathlib import Path

SKETCH = ROOT / "tests" / "device" / "sketches" / "filesystem.cpp"
OLD, NEW = os.urandom(300_001), os.urandom(300_001)


def files(data: bytes) -> bytes:
    return with_trailer(data, Manifest(ImageKind.FILESYSTEM))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_version("1", tmp_path_factory.mktemp("program") / "program", sketch=SKETCH)


class Staging:
    """A device that stages, in a folder of its own, and what lies in its flash."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._anchor = write_anchor(folder / "anchor.der")
        self._folder = folder / "flash"
        self.flash = FlashFile(self._folder)

    def start(self, *options: str) -> EmulatedDevice:
        anchor = ("--anchor", str(self._anchor), "--staging", "always")
        return EmulatedDevice(self._folder, *anchor, *options, program=self._program)

    def holds(self, data: bytes) -> bool:
        return self.flash.read(FILESYSTEM, len(data)) == data

    def bring(self, data: bytes, device: EmulatedDevice, *, late: bool = False) -> None:
        container = signed(files(data), at=NOW if late else NOW - MINUTE)
        upload(container, device.target, kind=Command.FILESYSTEM)

    def kill_in_mid_copy(self) -> None:
        """Bring OLD; then, as NEW is copied, end both processes as a power cut would."""
        with self.start() as device:
            self.bring(OLD, device)
            device.wait_for("filesystem: whole")
        with (
            self.start("--flash-timing") as device,
            ThreadPoolExecutor(1) as another,
        ):
            outcome = another.submit(self.bring, NEW, device, late=True)
            device.wait_for("erased the spare slot")
            assert self.holds(OLD)
            device.wait_for("erased filesystem")
            firmware = device.firmware()
            while self.holds(OLD):
                assert device.running()
            os.kill(device.boot_stage(), signal.SIGKILL)
            os.kill(firmware, signal.SIGKILL)
            assert isinstance(outcome.exception(), SecureOTAError)
        assert not self.holds(NEW)


@pytest.fixture
def staging(program: Path, tmp_path: Path) -> Staging:
    return Staging(program, tmp_path)


def test_it_is_there_after_the_restart(staging: Staging) -> None:
    with staging.start() as device:
        staging.bring(NEW, device)
        device.wait_for("erased the spare slot")
        device.wait_for("erased filesystem")
        device.wait_for("accepted: ")
        device.wait_for("restarting into slot 0")
        device.wait_for("filesystem: whole")
        device.wait_for("listening on ")
    assert staging.holds(NEW)
    assert staging.flash.read(SLOTS[1], len(files(NEW))) == files(NEW)
    assert device.count("the new filesystem") == 0


def test_an_upload_that_breaks_off_costs_nothing(staging: Staging) -> None:
    with staging.start() as device, Host(device) as host:
        staging.bring(OLD, device)
        device.wait_for("filesystem: whole")
        device.wait_for("listening on ")
        data = signed(files(NEW))
        invitation = host.stock_invitation(data).split(b" ", 1)[1]
        assert host.ask(b"100 " + invitation) == b"OK"
        with host.accept() as connection:
            connection.sendall(data[: len(data) // 2])
        assert device.wait_for("refused: ").startswith("refused: ConnectionLost")
    with staging.start() as device:
        assert "filesystem: whole" in device.lines
    assert staging.holds(OLD)


def test_a_copy_that_was_cut_is_ended_at_the_next_start(staging: Staging) -> None:
    staging.kill_in_mid_copy()
    with staging.start() as device:
        copied = device.lines.index("the new filesystem is copied")
        assert device.lines.index("filesystem: whole") > copied
        assert staging.holds(NEW)
        with pytest.raises(SecureOTAError) as refusal:
            staging.bring(OLD, device)
        assert refusal.value.reason is Reason.OlderThanFloor
    with staging.start() as device:
        assert device.count("the new filesystem") == 0


def test_what_waits_and_is_damaged_is_not_copied(staging: Staging) -> None:
    staging.kill_in_mid_copy()
    at = SLOTS[1] + len(NEW) // 2
    byte = staging.flash.read(at, 1)[0]
    staging.flash.write(at, bytes([byte ^ 1]))
    with staging.start() as device:
        refused = "the new filesystem can't be copied: FlashReadBackMismatch"
        assert device.count(refused) == 1
        assert "filesystem: lost" in device.lines
        staging.bring(NEW, device, late=True)
        device.wait_for("filesystem: whole")
    assert staging.holds(NEW)
