"""SoftHSM2, a PKCS#11 module without hardware, with tokens in a temporary folder."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from platformio_secureota import hsm, pki

PIN = "1357-correct"
SO_PIN = "2468-officer"

_MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)
MODULE = next((path for path in _MODULES if Path(path).exists()), "")


def need_softhsm() -> None:
    """Skip, visibly, where SoftHSM2 or the extra `hsm` is missing."""
    if not MODULE or shutil.which("softhsm2-util") is None:
        pytest.skip("softhsm2 is not installed (apt-get install softhsm2)")
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed (the extra `hsm`)")


@dataclass(frozen=True)
class SoftHsm:
    """A folder of tokens."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> SoftHsm:
        (folder / "tokens").mkdir(parents=True)
        (folder / "softhsm2.conf").write_text(
            f"directories.tokendir = {folder / 'tokens'}\n"
            "objectstore.backend = file\n"
            "log.level = ERROR\n"
        )
        return cls(folder)

    @property
    def environment(self) -> dict[str, str]:
        return {"SOFTHSM2_CONF": str(self.folder / "softhsm2.conf")}

    def token(self, label: str) -> None:
        command = ["softhsm2-util", "--init-token", "--free", "--label", label]
        # SoftHSM's own tool takes PINs in its arguments; ours never does.
        command += ["--pin", PIN, "--so-pin", SO_PIN]
        environment = {**self.environment, "PATH": "/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin"}
        subprocess.run(command, env=environment, check=True, capture_output=True)

    def tokens(self) -> list[Path]:
        """The folder of each token."""
        return sorted(path for path in (self.folder / "tokens").iterdir() if path.is_dir())


def start_again() -> None:
    """Have the module look into the folder that the environment names now."""
    from platformio_secureota.hsm import module  # noqa: PLC0415 - where the extra is

    with module.LOCK:
        module.load(MODULE).refresh()


def uri(text: str, *, base: Path = Path()) -> hsm.Pkcs11Uri:
    """A URI with SoftHSM2 as its module."""
    mark = "&" if "?" in text else "?"
    return hsm.parse(f"pkcs11:{text}{mark}module-path={MODULE}", base=base)


def access(pin: str = PIN) -> hsm.Access:
    return hsm.Access(pin=lambda _label: pin)


def make_signer(text: str, kind: str = "p256", *, name: str = "card") -> pki.SigningIdentity:
    """A key made inside, and its certificate, stored beside it."""
    from platformio_secureota.hsm import generate  # noqa: PLC0415 - where the extra is

    place = uri(text)
    identity = pki.self_signed(generate.generate(place, kind, access()), name=name)
    generate.store_certificate(place, identity.certificate, access())
    return identity


def pem_of(identity: pki.SigningIdentity) -> bytes:
    """The certificate in PEM."""
    return identity.certificate.public_bytes(serialization.Encoding.PEM)
