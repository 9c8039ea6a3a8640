"""The whole way: `pio run -t upload` through a company's timestamp authority.

It holds its key in a token and knows its callers by their certificates; the device trusts the
company's root and requires production's policy.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from conftest import ROOT, Project

import softhsm
from emulated_device import EmulatedDevice
from softhsm import PIN, SoftHsm
from tsa_server import Running, Site, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

softhsm_or_skip = pytest.fixture(scope="module", autouse=True)(softhsm.need_softhsm)

KEY = "pkcs11:token=card;object=product"
CONFIG = """
[signer]
key = "{key}?module-path={module}&pin-source=file:{folder}/pin&secureota-certificate=product.pem"
anchors = "pki/myCorp/certificate.pem"
[listen]
port = 0
[clock]
require_synchronised = false
[policies]
production = "1.3.6.1.4.1.99999.1"
[tls]
certificate = "pki/myCorp/tls/localhost/key.pem"
key = "pki/myCorp/tls/localhost/key.pem"
client_ca = "pki/myCorp/tls/chain.pem"
[[caller]]
name = "ci"
certificates = ["subject:CN=ci"]
policies = ["production"]
"""


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    made = SoftHsm.make(tmp_path / "softhsm")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SECUREOTA_PKCS11_MODULE", softhsm.MODULE)
    monkeypatch.setenv("SECUREOTA_PKCS11_PIN", PIN)
    made.token("card")
    softhsm.start_again()
    return made


def secureota(folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "platformio_secureota", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def authority(card: SoftHsm, tmp_path: Path) -> Iterator[tuple[Path, Running, Site]]:
    """A company, made by its commands, and its server."""
    assert card.tokens()
    folder = tmp_path / "company"
    folder.mkdir()
    policy = ("--policy", "1.3.6.1.4.1.99999.1")
    secureota(folder, "pki", "root", "myCorp")
    secureota(folder, "hsm", "keygen", KEY, "--certificate-out", "own.pem")
    secureota(folder, "pki", "intermediate", "production", "--under", "myCorp", *policy)
    secureota(folder, "pki", "request", "product", "--key", KEY, "-o", "product.csr")
    signer = ("signer", "product", "--under", "production", *policy)
    secureota(folder, "pki", *signer, "--request", "product.csr", "--yes")
    chain = next(folder.glob("pki/myCorp/production/product/chain.pem"))
    shutil.copy(chain, folder / "product.pem")
    secureota(folder, "pki", "intermediate", "tls", "--for", "tls", "--under", "myCorp")
    secureota(folder, "pki", "tls-server", "localhost", "--under", "tls", "--host", "localhost")
    secureota(folder, "pki", "tls-client", "ci", "--under", "tls")
    (folder / "pin").write_text(PIN)
    (folder / "pin").chmod(0o600)
    config = folder / "tsa.toml"
    config.write_text(CONFIG.format(key=KEY, module=softhsm.MODULE, folder=folder))
    config.chmod(0o600)
    site = Site(folder)
    with running(site) as server:
        yield folder, server, site


@pytest.mark.timeout(300)
def test_upload_through_the_company(
    core: Path, tmp_path: Path, authority: tuple[Path, Running, Site]
) -> None:
    folder, server, site = authority
    library = tmp_path / "SecureOTA"
    ignored = shutil.ignore_patterns("__pycache__", ".*", "build", "*.egg-info", "tests")
    shutil.copytree(ROOT, library, ignore=ignored)
    example = library / "examples" / "EmulatedDevice"
    project = Project(example, core, library, tmp_path / "config", "native", section="native")
    shutil.copy(folder / "pki/myCorp/certificate.pem", example / "myCorp.pem")
    ini = example / "platformio.ini"
    lines = [
        f"custom_secureota_tsa_url = {server.url}",
        "custom_secureota_trust_anchors = myCorp.pem",
        "custom_secureota_required_policy = 1.3.6.1.4.1.99999.1",
    ]
    ini.write_text("\n".join([ini.read_text("utf-8"), *lines, ""]), "utf-8")
    own = {
        "SECUREOTA_TSA_CA": str(folder / "pki/myCorp/certificate.pem"),
        "SECUREOTA_TSA_CLIENT_CERT": str(folder / "pki/myCorp/tls/ci/key.pem"),
        "SECUREOTA_TSA_CLIENT_KEY": str(folder / "pki/myCorp/tls/ci/key.pem"),
    }

    stranger = {"SECUREOTA_TSA_CA": own["SECUREOTA_TSA_CA"]}
    project.run(**stranger).refused("secureota: error")
    assert not project.signed.exists()
    assert site.records() == []

    project.run(**own).ok()
    with EmulatedDevice(tmp_path / "flash", "--flash", program=project.image) as device:
        assert device.count("boot: version 1 ") == 1
        changed = ini.read_text("utf-8").replace('FIRMWARE_VERSION="1"', 'FIRMWARE_VERSION="2"')
        ini.write_text(changed, "utf-8")
        run = project.run("upload", port=f"127.0.0.1:{device.port}", **own).ok()
        assert "accepted by" in run.output
        device.wait_for("boot: version 2 ")
    assert [record["caller"] for record in site.records()] == ["ci", "ci"]
