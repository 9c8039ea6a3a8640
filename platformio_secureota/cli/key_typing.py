"""A sheet typed in line by line, each judged at once."""

from __future__ import annotations

import sys

import click

from platformio_secureota.cli import console
from platformio_secureota.paper import armour


def read(reader: armour.Reader, *, certificates_are_known: bool) -> None:
    """Ask for the lines of a sheet, or take them from standard input if nobody is there.

    The certificates are asked for only if they are not known otherwise.
    """
    if not sys.stdin.isatty():
        reader.feed(sys.stdin.read())
        return
    console.note("Type the lines as they stand on the sheet.  An empty line ends this.")
    parts = [armour.KEY] if certificates_are_known else [armour.KEY, armour.CERTIFICATES]
    for part in parts:
        while reader.missing(part):
            name = reader.missing(part)[0]
            click.echo(f"{name} ", nl=False, err=True)
            line = sys.stdin.readline()
            if not line.strip():
                return
            # Its name may be left out: it stands in front of what is typed.
            fault = reader.feed(line if armour.is_line(line) else f"{name} {line}")
            if fault:
                console.note(f"{fault}; once more")
