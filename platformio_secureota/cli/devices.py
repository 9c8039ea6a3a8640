"""`secureota devices`: who announces itself in the local network."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
import rich.box
import rich.console
import rich.table
import rich.text

from platformio_secureota.cli import console
from platformio_secureota.names import printable
from platformio_secureota.ota import discovery

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platformio_secureota.ota.discovery import Announcement

_HEADINGS = ("name", "address", "port", "product", "version", "secure")


@click.command(short_help="List the devices in the local network.")
@click.option(
    "timeout", "--timeout", type=click.FloatRange(0.1, 600), default=3.0, show_default=True,
    help="Seconds to listen.",
)  # fmt: skip
@click.option("as_json", "--json", is_flag=True, help="For machines.")
def devices(*, timeout: float, as_json: bool) -> None:
    """List the devices that announce `_arduino._tcp` by multicast DNS.

    Each line has name, address, UDP port, product, version, and whether the device says that it
    takes signed images alone.  Anybody in the network can announce anything: it is a list of
    claims.  `secureota upload IMAGE mdns:NAME` sends to one of them.
    """
    found = discovery.browse(timeout=timeout)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
    elif sys.stdout.isatty():
        _table(found)
    else:
        for each in found:
            click.echo("\t".join(_cells(each)))
    if not found:
        console.note(
            f"no device announced itself within {timeout:g} s; firewalls and other network "
            "segments keep announcements out"
        )


def _cells(each: Announcement) -> tuple[str, ...]:
    secure = "yes" if each.secure else "no"
    return (
        printable(each.name),
        each.ip,
        str(each.port),
        each.product or "-",
        each.version or "-",
        secure,
    )


def _table(found: Iterable[Announcement]) -> None:
    view = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for heading in _HEADINGS:
        view.add_column(heading, justify="right" if heading == "port" else "left")
    for each in found:
        # As text: a name with brackets in it is no markup.
        view.add_row(*(rich.text.Text(cell) for cell in _cells(each)))
    rich.console.Console().print(view)
