"""A sheet as plain text: for terminals and printers that know nothing else, without codes."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from platformio_secureota.paper import sheet as content

if TYPE_CHECKING:
    from platformio_secureota.paper.sheet import Sheet

_COLUMNS = 80
_LABEL = 12


def write(sheet: Sheet) -> bytes:
    """Write the sheet in UTF-8, 80 columns wide."""
    lines = [content.TITLE, ""]
    lines += [f"{label:{_LABEL}}{value}" for label, value in sheet.facts]
    lines += ["", *textwrap.wrap(sheet.warning, _COLUMNS), "", "To restore the key", ""]
    for number, step in enumerate(sheet.steps, start=1):
        first = f"{number}. "
        lines += textwrap.wrap(step, _COLUMNS, initial_indent=first, subsequent_indent="   ")
    for part in sheet.parts:
        lines += ["", part.heading, ""]
        lines += [line for group in part.groups for line in group.lines]
    return "\n".join([*lines, ""]).encode()
