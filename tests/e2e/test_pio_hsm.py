"""`pio run -t upload` with a key in a PKCS#11 token (SoftHSM2), to the emulated device."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from conftest import ROOT, Project
from cryptography.hazmat.primitives.serialization import Encoding

import softhsm
from emulated_device import EmulatedDevice
from platformio_secureota import container, pki
from softhsm import SoftHsm, make_signer

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Callable

    NewProject = Callable[..., Project]

softhsm_or_skip = pytest.fixture(scope="module", autouse=True)(softhsm.need_softhsm)

PLACE = "token=The%20card;object=greenhouse"
KEY = f"pkcs11:{PLACE.replace('%', '%%')}"
"""As platformio.ini has it, where a percent sign is doubled."""


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    """A token with a key, and the environment that leads `pio` to it."""
    made = SoftHsm.make(tmp_path / "softhsm")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    made.token("The card")
    softhsm.start_again()
    return made


def reach(card: SoftHsm, pin: str = softhsm.PIN) -> dict[str, str]:
    return {
        **card.environment,
        "SECUREOTA_PKCS11_MODULE": softhsm.MODULE,
        "SECUREOTA_PKCS11_PIN": pin,
    }


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["p256", pytest.param("rsa2048", marks=pytest.mark.slow)])
def test_upload_signed_by_a_card(core: Path, tmp_path: Path, card: SoftHsm, kind: str) -> None:
    make_signer(PLACE, kind, name="the card")
    library = tmp_path / "SecureOTA"
    ignored = shutil.ignore_patterns("__pycache__", ".*", "build", "*.egg-info", "tests")
    shutil.copytree(ROOT, library, ignore=ignored)
    example = library / "examples" / "EmulatedDevice"
    project = Project(example, core, library, tmp_path / "config", "native", section="native")
    ini = example / "platformio.ini"
    published = ini.read_text("utf-8")
    ini.write_text(f"{published}\ncustom_secureota_signing_key = {KEY}\n", "utf-8")
    run = project.run(**reach(card)).ok()
    assert softhsm.PIN not in run.output
    with EmulatedDevice(tmp_path / "flash", "--flash", program=project.image) as device:
        assert device.count("boot: version 1 ") == 1
        changed = ini.read_text("utf-8").replace('FIRMWARE_VERSION="1"', 'FIRMWARE_VERSION="2"')
        ini.write_text(changed, "utf-8")
        run = project.run("upload", port=f"127.0.0.1:{device.port}", **reach(card)).ok()
        assert "by CN=the card" in run.output
        assert "accepted by" in run.output
        assert softhsm.PIN not in run.output
        device.wait_for("boot: version 2 ")


def test_what_a_build_asks_of_the_card(card: SoftHsm, new_project: NewProject) -> None:
    make_signer(PLACE)
    project = new_project("native", f"custom_secureota_signing_key = {KEY}")
    # Without the PIN the certificate can be read and the program compiled, but nothing is signed.
    run = project.run(**{**reach(card), "SECUREOTA_PKCS11_PIN": ""}).refused("a PIN is needed")
    assert project.image.exists()
    assert not project.signed.exists()
    run = project.run(**reach(card, pin="8642-wrong")).refused("the PIN is wrong")
    assert "8642-wrong" not in run.output
    run = project.pio("run", "-v", **reach(card)).ok()
    assert softhsm.PIN not in run.output
    # Nothing to do is nothing to sign.
    assert project.run(**{**reach(card), "SECUREOTA_PKCS11_PIN": ""}).ok().steps == []
    for path in project.folder.rglob("*"):
        assert not path.is_file() or softhsm.PIN.encode() not in path.read_bytes(), path


def test_a_card_that_is_not_there(card: SoftHsm, new_project: NewProject, tmp_path: Path) -> None:
    identity = make_signer(PLACE)
    project = new_project("native", f"custom_secureota_signing_key = {KEY}")
    (folder,) = card.tokens()
    folder.rename(tmp_path / "away")
    run = project.run(**reach(card)).refused("KeyMissing", "plug it in")
    assert run.steps == []
    # With the anchor in a file the card is needed for signing alone.
    anchor = project.write("card.pem", identity.certificate.public_bytes(Encoding.PEM).decode())
    project.ini(
        f"custom_secureota_signing_key = {KEY}?secureota-certificate={anchor.name}",
        f"custom_secureota_trust_anchors = {anchor.name}",
    )
    project.run(**reach(card)).refused("KeyMissing", "plug it in")
    assert project.image.exists()
    (tmp_path / "away").rename(folder)
    assert "Signing program" in project.run(**reach(card)).ok().steps
    assert bytes.fromhex(project.facts()["anchors"]) == identity.certificate_der
    assert container.parse(project.signed.read_bytes()).image == project.covered.read_bytes()


def test_a_pin_in_platformio_ini_is_refused(card: SoftHsm, new_project: NewProject) -> None:
    project = new_project("native", f"custom_secureota_signing_key = {KEY}?pin-value=1234x")
    run = project.run(**reach(card)).refused("Usage", "pin-value", "SECUREOTA_PKCS11_PIN")
    assert "1234x" not in run.output


def test_the_anchor_is_the_keys_own_certificate_or_named(
    card: SoftHsm, new_project: NewProject
) -> None:
    identity = make_signer(PLACE)
    project = new_project("native")
    both = identity.certificate.public_bytes(Encoding.PEM) + pki.generate(
        name="another"
    ).certificate.public_bytes(Encoding.PEM)
    project.write("chain.pem", both.decode())
    project.ini(f"custom_secureota_signing_key = {KEY}?secureota-certificate=chain.pem")
    project.run(**reach(card)).refused("AnchorMissing", "custom_secureota_trust_anchors")
