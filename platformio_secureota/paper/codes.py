"""QR codes as images (ISO/IEC 18004)."""

from __future__ import annotations

import io

import segno
from PIL import Image

QUIET_ZONE = 4
"""Modules of white around a code (ISO/IEC 18004, 9.1)."""


def image(text: str, *, pixels: int) -> Image.Image:
    """Draw a code with its quiet zone, at most `pixels` wide; modules are whole pixels.

    Level M: a seventh of the code may be stained.  `text` is what `armour.compact` writes, in the
    characters that QR codes pack most densely.
    """
    code = segno.make(text, error="m", mode="alphanumeric", micro=False)
    modules = code.symbol_size(border=QUIET_ZONE)[0]
    file = io.BytesIO()
    code.save(file, kind="png", scale=max(1, pixels // modules), border=QUIET_ZONE)
    return Image.open(file)
