"""One member of a hierarchy, and its folder.

certificate.pem   its certificate: public
chain.pem         that certificate and those above it, up to the root: public
key.pem           its private key, with the same certificates: for its owner alone (0600).
                  Not there if the key is on another machine, on paper, or on a card
issued/           every certificate that it has issued, NAME-SERIAL.pem
retired/          its own keys from before a renewal
<name>/           the members that it has certified

What is private is in key.pem and in retired/ alone: the rest can be given to anybody.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from platformio_secureota import atomic, keyfile
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.hierarchy.profiles import Profile, depth_of, policies_of, profile_of
from platformio_secureota.identity import SigningIdentity, spki, spki_sha256

if TYPE_CHECKING:
    from pathlib import Path

    from platformio_secureota.identity import PrivateKey

CERTIFICATE, CHAIN, KEY = "certificate.pem", "chain.pem", "key.pem"
ISSUED, RETIRED = "issued", "retired"
RESERVED = frozenset({CERTIFICATE, CHAIN, KEY, ISSUED, RETIRED})

_FORBIDDEN = set('/\\:*?"<>|')
"""Characters that some filesystem has no file names with."""

_MAX_NAME = 64
"""Characters of a common name (RFC 5280 A.1, ub-common-name)."""


@dataclass(frozen=True)
class Node:
    """A member: its folder and its current certificate."""

    folder: Path
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    """The certificates above it, its issuer's first."""

    @classmethod
    def load(cls, folder: Path) -> Node:
        """Read a member's certificates.  Unusable(HierarchyUnusable) where they don't fit."""
        certificates = read_certificates(folder / CHAIN)
        own = read_certificates(folder / CERTIFICATE)
        if len(own) != 1 or certificates[0] != own[0]:
            detail = f"{folder}: {CHAIN} does not begin with the certificate in {CERTIFICATE}"
            raise Unusable(Reason.HierarchyUnusable, detail)
        return cls(folder, certificates[0], tuple(certificates[1:]))

    @property
    def name(self) -> str:
        """What it is called: its folder's name, and its common name."""
        return self.folder.name

    @property
    def profile(self) -> Profile | None:
        """What it may do; None for a certificate that was not made here."""
        return profile_of(self.certificate)

    @property
    def policies(self) -> tuple[str, ...]:
        """Policies that it asserts, dotted."""
        return policies_of(self.certificate)

    @property
    def depth(self) -> int | None:
        """Levels of authorities that may stand below it."""
        return depth_of(self.certificate)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its key's SubjectPublicKeyInfo, hexadecimal."""
        return spki_sha256(self.certificate)

    @property
    def key_file(self) -> Path:
        """Where its private key is, if it is here."""
        return self.folder / KEY

    def days_left(self, now: dt.datetime) -> int:
        """Days until it ends; negative: it has ended."""
        return (self.certificate.not_valid_after_utc - now) // dt.timedelta(days=1)

    def identity(self, passphrase: bytes | None) -> SigningIdentity:
        """Its private key from `key_file`, with the certificates of this folder."""
        if not self.key_file.exists():
            hint = f"bring it, or name where the key of {self.name} is: --issuer-key FILE"
            raise Unusable(Reason.KeyMissing, str(self.key_file), hint=hint)
        return self.with_key(keyfile.load_identity(self.key_file, passphrase=passphrase).key)

    def with_key(self, key: PrivateKey) -> SigningIdentity:
        """A private key from anywhere, with the certificates of this folder."""
        if spki(key.public_key()) != spki(self.certificate.public_key()):
            raise Unusable(Reason.KeyUnusable, f"this is not the key of {self.name}")
        return SigningIdentity(key, self.certificate, self.chain)

    def issued(self) -> list[x509.Certificate]:
        """Every certificate that it has issued and that is kept here."""
        files = sorted((self.folder / ISSUED).glob("*.pem"))
        return [read_certificates(file)[0] for file in files]

    def keep_issued(self, name: str, certificate: x509.Certificate) -> None:
        """Keep one more certificate that it has issued."""
        folder = self.folder / ISSUED
        make_folder(folder)
        file = folder / f"{name}-{certificate.serial_number:016x}.pem"
        atomic.write(file, pem(certificate), replace=False)

    def write(self) -> None:
        """Write its public files, the certificate last: a folder without one is no member."""
        make_folder(self.folder)
        atomic.write(self.folder / CHAIN, pem(self.certificate, *self.chain))
        atomic.write(self.folder / CERTIFICATE, pem(self.certificate))


def check_name(name: str) -> None:
    """Unusable(Usage) unless it can be a folder and a common name everywhere."""
    is_good = (
        0 < len(name) <= _MAX_NAME
        and name.isprintable()
        and not _FORBIDDEN.intersection(name)
        and name.strip(" .") == name
        and name.lower() not in RESERVED
    )
    if not is_good:
        detail = (
            f"a name has 1 to {_MAX_NAME} printable characters, none of "
            f"{' '.join(sorted(_FORBIDDEN))}, no space or stop at its ends, and is not "
            f"{', '.join(sorted(RESERVED))}"
        )
        raise Unusable(Reason.Usage, detail)


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Certificates of a PEM file; at least one.  Unusable(HierarchyUnusable, FileUnreadable)."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
        for certificate in found:
            certificate.public_key()
            certificate.extensions  # noqa: B018 - parsed on demand: now is when to hear of it
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
    # What the library raises depends on where it got lost.
    except Exception as cause:
        detail = f"{path} is no file of certificates in PEM form"
        raise Unusable(Reason.HierarchyUnusable, detail) from cause
    return found


def pem(*certificates: x509.Certificate) -> bytes:
    """PEM of certificates, one behind the other."""
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def make_folder(folder: Path) -> None:
    """Make a folder, if it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise Unusable(Reason.FileUnwritable, f"{folder}: {cause.strerror}") from cause


def sha256(data: bytes) -> bytes:
    """What a deny-list names a key by, of its SubjectPublicKeyInfo."""
    return hashlib.sha256(data).digest()
