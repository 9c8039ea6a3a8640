"""Where everything on a sheet goes: pages of marks, in millimetres from the upper left corner."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Union

from platformio_secureota.paper import sheet as content

if TYPE_CHECKING:
    from platformio_secureota.paper.sheet import Group, Sheet

WIDTH, HEIGHT = 210.0, 297.0
"""A4.  Printed to fit, it is as good on US Letter."""

GRID_CELL = 0.6
"""Width of a character of fixed width, in parts of its size: that of Courier."""

_MARGIN = 14.0
_BOTTOM = HEIGHT - _MARGIN

_TITLE_SIZE, _HEADING_SIZE, _PROSE_SIZE, _LINE_SIZE = 5.6, 4.0, 3.2, 3.35
_PROSE_PITCH, _LINE_PITCH = 4.2, 4.6
_PROSE_COLUMNS = 108
"""Characters of prose that fit the width in every font that is used."""
_LABEL_WIDTH = 22.0
_STEP_INDENT = 5.0

_CODE_SIZE = 44.0
_CODE_X = WIDTH - _MARGIN - _CODE_SIZE
_CAPTION_SIZE = 2.6
_CODE_RISE = 1.5
"""A code's quiet zone reaches above the first line by so much, and its caption into its foot."""


@dataclass(frozen=True)
class Text:
    """A line of text; `y` is its upper edge, `size` that of the font."""

    x: float
    y: float
    size: float
    text: str
    bold: bool = False
    fixed: bool = False
    """In characters of one width, each in its cell."""


@dataclass(frozen=True)
class Code:
    """A QR code with its quiet zone, as a square."""

    x: float
    y: float
    size: float
    text: str


Mark = Union[Text, Code]
Page = tuple["Mark", ...]


def pages(sheet: Sheet) -> list[Page]:
    """Lay a sheet out; every page says which one it is, and of which key."""
    flow = _Flow()
    flow.text(content.TITLE, _TITLE_SIZE, height=9.5, bold=True)
    for label, value in sheet.facts:
        flow.fact(label, value)
    flow.skip(1.5)
    flow.prose(sheet.warning, bold=True)
    flow.skip(1.5)
    flow.text("To restore the key", _HEADING_SIZE, height=6.2, bold=True)
    for number, step in enumerate(sheet.steps, start=1):
        flow.prose(step, number=f"{number}.")
    for part in sheet.parts:
        flow.skip(1.5)
        flow.need(6.2 + _height(part.groups[0]))
        flow.text(part.heading, _HEADING_SIZE, height=6.2, bold=True)
        for group in part.groups:
            flow.group(group)
    return flow.finished(sheet.facts[0][1])


@dataclass
class _Flow:
    """Puts marks below each other, and begins a page where one is full."""

    _full: list[list[Mark]] = field(default_factory=list)
    _marks: list[Mark] = field(default_factory=list)
    _y: float = _MARGIN

    def skip(self, height: float) -> None:
        self._y += height

    def need(self, height: float) -> None:
        if self._y + height > _BOTTOM:
            self._full.append(self._marks)
            self._marks, self._y = [], _MARGIN

    def text(self, text: str, size: float, *, height: float, bold: bool = False) -> None:
        self.need(height)
        self._marks.append(Text(_MARGIN, self._y, size, text, bold=bold))
        self._y += height

    def fact(self, label: str, value: str) -> None:
        self.need(_PROSE_PITCH)
        x = _MARGIN + _LABEL_WIDTH
        self._marks.append(Text(_MARGIN, self._y, _PROSE_SIZE, label, bold=True))
        self._marks.append(Text(x, self._y, _PROSE_SIZE, value, fixed=not label))
        self._y += _PROSE_PITCH

    def prose(self, text: str, *, number: str = "", bold: bool = False) -> None:
        for row, words in enumerate(textwrap.wrap(text, _PROSE_COLUMNS)):
            self.need(_PROSE_PITCH)
            if number and row == 0:
                self._marks.append(Text(_MARGIN, self._y, _PROSE_SIZE, number))
            x = _MARGIN + (_STEP_INDENT if number else 0)
            self._marks.append(Text(x, self._y, _PROSE_SIZE, words, bold=bold))
            self._y += _PROSE_PITCH

    def group(self, group: Group) -> None:
        self.need(_height(group))
        for row, line in enumerate(group.lines):
            y = self._y + row * _LINE_PITCH
            self._marks.append(Text(_MARGIN, y, _LINE_SIZE, line, bold=True, fixed=True))
        self._marks.append(Code(_CODE_X, self._y - _CODE_RISE, _CODE_SIZE, group.code))
        caption_y = self._y + _CODE_SIZE - 2 * _CODE_RISE
        self._marks.append(Text(_CODE_X + 3, caption_y, _CAPTION_SIZE, group.caption))
        self._y += _height(group)

    def finished(self, name: str) -> list[Page]:
        every = [*self._full, self._marks]
        y = _BOTTOM + 2
        return [
            (*marks, Text(_MARGIN, y, _CAPTION_SIZE, f"{name}, page {number} of {len(every)}"))
            for number, marks in enumerate(every, start=1)
        ]


def _height(group: Group) -> float:
    return max(len(group.lines) * _LINE_PITCH, _CODE_SIZE) + 1
