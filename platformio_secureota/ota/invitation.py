r"""What host and device say to each other by UDP, as bytes.  No sockets here.

The host invites (docs/format.md, "Invitation"), in one of two forms:

    RedWax/1.00 cmd=<c> port=<p> size=<s> md=<NAME> digest=<HEX> rfc3161=<n>[ key=value ...]\n
    <c> <p> <s> <md5-hex>\n                                                 stock ArduinoOTA

and the device answers `OK[ key=value ...]`, `AUTH <nonce>` or with an error text.  Both sides
ignore keys that they do not know: that is where new abilities are offered and taken.  The first of
them is direct mode (3.2): a host that can connect to the device says `direct=1`, and a device that
takes it answers with the port and a cookie.
"""

from __future__ import annotations

import enum
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Union

from platformio_secureota.ota.target import MAX_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ANSWER_SIZE = 512
"""Bytes of one answer that are looked at.  No answer is longer than the invitation it answers."""


class ImageKind(enum.IntEnum):
    """What is sent; the value is the command number on the wire."""

    APPLICATION = 0
    FILESYSTEM = 100


class Form(enum.Enum):
    """The two ways to write an invitation."""

    REDWAX = "RedWax"
    STOCK = "stock"


class TransportDigest(enum.Enum):
    """Digests that the RedWax form can name.

    They find damage on the way.  They say nothing about who made the image: the token does.
    """

    MD5 = "MD5"
    SHA256 = "SHA256"


@dataclass(frozen=True)
class Invitation:
    """What the device is asked to fetch."""

    kind: ImageKind
    port: int
    """TCP port on this computer."""
    container: bytes = field(repr=False)
    token_size: int
    """Bytes of the container's TimeStampResp."""
    digest: TransportDigest = TransportDigest.SHA256

    def encode(self, form: Form, *, keys: Mapping[str, str] | None = None) -> bytes:
        """Write the datagram.  `keys` go behind the others, in the RedWax form alone."""
        size = len(self.container)
        if form is Form.STOCK:
            md5 = _digest(TransportDigest.MD5, self.container)
            return f"{self.kind.value} {self.port} {size} {md5}\n".encode("ascii")
        digest = _digest(self.digest, self.container).upper()
        line = (
            f"RedWax/1.00 cmd={self.kind.value} port={self.port} size={size}"
            f" md={self.digest.value} digest={digest} rfc3161={self.token_size}"
        )
        line += "".join(f" {key}={value}" for key, value in (keys or {}).items())
        return line.encode("ascii") + b"\n"


def _digest(name: TransportDigest, data: bytes) -> str:
    return hashlib.new(name.value, data, usedforsecurity=False).hexdigest()


DIRECT = {"direct": "1"}
"""The key by which a host says that it can connect to the device."""


@dataclass(frozen=True)
class Door:
    """Where the device waits for our connection, once."""

    port: int
    """TCP port of the device."""
    cookie: str = field(repr=False)
    """32 hexadecimal digits.  Whoever shows them first is the one who was invited."""

    def key(self) -> bytes:
        """What goes over the connection before the container."""
        return self.cookie.encode("ascii") + b"\n"


@dataclass(frozen=True)
class Accepted:
    """`OK`: the device will take the container."""

    keys: dict[str, str] = field(default_factory=dict)
    """What a newer device adds."""

    @property
    def door(self) -> Door | None:
        """Where to connect to; None: the device will connect to us."""
        port, cookie = self.keys.get("port", ""), self.keys.get("cookie", "")
        if not _PORT.fullmatch(port) or int(port) > MAX_PORT or not _COOKIE.fullmatch(cookie):
            return None
        return Door(int(port), cookie)


@dataclass(frozen=True)
class Challenge:
    """`AUTH <nonce>`: the device wants to know that we have the password."""

    nonce: str
    """Hexadecimal digits, as sent; how many there are says which form is asked for."""


@dataclass(frozen=True)
class Rejected:
    """Anything else: a refusal, in the device's words."""

    text: bytes
    """As received, so not to be shown before `refusal.legible` has seen it."""


Answer = Union[Accepted, Challenge, Rejected]

_ACCEPTED = re.compile(rb"OK((?: [!-<>-~]+=[!-~]*)*)")
_CHALLENGE = re.compile(rb"AUTH ([0-9A-Fa-f]+)")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_COOKIE = re.compile(r"[0-9a-f]{32}")


def parse_answer(datagram: bytes) -> Answer:
    """Read an answer.  Every datagram is one: what is not understood is a refusal."""
    text = datagram[:MAX_ANSWER_SIZE].strip(b" \t\r\n\0")
    accepted = _ACCEPTED.fullmatch(text)
    if accepted:
        pairs = (pair.decode("ascii").partition("=") for pair in accepted.group(1).split())
        return Accepted({key: value for key, _, value in pairs})
    challenge = _CHALLENGE.fullmatch(text)
    if challenge:
        return Challenge(challenge.group(1).decode("ascii"))
    return Rejected(text)
