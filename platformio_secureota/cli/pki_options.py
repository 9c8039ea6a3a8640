"""Options and words that the commands of `secureota pki` share."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Callable, TypeVar

import click

from platformio_secureota import pki
from platformio_secureota.cli import options, pki_keys

_Command = TypeVar("_Command", bound=Callable[..., Any])

_MAX_DAYS = 36525
"""A hundred years: beyond it, somebody has mistyped."""

folder = click.option(
    "folder",
    "--dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("pki"),
    show_default=True,
    help="Folder of the hierarchy.",
)
kind = click.option(
    "--kind",
    type=click.Choice(pki.KINDS),
    default=pki.KINDS[0],
    show_default=True,
    help="Kind of the new key.",
)
policies = click.option(
    "policies",
    "--policy",
    type=options.oid,
    metavar="OID",
    multiple=True,
    help="Policy that the certificate asserts.  Repeatable.  [default: the authority's]",
)
depth = click.option(
    "--depth",
    type=click.IntRange(0, 5),
    help="Levels of authorities that may stand below.  [default: one less than above]",
)


def days(default: str) -> Callable[[_Command], _Command]:
    """--days."""
    text = f"How long it lasts.  [default: {default}]"
    return click.option("days", "--days", type=click.IntRange(1, _MAX_DAYS), help=text)


def certified(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of whatever an authority certifies."""
    under = click.option("--under", required=True, metavar="NAME", help="The authority above.")
    for option in (from_elsewhere, kind, folder, under):
        command = option(command)
    return command


def from_elsewhere(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for keys that are not in the folder: the member's, and the authority's."""
    for option in (
        click.option("--yes", is_flag=True, help="Certify a request without asking."),
        pki_keys.secrets_options,
        click.option(
            "request",
            "--request",
            type=options.FILE,
            help="Certify the key in this request instead of making one.",
        ),
    ):
        command = option(command)
    return command


def lifetime(days: int | None) -> dt.timedelta | None:
    """--days, as a time."""
    return None if days is None else dt.timedelta(days=days)


def now() -> dt.datetime:
    """Read this machine's clock, in UTC."""
    return dt.datetime.now(dt.timezone.utc)
