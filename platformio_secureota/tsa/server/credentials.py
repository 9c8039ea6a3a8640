"""Secrets of callers: made once, shown once, and kept as hashes alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets

from platformio_secureota.errors import Reason, Unusable

_PREFIX = "sota_"
"""Lets scanners of leaked secrets, and people, know one when they see it."""

_TOKEN_OCTETS = 32

MIN_TOKEN_CHARACTERS = 32
"""Of a token that somebody else made.  Its hash is plain SHA-256, which protects what can't be
guessed and nothing else."""

_BEARER_HASH = re.compile(r"sha256:[0-9a-f]{64}")

# scrypt (RFC 7914): 16 MiB, some 50 ms.  A password may be guessable; this makes guessing dear.
_N, _R, _P, _SALT_OCTETS = 2**14, 8, 1, 16


def make_token() -> str:
    """Make a bearer token of 256 random bits."""
    return _PREFIX + secrets.token_urlsafe(_TOKEN_OCTETS)


def hash_token(token: str) -> str:
    """Compute what the configuration keeps of a bearer token."""
    return "sha256:" + hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def token_digest(hashed: str) -> bytes:
    """Give the SHA-256 of the token whose `hash_token` this is."""
    return bytes.fromhex(hashed.partition(":")[2])


def check_bearer_hash(text: str) -> None:
    """Unusable(Usage) unless this is what `hash_token` writes."""
    if not _BEARER_HASH.fullmatch(text):
        hint = "make one with `secureota tsa token`"
        raise Unusable(Reason.Usage, "bearer must be sha256: and 64 hexadecimal digits", hint=hint)


def hash_password(password: bytes) -> str:
    """Compute what the configuration keeps of a password: scrypt:SALT:HASH."""
    salt = secrets.token_bytes(_SALT_OCTETS)
    return f"scrypt:{_text(salt)}:{_text(_scrypt(password, salt))}"


def check_password_hash(text: str) -> None:
    """Unusable(Usage) unless this is what `hash_password` writes."""
    _split(text)


def is_password(password: bytes, hashed: str) -> bool:
    """Whether this is the password.  Takes some 50 ms of one core on purpose."""
    salt, expected = _split(hashed)
    return hmac.compare_digest(_scrypt(password, salt), expected)


def _scrypt(password: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=_N, r=_R, p=_P, dklen=32)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _split(hashed: str) -> tuple[bytes, bytes]:
    try:
        kind, salt, expected = hashed.split(":")
        parts = base64.b64decode(salt, validate=True), base64.b64decode(expected, validate=True)
    except (ValueError, binascii.Error):
        kind, parts = "", (b"", b"")
    if kind != "scrypt" or len(parts[0]) != _SALT_OCTETS or not parts[1]:
        hint = "make one with `secureota tsa token --password`"
        raise Unusable(Reason.Usage, "password must be a hash, scrypt:SALT:HASH", hint=hint)
    return parts
