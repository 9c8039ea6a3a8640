"""Whose devices the tests update: a key, and images signed with it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from platformio_secureota import Image, pki, sign
from platformio_secureota.anchors import load_anchors
from platformio_secureota.identity import to_der
from platformio_secureota.tsa import LocalTSA

if TYPE_CHECKING:
    from pathlib import Path

    from platformio_secureota.identity import SigningIdentity

NOW = dt.datetime.now(dt.timezone.utc)
MINUTE = dt.timedelta(minutes=1)
START = NOW - dt.timedelta(days=30)
OURS = pki.generate(name="ours", now=START)
PASSWORD = "correct horse"


def signed(image: bytes, *, at: dt.datetime = NOW, identity: SigningIdentity = OURS) -> bytes:
    """The container of an image that was signed then."""
    anchors = load_anchors(to_der(identity.certificate))
    return sign(Image(image), LocalTSA(identity, clock=lambda: at), anchors=anchors).container


def write_anchor(file: Path) -> Path:
    """What the owner's devices trust."""
    file.write_bytes(to_der(OURS.certificate))
    return file
