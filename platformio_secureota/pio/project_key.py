"""The key that a project gets when nothing is configured.

The private key lies in the user's configuration directory, under the name of its fingerprint; its
certificate lies in the project, as secureota/anchor.pem, and is committed with it.  So a second
clone on this machine finds the key, and one on another machine knows that it has none: a key is
made for a project only once, for devices in the field trust no other.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from platformio_secureota import atomic, pki
from platformio_secureota.errors import Reason, Unusable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from platformio_secureota.identity import SigningIdentity

ANCHOR = Path("secureota") / "anchor.pem"
"""In the project: the certificate, or several, of those who may sign."""

_NAME_DIGITS = 32
"""Hexadecimal digits of the key's fingerprint in the file's name: half of SHA-256."""

_CI_VARIABLES = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "TEAMCITY_VERSION", "TF_BUILD")


def config_dir(environ: Mapping[str, str], *, platform: str = sys.platform) -> Path:
    """Where the user's keys are: outside of every project."""
    if environ.get("SECUREOTA_CONFIG_DIR"):
        return Path(environ["SECUREOTA_CONFIG_DIR"]).expanduser()
    if platform == "win32" and environ.get("APPDATA"):
        return Path(environ["APPDATA"]) / "secureota"
    # The XDG base directory specification: a relative path is to be ignored.
    base = Path(environ.get("XDG_CONFIG_HOME") or "~/.config")
    return (base if base.is_absolute() else Path("~/.config").expanduser()) / "secureota"


def key_path(certificate: x509.Certificate, config: Path) -> Path:
    """Where the key of a certificate lies, if it is on this machine."""
    return config / "keys" / f"{pki.spki_sha256(certificate)[:_NAME_DIGITS]}.pem"


def is_attended(environ: Mapping[str, str], *, terminal: bool) -> bool:
    """Whether a person is there to read what is to be backed up and committed."""
    return terminal and not any(environ.get(name) for name in _CI_VARIABLES)


@dataclass(frozen=True)
class ProjectKey:
    """The anchors of a project, and the key of one of them."""

    anchor_pem: bytes
    key: Path | None
    """None: none of the keys is on this machine."""
    wanted: tuple[Path, ...]
    """Where a key would be, for each certificate."""

    def key_here(self) -> Path:
        """The key file; Unusable(KeyMissing) says whence to bring it."""
        if self.key is None:
            raise Unusable(
                Reason.KeyMissing,
                f"the project has {ANCHOR.as_posix()}, but its key is not on this machine",
                hint=f"bring {self.wanted[0]} from the machine where it was made, or name a key "
                "that devices trust in custom_secureota_signing_key",
            )
        return self.key


def find(project: Path, config: Path) -> ProjectKey | None:
    """Look for the project's anchors and their key; None where the project has no anchor yet."""
    anchor = project / ANCHOR
    try:
        pem = anchor.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{anchor}: {cause.strerror}") from cause
    try:
        certificates = x509.load_pem_x509_certificates(pem)
        wanted = tuple(key_path(certificate, config) for certificate in certificates)
    except ValueError as cause:
        detail = f"{ANCHOR.as_posix()} holds no certificate in PEM form"
        raise Unusable(Reason.AnchorUnusable, detail) from cause
    key = next((path for path in wanted if path.is_file()), None)
    return ProjectKey(pem, key, wanted)


def make(
    project: Path,
    config: Path,
    *,
    policies: Sequence[str],
    passphrase: bytes | None,
) -> ProjectKey:
    """Make a key for a project that has none.

    `policies` are those that the devices will require.  With a passphrase the key is encrypted.
    Where another build is making one at this moment, that one wins.
    """
    identity = pki.generate(name=common_name(project), policies=policies)
    key = key_path(identity.certificate, config)
    _write_key(key, identity, passphrase)
    anchor = project / ANCHOR
    try:
        anchor.parent.mkdir(exist_ok=True)
        pem = identity.certificate.public_bytes(serialization.Encoding.PEM)
        atomic.write(anchor, pem, replace=False)
    except (OSError, Unusable) as cause:
        # Nobody has seen this key yet, and nothing trusts it.
        key.unlink()
        found = find(project, config)
        if found is not None:
            return found
        detail = f"{anchor}: {cause}"
        raise Unusable(Reason.FileUnwritable, detail) from cause
    return ProjectKey(pem, key, (key,))


def _write_key(path: Path, identity: SigningIdentity, passphrase: bytes | None) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as cause:
        detail = f"{path.parent}: {cause.strerror}"
        hint = "set SECUREOTA_CONFIG_DIR to a folder where keys can be kept"
        raise Unusable(Reason.FileUnwritable, detail, hint=hint) from cause
    # Belongs to the user alone even where it was there before.
    with contextlib.suppress(OSError):
        path.parent.chmod(0o700)
    pki.write_pem(path, identity, passphrase=passphrase)


def common_name(project: Path) -> str:
    """Name the certificate after the project's folder, as far as that fits."""
    name = "".join(c for c in project.name if c.isprintable())
    room = pki.MAX_NAME - len("SecureOTA ")
    return f"SecureOTA {name[:room]}".strip()


def announcement(made: ProjectKey) -> tuple[str, ...]:
    """Lines that tell the person what there is to know about a new key."""
    return (
        "secureota: made a signing key for this project",
        f"  secret  {made.key}",
        "          back it up: without it, these devices can only be updated by serial",
        f"  public  {ANCHOR.as_posix()}",
        "          commit it: it is the certificate that the firmware will trust",
    )


def missing(config: Path) -> Unusable:
    """Say that a project without an anchor is built where nobody could be told about a new key."""
    return Unusable(
        Reason.KeyMissing,
        f"this project has no {ANCHOR.as_posix()} and no person is here to be told about a new key",
        hint="run `pio run -t keygen` once on a machine of yours and commit the certificate, or "
        "make a key with `secureota keygen` and name it in custom_secureota_signing_key "
        f"(keys of projects are looked for in {config / 'keys'})",
    )


def environment_config_dir() -> Path:
    """`config_dir` of this process."""
    return config_dir(os.environ)
