"""The keys that a project gets when nothing is configured: one to work with, and a backup.

The private keys lie in the user's configuration directory, under the names of their fingerprints;
their certificates lie in the project, as secureota/anchor.pem, and are committed with it.  The
first certificate whose key is here signs.  So a second clone on this machine finds the key, one on
another machine knows that it has none, and a build goes on when the backup has left the machine, or
when it has come back because the other is lost.  Keys are made for a project only once, for devices
in the field trust no others.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from platformio_secureota import atomic, pki
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.keystore import config_dir, key_path, make_folder
from platformio_secureota.pio.options import MAX_ANCHORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from platformio_secureota.identity import SigningIdentity

ANCHOR = Path("secureota") / "anchor.pem"
"""In the project: the certificate, or several, of those who may sign."""

_CI_VARIABLES = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "TEAMCITY_VERSION", "TF_BUILD")


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
                hint=f"bring {self.wanted[0]} from the machine where it was made, or the backup "
                "from its sheet (`secureota key restore`), or name a key that devices trust in "
                "custom_secureota_signing_key",
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
    """Make the keys of a project that has none: the working key, then the backup.

    `policies` are those that the devices will require.  With a passphrase the keys are encrypted.
    Where another build is making keys at this moment, that one wins.
    """
    names = (common_name(project), common_name(project, _BACKUP))
    identities = [pki.generate(name=name, policies=policies) for name in names]
    wanted = _write_keys(identities, config, passphrase)
    anchor = project / ANCHOR
    try:
        anchor.parent.mkdir(exist_ok=True)
        pem = b"".join(_certificate_pem(identity) for identity in identities)
        atomic.write(anchor, pem, replace=False)
    except (OSError, Unusable) as cause:
        # Nobody has seen these keys yet, and nothing trusts them.
        _remove(wanted)
        found = find(project, config)
        if found is not None:
            return found
        detail = f"{anchor}: {cause}"
        raise Unusable(Reason.FileUnwritable, detail) from cause
    return ProjectKey(pem, wanted[0], wanted)


def add_backup(project: Path, config: Path, *, passphrase: bytes | None) -> Path:
    """Make one more backup key for a project and append its certificate to the anchors.

    Returns the key's file.  Devices trust it once they run a firmware built after this.
    """
    found = find(project, config)
    if found is None:
        detail = f"there is no {project / ANCHOR}"
        hint = "`pio run -t keygen` makes a project's keys, the backup too"
        raise Unusable(Reason.AnchorMissing, detail, hint=hint)
    certificates = x509.load_pem_x509_certificates(found.anchor_pem)
    count = len(certificates)
    if count >= MAX_ANCHORS:
        detail = f"{ANCHOR.as_posix()} has {count} certificates, and a device holds no more"
        raise Unusable(Reason.AnchorUnusable, detail)
    role = _BACKUP if count == 1 else f"{_BACKUP} {count}"
    name = common_name(project.resolve(), role)
    # What the devices require of one key, they require of every key.
    identity = pki.generate(name=name, policies=policies_of(certificates[0]))
    (key,) = _write_keys([identity], config, passphrase)
    try:
        pem = found.anchor_pem.rstrip() + b"\n" + _certificate_pem(identity)
        atomic.write(project / ANCHOR, pem)
    except Unusable:
        _remove([key])
        raise
    return key


_BACKUP = "backup"


def policies_of(certificate: x509.Certificate) -> list[str]:
    """Policies that a certificate asserts (RFC 5280 4.2.1.4)."""
    try:
        asserted = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound:
        return []
    return [policy.policy_identifier.dotted_string for policy in asserted]


def _certificate_pem(identity: SigningIdentity) -> bytes:
    return identity.certificate.public_bytes(serialization.Encoding.PEM)


def _write_keys(
    identities: Sequence[SigningIdentity], config: Path, passphrase: bytes | None
) -> tuple[Path, ...]:
    """All of them, or none."""
    written: list[Path] = []
    try:
        for identity in identities:
            path = key_path(identity.certificate, config)
            make_folder(path)
            pki.write_pem(path, identity, passphrase=passphrase)
            written.append(path)
    except Unusable:
        _remove(written)
        raise
    return tuple(written)


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink()


def common_name(project: Path, role: str = "") -> str:
    """Name a certificate after the project's folder, as far as that fits, and the key's role."""
    name = "".join(c for c in project.name if c.isprintable())
    room = pki.MAX_NAME - len("SecureOTA ") - len(f" {role}")
    return " ".join(word for word in ("SecureOTA", name[:room].strip(), role) if word)


def announcement(made: ProjectKey) -> tuple[str, ...]:
    """Lines that tell the person what there is to know about new keys."""
    working, backup = made.wanted[0], made.wanted[-1]
    return (
        "secureota: made two signing keys for this project",
        f"  secret  {working}",
        "          signs your builds; if it and its backup are lost, only a cable updates devices",
        f"  backup  {backup}",
        "          signs if the other is lost; print it, then remove it from this machine:",
        f'          secureota key paper "{backup}" --out backup.pdf',
        f"  public  {ANCHOR.as_posix()}",
        "          commit it: these are the certificates that the firmware will trust",
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
