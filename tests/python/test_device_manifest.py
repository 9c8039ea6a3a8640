"""What a running device does about manifests: its product, its hardware, its filesystem."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from emulated_device import ROOT, EmulatedDevice, Host, build_version
from flash_file import FILESYSTEM, FlashFile
from owner import MINUTE, NOW, OURS, START, signed, write_anchor
from platformio_secureota import Image, Reason, Refused, TrustAnchor, container
from platformio_secureota.identity import to_der
from platformio_secureota.manifest import SIZE, ImageKind, Manifest, with_trailer
from platformio_secureota.ota import ImageKind as Command
from platformio_secureota.ota import upload
from platformio_secureota.pio import facts
from platformio_secureota.sign import request_token
from platformio_secureota.tsa import LocalTSA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP, FS = ImageKind.APPLICATION, ImageKind.FILESYSTEM
BUILT = int(START.timestamp())
LAMP = Manifest(APP, "lamp", "1.0", ("revA", "revB"), BUILT)
FILES = os.urandom(100_001)
SKETCH = ROOT / "tests" / "device" / "sketches" / "filesystem.cpp"
ESP32 = b"\xe9" + bytes(31) + bytes.fromhex("3254cdab") + bytes(252)


def app(product: str = "lamp", *hardware: str, body: bytes = b"no program") -> bytes:
    return with_trailer(body, Manifest(APP, product, hardware=hardware))


def files(product: str = "lamp", *hardware: str, data: bytes = FILES) -> bytes:
    return with_trailer(data, Manifest(FS, product, hardware=hardware))


@pytest.fixture(scope="module")
def lamp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of a lamp, whose manifest is compiled in as `pio` does it."""
    folder = tmp_path_factory.mktemp("lamp")
    anchors = [TrustAnchor.from_der(to_der(OURS.certificate))]
    source = folder / "build_facts.cpp"
    source.write_text(facts.source(anchors=anchors, policies=[], manifest=LAMP))
    return build_version("1", folder / "program", str(source), sketch=SKETCH)


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    return tmp_path / "flash"


@pytest.fixture
def device(lamp: Path, flash: Path) -> Iterator[EmulatedDevice]:
    with EmulatedDevice(flash, program=lamp) as device:
        yield device


def refused(image: bytes, device: EmulatedDevice, kind: Command = Command.APPLICATION) -> Reason:
    """The device's verdict, where nobody has looked at the image before."""
    token, _ = request_token(Image(image), LocalTSA(OURS, clock=lambda: NOW))
    data = container.build(token, image)  # no hints
    with Host(device) as host:
        invitation = host.stock_invitation(data).split(b" ", 1)[1]
        assert host.ask(b"%d %s" % (kind, invitation)) == b"OK"
        said = host.deliver(data)
    device.wait_for("refused: ")  # and everything that it said before
    return Reason(said.partition(":")[0])


class TestApplication:
    """Two products, two hardware revisions, no manifest."""

    def test_its_own_runs(self, device: EmulatedDevice, flash: Path, lamp: Path) -> None:
        image = with_trailer(lamp.read_bytes(), LAMP)
        upload(signed(image), device.target)
        device.wait_for("restarting into slot 1")
        device.wait_for("confirmed: ")
        assert FlashFile(flash).program(1) == image

    @pytest.mark.parametrize(
        ("image", "reason"),
        [
            (app("heater"), Reason.WrongProduct),
            (app("lamp", "revC"), Reason.WrongHardware),
            (app("lamp", "revA"), Reason.WrongHardware),  # it may be a revB
            (b"no manifest at all" * 100, Reason.ManifestMissing),
            (b"x" + b"SOTAinfo" + bytes(248), Reason.ManifestMalformed),
            (files(), Reason.ImageKindMismatch),
        ],
    )
    def test_others_do_not(self, device: EmulatedDevice, image: bytes, reason: Reason) -> None:
        assert refused(image, device) is reason
        assert device.count("erased slot 1") == 1
        assert device.count("restarting") == 0

    @pytest.mark.parametrize(
        ("image", "reason"),
        [
            (ESP32 + Manifest(APP, "heater").encode() + bytes(5000), Reason.WrongProduct),
            (ESP32 + Manifest(APP, "lamp", hardware=("revC",)).encode(), Reason.WrongHardware),
            (ESP32 + bytes(5000), Reason.ManifestMissing),
            (ESP32 + bytes(256) + app(), Reason.ManifestMissing),
            (ESP32 + b"SOTAinfo" + bytes(5000), Reason.ManifestMalformed),
        ],
    )
    def test_an_esp32_application_is_refused_before_a_sector_is_erased(
        self, device: EmulatedDevice, image: bytes, reason: Reason
    ) -> None:
        assert refused(image, device) is reason
        assert device.count("erased") == 0

    def test_a_hint_is_enough_to_refuse(self, device: EmulatedDevice) -> None:
        parts = container.parse(signed(app()))
        liar = container.build(parts.token, parts.image, keys={"product": "heater"})
        with pytest.raises(Refused) as refusal:
            upload(liar, device.target)
        assert refusal.value.reason is Reason.WrongProduct
        device.wait_for("refused: ")
        assert device.count("erased") == 0

    def test_a_hint_is_not_enough_to_be_taken(self, device: EmulatedDevice) -> None:
        parts = container.parse(signed(b"no manifest at all" * 100))
        liar = container.build(parts.token, parts.image, keys={"product": "lamp", "kind": "app"})
        with pytest.raises(Refused) as refusal:
            upload(liar, device.target)
        assert refusal.value.reason is Reason.ManifestMissing

    def test_a_sketch_that_knows_its_board(self, lamp: Path, flash: Path) -> None:
        environment = {"SKETCH_HARDWARE": "revA"}
        with EmulatedDevice(flash, program=lamp, environment=environment) as device:
            assert refused(app("lamp", "revB"), device) is Reason.WrongHardware
            upload(signed(app("lamp", "revA")), device.target)
            device.wait_for("restarting into slot 1")

    def test_a_sketch_that_names_no_revision_at_all(self, lamp: Path, flash: Path) -> None:
        environment = {"SKETCH_HARDWARE": "rev A"}
        with EmulatedDevice(flash, program=lamp, environment=environment) as device:
            assert "no such revision can be" in device.lines
            assert refused(app("lamp", "revA", "revB"), device) is Reason.WrongHardware

    def test_a_device_that_is_no_product_takes_any(self, tmp_path: Path) -> None:
        anchor = str(write_anchor(tmp_path / "anchor.der"))
        with EmulatedDevice(tmp_path / "flash", "--anchor", anchor) as device:
            upload(signed(app("heater", "revC")), device.target)
            device.wait_for("restarting into slot 1")


