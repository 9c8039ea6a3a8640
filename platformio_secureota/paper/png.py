"""A page as a PNG, for printers and viewers that know pictures alone."""

from __future__ import annotations

import functools
import io

from PIL import Image, ImageDraw, ImageFont

from platformio_secureota.paper import codes
from platformio_secureota.paper.layout import GRID_CELL, HEIGHT, WIDTH, Code, Page, Text

DPI = 300
_SCALE = DPI / 25.4
_WHITE, _BLACK = 255, 0
_ASCENT = 0.8
_EMBOLDEN = 0.022
"""Pillow brings one font, in one weight; bold is drawn with an outline of this part of its size."""

_FIXED = 0.88
"""Makes that font's widest letters fit a cell."""


def write(page: Page) -> bytes:
    """Draw one page in shades of grey."""
    picture = Image.new("L", (_pixels(WIDTH), _pixels(HEIGHT)), _WHITE)
    draw = ImageDraw.Draw(picture)
    for mark in page:
        if isinstance(mark, Code):
            code = codes.image(mark.text, pixels=_pixels(mark.size))
            spare = (_pixels(mark.size) - code.width) // 2
            picture.paste(code, (_pixels(mark.x) + spare, _pixels(mark.y) + spare))
        else:
            _text(draw, mark)
    file = io.BytesIO()
    picture.save(file, "PNG", dpi=(DPI, DPI), optimize=True)
    return file.getvalue()


@functools.cache
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _pixels(millimetres: float) -> int:
    return round(millimetres * _SCALE)


def _text(draw: ImageDraw.ImageDraw, mark: Text) -> None:
    size = mark.size * _SCALE * (_FIXED if mark.fixed else 1)
    font = _font(size)
    foot = (mark.y + _ASCENT * mark.size) * _SCALE
    # Older releases of Pillow take whole pixels alone.
    outline = round(_EMBOLDEN * size) if mark.bold else 0
    if not mark.fixed:
        where = (mark.x * _SCALE, foot)
        draw.text(where, mark.text, _BLACK, font, anchor="ls", stroke_width=outline)
        return
    cell = GRID_CELL * mark.size * _SCALE
    for column, character in enumerate(mark.text):
        where = (mark.x * _SCALE + (column + 0.5) * cell, foot)
        draw.text(where, character, _BLACK, font, anchor="ms", stroke_width=outline)
