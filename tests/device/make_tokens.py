"""Write tokens.h: timestamp tokens for the made-up images of the C++ tests.

    python tests/device/make_tokens.py

An image is `size` bytes, of which byte i is (seed + i * 31 + i // 256) modulo 256: both languages
make it from two numbers. The keys are thrown away; a new run makes new ones, and the tests pass.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from platformio_secureota import Image, pki
from platformio_secureota.anchors import load_anchors
from platformio_secureota.identity import SigningIdentity, to_der
from platformio_secureota.sign import sign
from platformio_secureota.tsa import LocalTSA

OUTPUT = Path(__file__).with_name("tokens.h")
SIZE = 5000
START = dt.datetime(2025, 1, 1, tzinfo=dt.timezone.utc)
HOUR = dt.timedelta(hours=1)

HEADER = """\
// Made by make_tokens.py: do not edit.
#pragma once

#include <stdint.h>

"""


def image(seed: int, size: int = SIZE) -> bytes:
    """The made-up image."""
    return bytes((seed + i * 31 + i // 256) % 256 for i in range(size))


def token(seed: int, at: dt.datetime, identity: SigningIdentity) -> bytes:
    """Sign the image of this seed at that time."""
    anchors = load_anchors(to_der(identity.certificate))
    tsa = LocalTSA(identity, clock=lambda: at)
    return sign(Image(image(seed)), tsa, anchors=anchors).token


def array(name: str, comment: str, data: bytes) -> str:
    """C source of a constant."""
    lines = [", ".join(f"0x{b:02x}" for b in data[i : i + 16]) for i in range(0, len(data), 16)]
    body = ",\n    ".join(lines)
    return f"// {comment}\nconst uint8_t {name}[] = {{\n    {body}}};\n\n"


def main() -> None:
    """Make keys and tokens anew."""
    owner = pki.generate(name="owner", now=START)
    stranger = pki.generate(name="stranger", now=START)
    text = HEADER + f"const uint32_t kImageSize = {SIZE};\n"
    text += f"const int64_t kStart = {int(START.timestamp())}000000LL;  // microseconds\n"
    text += "const int64_t kHour = 3600000000LL;\n\n"
    text += array("kAnchor", "The owner's certificate.", to_der(owner.certificate))
    text += array("kTokenA1", "Image 'A', one hour after kStart.", token(65, START + HOUR, owner))
    text += array("kTokenA3", "Image 'A', three hours.", token(65, START + 3 * HOUR, owner))
    text += array("kTokenB1", "Image 'B', one hour.", token(66, START + HOUR, owner))
    text += array("kTokenB2", "Image 'B', two hours.", token(66, START + 2 * HOUR, owner))
    text += array("kTokenA5", "Image 'A', five hours.", token(65, START + 5 * HOUR, owner))
    text += array("kTokenB6", "Image 'B', six hours.", token(66, START + 6 * HOUR, owner))
    text += array("kTokenB4", "Image 'B', four hours.", token(66, START + 4 * HOUR, owner))
    text += array(
        "kTokenBStranger",
        "Image 'B', two hours, signed with a key that the owner does not know.",
        token(66, START + 2 * HOUR, stranger),
    )
    OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
