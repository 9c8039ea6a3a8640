"""Pages as a PDF, with fonts that every reader has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fpdf import FPDF

from platformio_secureota.paper import codes, sheet
from platformio_secureota.paper.layout import Code, Page, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

_POINTS = 72 / 25.4
_ASCENT = 0.8
"""From the upper edge of a line to its foot, in parts of the font's size."""
_CODE_PIXELS = 1000
"""Of a code's side: fine enough that a reader's smoothing leaves the modules square."""


def write(pages: Sequence[Page]) -> bytes:
    """Draw the pages."""
    pdf = FPDF(unit="mm", format="A4")
    pdf.set_title(sheet.TITLE)
    pdf.set_auto_page_break(auto=False)
    for page in pages:
        pdf.add_page()
        for mark in page:
            if isinstance(mark, Code):
                picture = codes.image(mark.text, pixels=_CODE_PIXELS)
                pdf.image(picture, mark.x, mark.y, mark.size, mark.size)
            else:
                _text(pdf, mark)
    return bytes(pdf.output())


def _text(pdf: FPDF, mark: Text) -> None:
    family = "courier" if mark.fixed else "helvetica"
    pdf.set_font(family, style="B" if mark.bold else "", size=mark.size * _POINTS)
    pdf.text(mark.x, mark.y + _ASCENT * mark.size, mark.text)
