"""What images say about themselves, from platformio.ini to the device."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Callable

import pytest

from emulated_device import EmulatedDevice
from flash_file import FILESYSTEM, FlashFile
from platformio_secureota import container, manifest
from platformio_secureota.manifest import ImageKind, Manifest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

    NewProject = Callable[..., Project]

PRODUCT = (
    "custom_secureota_product = greenhouse",
    "custom_secureota_hardware = revA, revB",
    "custom_secureota_version = 1.2.3",
)
EPOCH = 1700000000
APP = Manifest(ImageKind.APPLICATION, "greenhouse", "1.2.3", ("revA", "revB"), EPOCH)


def git(project: Project, *words: str) -> None:
    who = ["-c", "user.name=Fred", "-c", "user.email=fred@example.com"]
    command = ["git", "-C", str(project.folder), *who, *words]
    subprocess.run(command, check=True, capture_output=True, env=project.environment())


def openssl_accepts(project: Project, token: Path, covered: Path) -> bool:
    anchors = project.build / "secureota" / "anchors.pem"
    command = ["openssl", "ts", "-verify", "-in", str(token), "-data", str(covered)]
    judged = subprocess.run([*command, "-CAfile", str(anchors)], capture_output=True, check=False)
    return judged.returncode == 0


def test_native_has_it_compiled_in_and_behind_it(keyed: NewProject) -> None:
    project = keyed("native", *PRODUCT)
    project.run(SOURCE_DATE_EPOCH=str(EPOCH)).ok()
    assert bytes.fromhex(project.facts()["manifest"]) == APP.encode()
    assert project.covered.read_bytes() == project.image.read_bytes() + APP.encode()
    signed = container.parse(project.signed.read_bytes())
    assert signed.image == project.covered.read_bytes()
    assert signed.keys == {"product": "greenhouse", "kind": "app"}
    assert openssl_accepts(project, project.token, project.covered)
    assert subprocess.run([project.covered], capture_output=True, check=True).stdout
    assert project.run(SOURCE_DATE_EPOCH=str(EPOCH)).ok().steps == []


def test_an_esp32_application_has_it_behind_its_description(keyed: NewProject) -> None:
    project = keyed("espressif32", *PRODUCT)
    project.run(SOURCE_DATE_EPOCH=str(EPOCH)).ok()
    image = project.image.read_bytes()
    assert manifest.is_esp32_application(image)
    assert manifest.find(image) == APP
    signed = container.parse(project.signed.read_bytes())
    assert signed.image == image
    assert signed.keys == {"product": "greenhouse", "kind": "app"}
    assert openssl_accepts(project, project.token, project.image)
    assert not list(project.build.glob("*.image.bin"))


def test_an_application_that_lacks_it_is_not_signed(keyed: NewProject) -> None:
    project = keyed("espressif32", *PRODUCT)
    project.run().ok()
    image = bytearray(project.image.read_bytes())
    image[manifest.ESP32_OFFSET] ^= 1
    project.image.write_bytes(image)
    project.run("nobuild", "sign").refused("ManifestMissing", "where devices look for it")
    assert not project.signed.exists()


def test_an_application_that_was_built_as_another_product_is_not_signed(
    keyed: NewProject,
) -> None:
    project = keyed("espressif32", *PRODUCT)
    project.run().ok()
    image = project.image.read_bytes()
    # Any change of platformio.ini has pio empty the build directory.
    key = project.folder.parent / "key.pem"
    project.ini(f"custom_secureota_signing_key = {key}", "custom_secureota_product = lamp")
    project.image.parent.mkdir(parents=True, exist_ok=True)
    project.run("nobuild")
    project.image.write_bytes(image)
    project.run("nobuild", "sign").refused("WrongProduct", "greenhouse (revA, revB)", "build it")


@pytest.mark.parametrize("platform", ["native", "espressif32"])
def test_two_builds_of_a_commit_are_the_same_bytes(keyed: NewProject, platform: str) -> None:
    project = keyed(platform, *PRODUCT[:2])
    git(project, "init", "--initial-branch=main")
    git(project, "add", "src", "platformio.ini")
    git(project, "commit", "-m", "First")
    built = []
    for _ in range(2):
        project.run(SOURCE_DATE_EPOCH=str(EPOCH)).ok()
        built.append(container.parse(project.signed.read_bytes()).image)
        project.run("clean").ok()
        assert not project.signed.exists()
    assert built[0] == built[1]
    found = manifest.find(built[0])
    assert found is not None
    assert found.build_time == EPOCH
    assert found.version


def test_a_commit_is_another_version(keyed: NewProject) -> None:
    project = keyed("native", *PRODUCT[:1])
    project.run().ok()
    assert Manifest.decode(bytes.fromhex(project.facts()["manifest"])).version == ""
    git(project, "init", "--initial-branch=main")
    git(project, "add", "src", "platformio.ini")
    git(project, "commit", "-m", "First")
    git(project, "tag", "-a", "v1", "-m", "Release")
    steps = project.run().ok().steps
    assert "Compiling main.o" not in steps
    assert steps[-1] == "Signing program"
    found = manifest.find(container.parse(project.signed.read_bytes()).image)
    assert found is not None
    assert found.version == "v1"
    assert project.run().ok().steps == []


def test_an_image_from_tomorrow_is_not_signed(keyed: NewProject) -> None:
    project = keyed("native")
    tomorrow = str(int(time.time()) + 86400)
    project.run(SOURCE_DATE_EPOCH=tomorrow).refused("BuiltLater", "the clock of this computer")
    assert not project.signed.exists()
    assert not project.covered.exists()


def test_a_filesystem_goes_from_uploadfs_into_a_device(keyed: NewProject, tmp_path: Path) -> None:
    project = keyed("espressif32", "upload_protocol = espota", *PRODUCT)
    project.write("data/index.html", "<h1>Greenhouse</h1>\n")
    anchor = str(tmp_path / "key.pem")
    with EmulatedDevice(tmp_path / "flash", "--anchor", anchor) as device:
        run = project.run("uploadfs", port=f"127.0.0.1:{device.port}").ok()
        device.wait_for("erased filesystem")
        device.wait_for("accepted: ")
    assert "Signing littlefs.bin" in run.steps
    files = (project.build / "littlefs.bin").read_bytes()
    covered = project.build / "littlefs.image.bin"
    said = Manifest(ImageKind.FILESYSTEM, "greenhouse", "1.2.3", ("revA", "revB"))
    assert covered.read_bytes() == files + said.encode()
    assert openssl_accepts(project, project.build / "littlefs.tsr", covered)
    assert FlashFile(tmp_path / "flash").read(FILESYSTEM, len(files)) == files
    assert project.tools() == []


def test_the_same_files_make_the_same_filesystem(keyed: NewProject) -> None:
    project = keyed("espressif32", "upload_protocol = espota", *PRODUCT)
    project.write("data/index.html", "<h1>Greenhouse</h1>\n")
    images = []
    for epoch in ({}, {}, {"SOURCE_DATE_EPOCH": str(EPOCH)}):
        project.run("uploadfs", port="127.0.0.1:9", **epoch).refused("NoAnswer")
        images.append((project.build / "littlefs.image.bin").read_bytes())
    assert images[0] == images[1]
    found = manifest.find(images[2])
    assert found is not None
    assert found.build_time == EPOCH
