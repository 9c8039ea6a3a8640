"""The whole path: `pio run -t upload` to a device that runs what it verified, and refuses the rest.

The device is examples/EmulatedDevice, built by `pio` as its user builds it.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from conftest import ROOT, Project, Run

from emulated_device import EmulatedDevice
from platformio_secureota import Image, Refused, container, ota, pki, sign
from platformio_secureota.anchors import TrustAnchor
from platformio_secureota.paper import armour, backup
from platformio_secureota.pio import project_key
from platformio_secureota.tsa import LocalTSA

if TYPE_CHECKING:
    from pathlib import Path


class Story:
    """The example and its device."""

    def __init__(self, project: Project, flash: Path) -> None:
        self.project = project
        self.flash = flash

    @property
    def keys(self) -> tuple[Path, ...]:
        """The working key and the backup."""
        found = project_key.find(self.project.folder, self.project.config)
        assert found is not None
        return found.wanted

    def set_version(self, version: str) -> None:
        """Do what the example's README says."""
        ini = self.project.folder / "platformio.ini"
        text, changes = re.subn(
            r'FIRMWARE_VERSION="[^"]*"', f'FIRMWARE_VERSION="{version}"', ini.read_text("utf-8")
        )
        assert changes == 1
        ini.write_text(text, "utf-8")

    def upload(self, device: EmulatedDevice) -> Run:
        return self.project.run("upload", port=f"127.0.0.1:{device.port}")


def signed_by(identity: pki.SigningIdentity, image: bytes) -> bytes:
    """Sign as the tool does, a little later: the device takes only what is newer, by seconds."""
    later = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=5)
    anchor = TrustAnchor.from_der(identity.anchor_der)
    tsa = LocalTSA(identity, clock=lambda: later)
    return sign(Image(image), tsa, anchors=[anchor]).container


def slots(folder: Path) -> dict[str, bytes]:
    """Everything in the emulated flash."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def story(core: Path, tmp_path: Path) -> Story:
    """The example in a copy of the repository, with its platformio.ini as published."""
    library = tmp_path / "SecureOTA"
    ignored = shutil.ignore_patterns("__pycache__", ".*", "build", "*.egg-info", "tests")
    shutil.copytree(ROOT, library, ignore=ignored)
    example = library / "examples" / "EmulatedDevice"
    project = Project(example, core, library, tmp_path / "config", "native", section="native")
    project.run("keygen").ok()
    return Story(project, tmp_path / "flash")


def refusal(data: bytes, device: EmulatedDevice) -> str:
    with pytest.raises(Refused) as error:
        ota.upload(data, device.target)
    return error.value.reason.value


@pytest.mark.timeout(300)
def test_the_story(story: Story) -> None:
    project = story.project
    project.run().ok()
    first = project.signed.read_bytes()
    with EmulatedDevice(story.flash, "--flash", program=project.image) as device:
        assert device.count("boot: version 1 ") == 1

        # Version 2, as its user sends it.
        story.set_version("2")
        assert "accepted by" in story.upload(device).ok().output
        device.wait_for("boot: version 2 ")
        device.wait_for("listening on ")
        second = project.signed.read_bytes()
        image = container.parse(second).image

        # What the owner's key did not sign, and what is older, changes nothing.
        flash = slots(story.flash)
        stranger = signed_by(pki.generate(name="stranger"), image + b"x")
        assert refusal(stranger, device) == "NotTrusted"
        assert refusal(first, device) == "OlderThanFloor"
        assert slots(story.flash) == flash

        # One bit of a newer image: found before anything boots.
        flipped = bytearray(signed_by(pki.load_identity(story.keys[0]), image + b"3"))
        flipped[-100] ^= 1
        assert refusal(bytes(flipped), device) == "ImageMismatch"

        # Version 2's own container again: yes, and nothing is erased.
        erased = device.count("erased ")
        assert "accepted by" in story.upload(device).ok().output
        assert device.count("erased ") == erased
        assert device.count("boot: version 2 ") == 1
        assert device.running()


@pytest.mark.timeout(300)
def test_a_device_takes_the_backup_for_the_lost_key(story: Story) -> None:
    project = story.project
    working, spare = story.keys
    project.run().ok()
    # The backup leaves the machine as lines on paper, before the device runs its first firmware.
    kept = backup.of_file(spare, passphrase=None)
    lines = kept.key_lines()
    spare.unlink()
    with EmulatedDevice(story.flash, "--flash", program=project.image) as device:
        working.unlink()
        story.set_version("2")
        story.upload(device).refused("not on this machine")
        assert device.count("erased ") == 0

        reader = armour.Reader()
        reader.feed("\n".join(lines))
        restored = backup.restored(reader.data(armour.KEY), kept.certificates, passphrase=None)
        spare.write_bytes(restored.pem())
        assert "accepted by" in story.upload(device).ok().output
        device.wait_for("boot: version 2 ")


@pytest.mark.timeout(300)
def test_the_device_says_no_and_so_does_pio(story: Story, tmp_path: Path) -> None:
    project = story.project
    project.run().ok()
    with EmulatedDevice(story.flash, "--flash", program=project.image) as device:
        # Another owner: the tool has no objection, the device has.
        stolen = tmp_path / "stolen.pem"
        pki.write_pem(stolen, pki.generate(name="not the owner"))
        with (project.folder / "platformio.ini").open("a", encoding="utf-8") as ini:
            ini.write(f"custom_secureota_signing_key = {stolen}\n")
        story.set_version("2")
        run = story.upload(device).refused("secureota: refused: NotTrusted")
        assert "accepted" not in run.output
        assert device.count("boot: ") == 1
        assert device.count("erased ") == 0
        assert device.running()
