"""The file of a signing identity: key and certificates in one PEM file, for its owner alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from platformio_secureota import atomic, key_encryption
from platformio_secureota.algorithms import MAX_RSA_BITS, MIN_RSA_BITS
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.identity import ALLOWED_KEYS, PrivateKey, SigningIdentity, spki

if TYPE_CHECKING:
    from pathlib import Path


def write_pem(
    path: Path,
    identity: SigningIdentity,
    *,
    passphrase: bytes | None = None,
    replace: bool = False,
) -> None:
    """Write key, certificate and chain into one PEM file that only its owner may read.

    A file that is there is kept unless `replace` says otherwise: a lost signing key can't be made
    again.  With a passphrase the key is encrypted, as `key_encryption` says.
    """
    form = serialization.Encoding.DER if passphrase else serialization.Encoding.PEM
    pem = identity.key.private_bytes(
        form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    if passphrase:
        pem = key_encryption.encrypt_pem(pem, passphrase)
    for certificate in (identity.certificate, *identity.chain):
        pem += certificate.public_bytes(serialization.Encoding.PEM)
    atomic.write(path, pem, mode=atomic.PRIVATE, replace=replace)


_PEM_BLOCK = re.compile(
    rb"-----BEGIN ([A-Z0-9 ]+)-----\r?\n.*?-----END \1-----", re.DOTALL | re.MULTILINE
)


def load_identity(path: Path, *, passphrase: bytes | None = None) -> SigningIdentity:
    """Read a key and its certificates from a PEM file, in whatever order they stand there.

    Unusable: KeyMissing when the file is not there, FileUnreadable when it can't be read,
    KeyUnusable when it holds no usable key, is encrypted and `passphrase` is missing or wrong, or
    has no certificate of this key.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as cause:
        hint = "make one with `secureota keygen`, or copy it from where it was made"
        raise Unusable(Reason.KeyMissing, str(path), hint=hint) from cause
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
    blocks = [(match.group(1), match.group(0)) for match in _PEM_BLOCK.finditer(data)]
    keys = [pem for label, pem in blocks if label.endswith(b"PRIVATE KEY")]
    key = _load_key(path, keys, passphrase)
    certificates = _load_certificates(
        path, [pem for label, pem in blocks if label == b"CERTIFICATE"]
    )
    own_spki = spki(key.public_key())
    own = [c for c in certificates if spki(c.public_key()) == own_spki]
    if not own:
        detail = f"{path}: none of its {len(certificates)} certificates is of this key"
        raise Unusable(Reason.KeyUnusable, detail)
    chain = tuple(c for c in certificates if c not in own)
    return SigningIdentity(key, own[0], chain)


def _load_key(path: Path, blocks: list[bytes], passphrase: bytes | None) -> PrivateKey:
    if len(blocks) != 1:
        detail = f"{path}: one private key in PEM form is needed, {len(blocks)} found"
        raise Unusable(Reason.KeyUnusable, detail)
    pem = blocks[0]
    encrypted = b"ENCRYPTED" in pem
    if encrypted and not passphrase:
        hint = "set SECUREOTA_KEY_PASSPHRASE in the environment"
        raise Unusable(Reason.KeyUnusable, f"{path}: the key is encrypted", hint=hint)
    try:
        key = serialization.load_pem_private_key(pem, passphrase if encrypted else None)
    # What the library raises depends on the format and on where decryption went wrong.
    except Exception as cause:
        if encrypted:
            detail = f"{path}: the passphrase is wrong or the key is damaged"
        else:
            detail = f"{path}: the private key is damaged or of an unknown kind"
        raise Unusable(Reason.KeyUnusable, detail) from cause
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(
        key.curve, (ec.SECP256R1, ec.SECP384R1)
    ):
        return key
    if isinstance(key, rsa.RSAPrivateKey) and MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        return key
    detail = f"{path}: a key of this kind can't sign firmware, only {ALLOWED_KEYS}"
    raise Unusable(Reason.KeyUnusable, detail, hint="make one with `secureota keygen`")


def _load_certificates(path: Path, blocks: list[bytes]) -> list[x509.Certificate]:
    if not blocks:
        raise Unusable(Reason.KeyUnusable, f"{path}: no certificate beside the key")
    try:
        certificates = [x509.load_pem_x509_certificate(pem) for pem in blocks]
        for certificate in certificates:
            certificate.public_key()
            certificate.extensions  # noqa: B018 - parsed on demand: now is when to hear of it
    except Exception as cause:
        raise Unusable(Reason.KeyUnusable, f"{path}: a certificate is damaged") from cause
    return certificates


def exposed_mode(path: Path) -> str:
    """Octal mode of a private file that others may touch; "" if only its owner may."""
    mode = path.stat().st_mode & 0o777
    return f"{mode:04o}" if mode & 0o077 else ""
