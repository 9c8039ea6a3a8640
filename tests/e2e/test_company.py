"""A company's hierarchy in real builds: anchors, policies and the deny-list, up to the device."""

from __future__ import annotations

import datetime as dt
import shutil
from typing import TYPE_CHECKING, Callable

import pytest
from conftest import ROOT, Project

from emulated_device import EmulatedDevice
from hierarchies import PRODUCTION, Company, signed
from platformio_secureota import Refused, ota

if TYPE_CHECKING:
    from pathlib import Path

A, B = "aa" * 32, "bb" * 32


def later() -> dt.datetime:
    """Newer than what was signed before, also by a device that counts seconds."""
    return dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=5)


def answer(device: EmulatedDevice, data: bytes) -> str:
    try:
        ota.upload(data, device.target)
    except Refused as refusal:
        return refusal.reason.value
    return "accepted"


# -- the deny-list in a build -------------------------------------------------------------------


def test_the_list_is_compiled_in(keyed: Callable[..., Project]) -> None:
    project = keyed()
    project.run().ok()
    assert project.facts()["denied"] == ""

    project.write("secureota/denied.txt", f"# lost\n{A}  # Fred\n")
    run = project.run().ok()
    assert project.facts()["denied"] == A
    assert "Generating build_facts.cpp" in run.steps
    assert "Compiling main.o" not in run.steps
    assert project.run().ok().steps == []  # and only once

    project.write("company.txt", f"{B}\n{A}\n")
    project.ini(
        f"custom_secureota_signing_key = {project.folder.parent / 'key.pem'}",
        "custom_secureota_denied = company.txt",
    )
    project.run().ok()
    assert project.facts()["denied"] == A + B

    (project.folder / "secureota" / "denied.txt").unlink()
    project.run().ok()
    assert project.facts()["denied"] == B + A


@pytest.mark.parametrize(
    ("own", "options", "reason"),
    [
        (f"{A}\nFred\n", (), "DenyListUnusable"),
        ("", ("custom_secureota_denied = missing.txt",), "FileUnreadable"),
        ("", ("custom_secureota_denied =",), "Usage"),
    ],
)
def test_a_list_that_is_none_ends_the_build(
    keyed: Callable[..., Project], own: str, options: tuple[str, ...], reason: str
) -> None:
    project = keyed("native", *options)
    project.write("secureota/denied.txt", own)
    project.run().refused(f"secureota: error: {reason}")
    assert not project.signed.exists()


# -- the device ---------------------------------------------------------------------------------


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company.make(tmp_path / "pki")


@pytest.fixture
def example(core: Path, tmp_path: Path) -> Project:
    """The emulated device in a copy of the repository."""
    library = tmp_path / "SecureOTA"
    ignored = shutil.ignore_patterns("__pycache__", ".*", "build", "*.egg-info", "tests")
    shutil.copytree(ROOT, library, ignore=ignored)
    folder = library / "examples" / "EmulatedDevice"
    return Project(folder, core, library, tmp_path / "config", "native", section="native")


def configure(project: Project, company: Company, *, anchor: str, signer: str) -> None:
    options = {
        "signing_key": company[signer].key_file,
        "trust_anchors": company[anchor].folder / "certificate.pem",
        "required_policy": PRODUCTION,
    }
    with (project.folder / "platformio.ini").open("a", encoding="utf-8") as ini:
        ini.writelines(f"custom_secureota_{name} = {value}\n" for name, value in options.items())


def set_version(project: Project, version: str) -> None:
    ini = project.folder / "platformio.ini"
    text = ini.read_text("utf-8")
    assert text.count('FIRMWARE_VERSION="1"') == 1
    ini.write_text(text.replace('FIRMWARE_VERSION="1"', f'FIRMWARE_VERSION="{version}"'), "utf-8")


@pytest.mark.timeout(300)
def test_a_stolen_key_is_denied_by_the_next_build(
    example: Project, company: Company, tmp_path: Path
) -> None:
    configure(example, company, anchor="myCorp", signer="product 1")
    example.run().ok()
    image = example.image.read_bytes()
    stolen = company.identity("product 1")
    with EmulatedDevice(tmp_path / "flash", "--flash", program=example.image) as device:
        # Below the same root, but not for production, whatever the TSTInfo says.
        fred = signed(company.identity("Fred"), image, at=later(), claim=PRODUCTION)
        assert answer(device, fred) == "PolicyNotAccepted"
        # The thief could still do it: the image that runs, so that nothing changes.
        assert answer(device, signed(stolen, image, at=later())) == "accepted"

        denied = example.folder / "secureota" / "denied.txt"
        denied.parent.mkdir(exist_ok=True)
        (digest,) = company.tree.deny(company["product 1"], comment="stolen", now=later())
        shutil.copy(company.tree.folder / "denied.txt", denied)
        example.run().refused("secureota: refused: Denied", digest.hex())
        assert not example.signed.exists()

        company.renew("product 1")
        set_version(example, "2")
        run = example.run("upload", port=f"127.0.0.1:{device.port}").ok()
        assert "accepted by" in run.output
        device.wait_for("boot: version 2 ")
        device.wait_for("listening on ")

        assert answer(device, signed(stolen, image, at=later())) == "Denied"
        assert device.count("erased ") == 1
        assert device.running()


@pytest.mark.timeout(300)
def test_a_device_of_production_refuses_engineering(
    example: Project, company: Company, tmp_path: Path
) -> None:
    configure(example, company, anchor="production", signer="product 1")
    example.run().ok()
    image = example.image.read_bytes()
    with EmulatedDevice(tmp_path / "flash", "--flash", program=example.image) as device:
        for name in ("Fred", "Mary", "pilot-testing"):
            claim = signed(company.identity(name), image, at=later(), claim=PRODUCTION)
            assert answer(device, claim) == "NotTrusted"
        product = company.identity("product 1")
        other = signed(product, image, at=later(), claim="1.3.6.1.4.1.99999.9")
        assert answer(device, other) == "PolicyNotAccepted"
        assert answer(device, signed(product, image, at=later())) == "accepted"
        assert device.count("erased ") == 0
