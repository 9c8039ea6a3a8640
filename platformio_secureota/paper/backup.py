"""What a sheet keeps: a private key as PKCS #8, encrypted or not, and its certificates.

An encrypted key goes onto the paper as it is in the file.  Its passphrase is needed to use the
sheet, and to check, before it is printed, that this passphrase is known and that key and
certificate belong together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asn1crypto import pem
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from platformio_secureota import der
from platformio_secureota.errors import Reason, SecureOTAError, Unusable
from platformio_secureota.identity import spki, spki_sha256, to_der
from platformio_secureota.keyfile import load_identity
from platformio_secureota.paper import armour

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Backup:
    """A key that is known to be that of its certificate."""

    key: bytes
    """DER: PrivateKeyInfo (RFC 5208 5), or EncryptedPrivateKeyInfo (RFC 5208 6)."""
    certificates: tuple[x509.Certificate, ...]
    """Its own first, then those that lead on to an anchor."""

    @property
    def encrypted(self) -> bool:
        """Whether a passphrase is needed to use the key."""
        return is_encrypted(self.key)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo, lower-case hex."""
        return spki_sha256(self.certificates[0])

    def key_lines(self) -> list[str]:
        """The key as lines for paper."""
        return armour.encode(armour.KEY, self.key)

    def certificate_lines(self) -> list[str]:
        """The certificates as lines for paper."""
        data = b"".join(to_der(certificate) for certificate in self.certificates)
        return armour.encode(armour.CERTIFICATES, data)

    def pem(self) -> bytes:
        """Write the key file: as `keyfile.load_identity` reads it."""
        label = "ENCRYPTED PRIVATE KEY" if self.encrypted else "PRIVATE KEY"
        blocks = [bytes(pem.armor(label, self.key))]
        blocks += [each.public_bytes(serialization.Encoding.PEM) for each in self.certificates]
        return b"".join(blocks)


def is_encrypted(key: bytes) -> bool:
    """Tell EncryptedPrivateKeyInfo, which begins with an algorithm, from PrivateKeyInfo."""
    return not der.Reader(der.Reader(key).read(der.SEQUENCE)).next_is(der.INTEGER)


_ENCRYPTED = re.compile(
    rb"-----BEGIN ENCRYPTED PRIVATE KEY-----.+?-----END [A-Z ]+-----", re.DOTALL
)


def of_file(path: Path, *, passphrase: bytes | None, decrypted: bool = False) -> Backup:
    """Take the key of a file, still encrypted if it is so there and not wanted `decrypted`.

    What `keyfile.load_identity` finds wrong with the file is raised here too.
    """
    identity = load_identity(path, passphrase=passphrase)
    certificates = (identity.certificate, *identity.chain)
    data = path.read_bytes()
    block = _ENCRYPTED.search(data)
    if block is not None and not decrypted:
        return Backup(pem.unarmor(block.group(0) + b"\n")[2], certificates)
    if b"ENCRYPTED" in data and not decrypted:
        detail = f"{path}: the key is encrypted in a form older than PKCS #8"
        hint = "bring it into today's form first: secureota key encrypt"
        raise Unusable(Reason.KeyUnusable, detail, hint=hint)
    key = identity.key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Backup(key, certificates)


def restored(
    key: bytes, certificates: Sequence[x509.Certificate], *, passphrase: bytes | None
) -> Backup:
    """Put together what was read from a sheet; refuses a key that is not of the certificates.

    Of the certificates, those that stand behind the key's own are kept only if they came along on
    the sheet; a project's anchor.pem holds other people's keys too.
    """
    try:
        private = serialization.load_der_private_key(key, passphrase or None)
    except Exception as cause:
        # The sheet's digest was right, so that the bytes are those that were printed.
        detail = "the passphrase of the key on the sheet is wrong" if passphrase else "no key"
        raise Unusable(Reason.KeyUnusable, detail) from cause
    own = spki(private.public_key())
    mine = [each for each in certificates if spki(each.public_key()) == own]
    if not mine:
        detail = f"none of the {len(certificates)} certificates is of the key on the sheet"
        hint = "is the sheet that of another key? --certificate takes the project's anchor.pem"
        raise Unusable(Reason.KeyUnusable, detail, hint=hint)
    return Backup(key, (mine[0], *_issuers(mine[0], certificates)))


def _issuers(
    certificate: x509.Certificate, others: Sequence[x509.Certificate]
) -> list[x509.Certificate]:
    chain: list[x509.Certificate] = []
    child = certificate
    while child.issuer != child.subject:
        issuer = next((each for each in others if each.subject == child.issuer), None)
        if issuer is None or issuer in chain:
            break
        chain.append(issuer)
        child = issuer
    return chain


def split_certificates(data: bytes) -> list[x509.Certificate]:
    """Read certificates that stand one behind the other, as the sheet's lines C give them."""
    reader, certificates = der.Reader(data), []
    try:
        while not reader.at_end():
            certificates.append(x509.load_der_x509_certificate(reader.read_whole(der.SEQUENCE)))
    except (SecureOTAError, ValueError) as cause:
        detail = "what the lines C hold is no certificate"
        raise Unusable(Reason.BackupUnreadable, detail) from cause
    return certificates