class TestFilesystem:
    """Written in place, without its manifest; what runs goes on."""

    def test_it_is_there_after_the_restart(self, device: EmulatedDevice, flash: Path) -> None:
        assert "filesystem: whole" in device.lines
        upload(signed(files("lamp", "revA", "revB")), device.target, kind=Command.FILESYSTEM)
        device.wait_for("erased filesystem")
        device.wait_for("accepted: ")
        device.wait_for("restarting into slot 0")
        device.wait_for("filesystem: whole")
        there = FlashFile(flash).read(FILESYSTEM, len(FILES) + SIZE)
        assert there == FILES + b"\xff" * SIZE
        assert device.count("erased slot") == 0

    @pytest.mark.parametrize(
        ("image", "reason"),
        [
            (app(), Reason.ImageKindMismatch),
            (files("heater"), Reason.WrongProduct),
            (files("lamp", "revC"), Reason.WrongHardware),
            (FILES, Reason.ManifestMissing),
        ],
    )
    def test_others_leave_none(
        self, device: EmulatedDevice, lamp: Path, flash: Path, image: bytes, reason: Reason
    ) -> None:
        assert refused(image, device, Command.FILESYSTEM) is reason
        assert device.count("erased slot") == 0
        assert FlashFile(flash).program(0) == lamp.read_bytes()

    def test_an_esp32_application_is_told_before_the_filesystem_is_erased(
        self, device: EmulatedDevice
    ) -> None:
        image = ESP32 + LAMP.encode() + bytes(5000)
        assert refused(image, device, Command.FILESYSTEM) is Reason.ImageKindMismatch
        assert device.count("erased") == 0

    def test_what_was_begun_and_not_ended_is_remembered_and_repaired(
        self, lamp: Path, flash: Path
    ) -> None:
        data = signed(files())
        with EmulatedDevice(flash, program=lamp) as device, Host(device) as host:
            invitation = host.stock_invitation(data).split(b" ", 1)[1]
            assert host.ask(b"100 " + invitation) == b"OK"
            with host.accept() as connection:
                connection.sendall(data[: len(data) // 2])
            assert device.wait_for("refused: ").startswith("refused: ConnectionLost")
        with EmulatedDevice(flash, program=lamp) as device:
            assert "filesystem: lost" in device.lines
        repairs = {"SKETCH_REPAIRS": "1"}
        with EmulatedDevice(flash, program=lamp, environment=repairs) as device:
            assert device.lines.index("filesystem: repaired") > device.lines.index(
                "filesystem: lost"
            )
        with EmulatedDevice(flash, program=lamp) as device:
            assert "filesystem: whole" in device.lines

    def test_an_update_repairs_too(self, device: EmulatedDevice) -> None:
        assert refused(files("heater"), device, Command.FILESYSTEM) is Reason.WrongProduct
        upload(signed(files()), device.target, kind=Command.FILESYSTEM)
        device.wait_for("restarting")
        device.wait_for("filesystem: whole")

    def test_its_floor_is_its_own(self, device: EmulatedDevice) -> None:
        upload(signed(files(), at=NOW), device.target, kind=Command.FILESYSTEM)
        device.wait_for("listening on ")
        with pytest.raises(Refused) as refusal:
            upload(
                signed(files(data=b"older"), at=NOW - MINUTE),
                device.target,
                kind=Command.FILESYSTEM,
            )
        assert refusal.value.reason is Reason.OlderThanFloor
        device.wait_for("refused: ")
        assert device.count("erased filesystem") == 1
        upload(signed(app(), at=NOW - MINUTE), device.target)
        device.wait_for("erased slot 1")

    def test_too_large(self, device: EmulatedDevice) -> None:
        with pytest.raises(Refused) as refusal:
            upload(
                signed(files(data=bytes(1024 * 1024 + 1))),
                device.target,
                kind=Command.FILESYSTEM,
            )
        assert refusal.value.reason is Reason.ImageTooLarge
        upload(signed(files(data=bytes(1024 * 1024))), device.target, kind=Command.FILESYSTEM)
        device.wait_for("erased filesystem")
