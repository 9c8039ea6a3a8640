"""Encrypting private keys for files: PKCS #8 with PBES2, scrypt and AES-256-CBC.

`cryptography` reads this form, as `openssl` 1.1 and newer do, but writes another: PBKDF2 with a few
thousand rounds, which a guesser with graphics cards goes through quickly.  scrypt makes each
guess cost memory too.  So the few structures around the library's scrypt and AES are written here.

    EncryptedPrivateKeyInfo   RFC 5208 6
    PBES2-params              RFC 8018 A.4
    scrypt-params             RFC 7914 7.1
    aes256-CBC-PAD            RFC 8018 B.2.5
"""

from __future__ import annotations

import base64
import secrets
import textwrap

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from platformio_secureota import der

COST, BLOCK_SIZE, PARALLELISM = 1 << 14, 8, 5
"""scrypt's N, r, p.  N and r take 16 MiB, the most (in powers of two) that OpenSSL reads: it stops
at 32 MiB.  p makes up for it: OWASP counts this equal to its first choice, N = 2^17 with p = 1."""

_SALT_SIZE = 16
_KEY_SIZE = 32
_BLOCK_BITS = 128
_PEM_LINE = 64  # characters (RFC 7468 2)

_PBES2 = "1.2.840.113549.1.5.13"
_SCRYPT = "1.3.6.1.4.1.11591.4.11"
_AES_256_CBC = "2.16.840.1.101.3.4.1.42"


def encrypt(private_key_info: bytes, passphrase: bytes) -> bytes:
    """DER EncryptedPrivateKeyInfo of a DER PrivateKeyInfo."""
    salt, start = secrets.token_bytes(_SALT_SIZE), secrets.token_bytes(_BLOCK_BITS // 8)
    kdf = Scrypt(salt=salt, length=_KEY_SIZE, n=COST, r=BLOCK_SIZE, p=PARALLELISM)
    cipher = Cipher(algorithms.AES(kdf.derive(passphrase)), modes.CBC(start)).encryptor()
    padder = padding.PKCS7(_BLOCK_BITS).padder()
    padded = padder.update(private_key_info) + padder.finalize()
    scrypt = _algorithm(
        _SCRYPT,
        # keyLength is OPTIONAL: the cipher says it.
        der.encode(
            der.SEQUENCE,
            der.encode(der.OCTET_STRING, salt),
            der.encode_integer(COST),
            der.encode_integer(BLOCK_SIZE),
            der.encode_integer(PARALLELISM),
        ),
    )
    aes = _algorithm(_AES_256_CBC, der.encode(der.OCTET_STRING, start))
    return der.encode(
        der.SEQUENCE,
        _algorithm(_PBES2, der.encode(der.SEQUENCE, scrypt, aes)),
        der.encode(der.OCTET_STRING, cipher.update(padded) + cipher.finalize()),
    )


def encrypt_pem(private_key_info: bytes, passphrase: bytes) -> bytes:
    """The same in PEM (RFC 7468 11)."""
    text = base64.b64encode(encrypt(private_key_info, passphrase)).decode("ascii")
    lines = "\n".join(textwrap.wrap(text, _PEM_LINE))
    label = "ENCRYPTED PRIVATE KEY"
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode("ascii")


def _algorithm(name: str, parameters: bytes) -> bytes:
    identifier = der.encode(der.OBJECT_IDENTIFIER, der.oid_contents(name))
    return der.encode(der.SEQUENCE, identifier, parameters)
