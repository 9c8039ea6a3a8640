r"""Asking a device what it runs: question and answer as bytes (docs/format.md, 3.3).  No sockets.

    RedWax/1.00 cmd=300 nonce=<n> pad=<any>\n
    STATUS image=<digest> state=<state> floor=<time>[ key=value ...][ salt=<s> hmac=<h>]

Without a password anybody could have answered.  With one, the answer carries an HMAC over itself
and our nonce, under a key that only the password gives.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Refused
from platformio_secureota.ota import auth
from platformio_secureota.ota.auth import PasswordForm

if TYPE_CHECKING:
    from collections.abc import Iterable

COMMAND = 300

QUERY_SIZE = 448
"""Bytes of a question, and at most of an answer: nobody can be flooded with answers."""

_PAIR = re.compile(r"([a-z0-9]+)=([!-~]*)")
_VALUES = {
    "image": re.compile(r"[0-9a-f]{64}|-"),
    "state": re.compile(r"pending|confirmed"),
    "floor": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|-", re.ASCII),
    "product": re.compile(r"[A-Za-z0-9._+-]{0,32}"),
    "version": re.compile(r"[!-~]{0,48}"),
    "last": re.compile(r"[A-Za-z0-9]{1,40}"),
    "salt": re.compile(r"[0-9a-f]{32}"),
    "hmac": re.compile(r"[0-9a-f]{64}"),
}
_ALWAYS = ("image", "state", "floor")


@dataclass(frozen=True)
class Status:
    """What a device says that it runs.  Nothing of it is proven before `vouch`."""

    image: bytes | None
    """SHA-256 of the image that runs; None where the device can't tell."""
    confirmed: bool
    """False: a restart would bring the previous image back."""
    floor: str = ""
    """RFC 3339, UTC: a token must be newer; empty: there is none."""
    product: str = ""
    version: str = ""
    last: str = ""
    """Why the last update was refused, or left again: the name of a Reason."""
    salt: str = ""
    proof: str = field(default="", repr=False)
    """The HMAC, in hexadecimal digits; empty: none came."""
    proven: bytes = field(default=b"", repr=False)
    """What it is computed over, besides the nonce."""


def new_nonce() -> str:
    """32 hexadecimal digits that nobody can foresee."""
    return secrets.token_hex(16)


def query(nonce: str) -> bytes:
    """Write the datagram that asks."""
    line = f"RedWax/1.00 cmd={COMMAND} nonce={nonce} pad=".encode("ascii")
    return line.ljust(QUERY_SIZE - 1, b".") + b"\n"


def parse(datagram: bytes) -> Status | None:
    """Read an answer; None for everything that is none: a refusal, say."""
    if len(datagram) > QUERY_SIZE or not datagram.isascii():
        return None
    text = datagram.decode("ascii").rstrip("\r\n\0")
    head, *words = text.split(" ")
    matches = [match for word in words if (match := _PAIR.fullmatch(word))]
    pairs = [(match[1], match[2]) for match in matches]
    keys = [key for key, _ in pairs]
    values = dict(pairs)
    if head != "STATUS" or len(pairs) < len(words) or len(values) < len(pairs):
        return None
    if any(key not in values for key in _ALWAYS) or ("hmac" in keys and keys[-1] != "hmac"):
        return None
    if not all(_VALUES[key].fullmatch(value) for key, value in pairs if key in _VALUES):
        return None
    return Status(
        image=None if values["image"] == "-" else bytes.fromhex(values["image"]),
        confirmed=values["state"] == "confirmed",
        floor="" if values["floor"] == "-" else values["floor"],
        product=values.get("product", ""),
        version=values.get("version", ""),
        last=values.get("last", ""),
        salt=values.get("salt", ""),
        proof=values.get("hmac", ""),
        proven=text.rpartition(" hmac=")[0].encode("ascii"),
    )


def vouch(status: Status, *, password: str, nonces: Iterable[str], allow_weak: bool) -> None:
    """Return if whoever answered one of these questions knows the password.

    Refused(NotAuthorized) otherwise, also where the answer proves nothing.  `allow_weak`: the
    device may have stored an MD5 of the password.
    """
    if not status.proof or not status.salt:
        raise Refused(
            Reason.NotAuthorized,
            "the answer about what runs carries no proof of the password, so anybody can have made "
            "it up",
            hint="if the firmware that runs has no password, unset it here too",
        )
    forms = (PasswordForm.PBKDF2, PasswordForm.STORED_MD5) if allow_weak else (PasswordForm.PBKDF2,)
    keys = [_key(auth.password_hash(form, password), status.salt) for form in forms]
    texts = [nonce.encode("ascii") + b":" + status.proven for nonce in nonces]
    expected = [hmac.new(key, text, hashlib.sha256).hexdigest() for key in keys for text in texts]
    if not any(hmac.compare_digest(each, status.proof) for each in expected):
        raise Refused(
            Reason.NotAuthorized,
            "the answer about what runs was not made with this password",
            hint="if the firmware that runs has another password, set SECUREOTA_PASSWORD to it",
        )


def _key(hashed: str, salt: str) -> bytes:
    return hashlib.pbkdf2_hmac(
        "sha256", hashed.encode("ascii"), f"status:{salt}".encode("ascii"), auth.ROUNDS
    )
