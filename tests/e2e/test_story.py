"""The whole path: `pio run -t upload` to a device that runs what it verified, and refuses the rest.

The device is examples/EmulatedDevice, built by `pio` as its user builds it.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from conftest import ROOT, Project
from emulated_device import EmulatedDevice
from platformio_secureota import Image, Refused, container, ota, pki, sign
from platformio_secureota.anchors import TrustAnchor
from platformio_secureota.tsa import LocalTSA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Story:
    """A project, its device, and what was sent in the course of it."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project = project
        self.flash = folder / "flash"
        self.key = folder / "key.pem"

    def set_version(self, version: str) -> None:
        sketch = (ROOT / "examples" / "EmulatedDevice" / "src" / "main.cpp").read_text("utf-8")
        define = f'#define FIRMWARE_VERSION "{version}"\n'
        self.project.write("src/main.cpp", define + sketch)

    def upload(self, device: EmulatedDevice, *, status: bool = True) -> str:
        run = self.project.run("upload", port=f"127.0.0.1:{device.port}")
        assert (run.status == 0) is status, run.output
        return run.output

    def signed_by(self, identity: pki.SigningIdentity, image: bytes) -> bytes:
        anchor = TrustAnchor.from_der(identity.anchor_der)
        return sign(Image(image), LocalTSA(identity), anchors=[anchor]).container


def slots(folder: Path) -> dict[str, bytes]:
    """Everything in the emulated flash."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def story(core: Path, tmp_path: Path) -> Iterator[Story]:
    library = tmp_path / "SecureOTA"
    ignored = shutil.ignore_patterns("__pycache__", ".*", "build", "*.egg-info")
    shutil.copytree(ROOT, library, ignore=ignored)
    project = Project(tmp_path / "greenhouse", core, library, tmp_path / "config", "native")
    project.folder.mkdir()
    pki.write_pem(tmp_path / "key.pem", pki.generate(name="owner"))
    project.ini(
        f"custom_secureota_signing_key = {tmp_path / 'key.pem'}",
        f"lib_deps = symlink://{library}",
        "build_flags = -lmbedcrypto",
    )
    yield Story(project, tmp_path)


@pytest.mark.timeout(300)
def test_the_story(story: Story) -> None:
    project = story.project
    story.set_version("1")
    project.run().ok()
    first = project.signed.read_bytes()
    with EmulatedDevice(story.flash, "--flash", program=project.image) as device:
        assert device.count("boot: version 1 ") == 1

        # Version 2, as its user sends it.
        story.set_version("2")
        assert "accepted by" in story.upload(device)
        assert device.wait_for("boot: version 2 ")
        second = project.signed.read_bytes()
        device.wait_for("listening on ")

        # What is not signed by whom the device trusts, changes nothing.
        flash = slots(story.flash)
        image = container.parse(second).image
        flipped = bytearray(second)
        flipped[-100] ^= 1
        stranger = story.signed_by(pki.generate(name="stranger"), image + b"x")
        for data, reasons in (
            (stranger, {"NotTrusted", "CertificateSignatureInvalid"}),
            (first, {"OlderThanFloor"}),
        ):
            with pytest.raises(Refused) as refusal:
                ota.upload(data, device.target)
            assert refusal.value.reason.value in reasons
            assert slots(story.flash) == flash
        with pytest.raises(Refused) as refusal:
            ota.upload(bytes(flipped), device.target)
        assert refusal.value.reason.value == "ImageMismatch"

        # Version 2's own container again: yes, and nothing is erased.
        erased = device.count("erased ")
        assert "accepted by" in story.upload(device)
        assert device.count("erased ") == erased
        assert device.count("boot: version 2 ") == 1
        assert device.running()


@pytest.mark.timeout(300)
def test_the_device_says_no_and_so_does_pio(story: Story) -> None:
    project = story.project
    story.set_version("1")
    project.run().ok()
    with EmulatedDevice(story.flash, "--flash", program=project.image) as device:
        pki.write_pem(story.key, pki.generate(name="not the owner"), replace=True)
        story.set_version("2")
        output = story.upload(device, status=False)
        assert "secureota: refused: " in output
        assert device.count("boot: ") == 1
        assert device.count("erased ") == 0
