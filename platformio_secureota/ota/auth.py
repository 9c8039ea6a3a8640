r"""Showing a device that we know its password, as bytes.  No sockets here.

The device sends a nonce; the answer is `200 <cnonce> <response>\n`.  Three forms are in use:

    form       nonce    password hash      response
    PBKDF2     64 hex   sha256(password)   k = PBKDF2-HMAC-SHA256(hash, nonce ":" cnonce, 10,000)
                                           sha256(hex(k) ":" nonce ":" cnonce)
    STORED_MD5 64 hex   md5(password)      the same, for sketches that stored an MD5 hash
    MD5        32 hex   md5(password)      md5(hash ":" nonce ":" cnonce)

Nobody knows yet who sent that nonce.  An MD5 answer can be tried against a dictionary at billions
of guesses a second, so whoever answers first could fish for the password: the last two forms are
for those who asked for them.
"""

from __future__ import annotations

import enum
import hashlib
import secrets

from platformio_secureota.errors import Reason, Refused

COMMAND = 200
"""The command number of an authentication answer."""

ROUNDS = 10_000
"""PBKDF2 rounds: what deployed devices compute (Arduino core 3.3.1 and later)."""

_MD5_NONCE = 32
_SHA256_NONCE = 64


class PasswordForm(enum.Enum):
    """How the knowledge of the password is shown."""

    PBKDF2 = "PBKDF2-HMAC-SHA256"
    STORED_MD5 = "PBKDF2-HMAC-SHA256 over an MD5 hash"
    MD5 = "MD5"


def forms_for(nonce: str, *, allow_weak: bool) -> tuple[PasswordForm, ...]:
    """Say which forms answer a nonce, the best first.

    Refused(WeakPasswordForm) where only a weak one would and `allow_weak` is not set, and for a
    nonce that belongs to no form.
    """
    if len(nonce) == _SHA256_NONCE:
        strong = (PasswordForm.PBKDF2,)
        return (*strong, PasswordForm.STORED_MD5) if allow_weak else strong
    if len(nonce) != _MD5_NONCE:
        detail = f"a nonce of {len(nonce)} digits belongs to no form that is known"
        raise Refused(Reason.WeakPasswordForm, detail)
    if not allow_weak:
        raise Refused(
            Reason.WeakPasswordForm,
            "it wants an MD5 answer, from which whoever sent that question can guess the password",
            hint="update the device's firmware, or allow it for this device with "
            "--allow-weak-password",
        )
    return (PasswordForm.MD5,)


def new_client_nonce(form: PasswordForm) -> str:
    """Make a nonce from the operating system's randomness, of the length that the form has."""
    digits = _MD5_NONCE if form is PasswordForm.MD5 else _SHA256_NONCE
    return secrets.token_hex(digits // 2)


def password_hash(form: PasswordForm, password: str) -> str:
    """What the device stores in place of the password, in hexadecimal digits."""
    secret = password.encode("utf-8")
    return hashlib.sha256(secret).hexdigest() if form is PasswordForm.PBKDF2 else _md5_hex(secret)


def response(form: PasswordForm, password: str, *, nonce: str, client_nonce: str) -> str:
    """Compute the response, in hexadecimal digits."""
    hashed = password_hash(form, password)
    nonces = f"{nonce}:{client_nonce}"
    if form is PasswordForm.MD5:
        return _md5_hex(f"{hashed}:{nonces}".encode("ascii"))
    key = hashlib.pbkdf2_hmac("sha256", hashed.encode("ascii"), nonces.encode("ascii"), ROUNDS)
    return hashlib.sha256(f"{key.hex()}:{nonces}".encode("ascii")).hexdigest()


def answer(form: PasswordForm, password: str, *, nonce: str) -> bytes:
    """Make the whole datagram that answers `AUTH <nonce>`."""
    client_nonce = new_client_nonce(form)
    proof = response(form, password, nonce=nonce, client_nonce=client_nonce)
    return f"{COMMAND} {client_nonce} {proof}\n".encode("ascii")


def _md5_hex(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
