"""`secureota inspect`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from platformio_secureota.cli import console, options
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.report import describe_file

if TYPE_CHECKING:
    from pathlib import Path

_PIPE_WIDTH = 160
"""Columns where there is no terminal to ask: a line of hexadecimal fits."""


@click.command(short_help="Show what is in a signed image or a timestamp.")
@click.argument("image", type=options.FILE)
@click.option("as_json", "--json", is_flag=True, help="One JSON object, whose keys stay stable.")
def inspect(*, image: Path, as_json: bool) -> None:
    """Show what is in the file IMAGE: a signed image, or a bare timestamp (firmware.tsr).

    Decides nothing: all of it may be forged.  `secureota verify` decides.
    """
    try:
        data = image.read_bytes()
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{image}: {cause.strerror}") from cause
    described = describe_file(data)
    if as_json:
        click.echo(json.dumps(described, indent=2))
        return
    screen = Console(highlight=False)
    if not screen.is_terminal:
        screen = Console(highlight=False, width=_PIPE_WIDTH)
    if described["container"] is not None:
        screen.print(_table("container", described["container"]))
    if described["manifest"] is not None:
        screen.print(_table("manifest", described["manifest"]))
    token = dict(described["token"])
    certificates = token.pop("certificates", [])
    screen.print(_table("timestamp", token))
    for number, certificate in enumerate(certificates, start=1):
        screen.print(_table(f"certificate {number} of {len(certificates)}", certificate))
    console.note("Nothing of this was verified; `secureota verify` does that.")


def _table(title: str, rows: dict[str, Any]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(Text(name.replace("_", " ")), Text(_cell(value)))
    return table


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{k} {_cell(v)}" for k, v in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(map(_cell, value)) or "-"
    return str(value)
