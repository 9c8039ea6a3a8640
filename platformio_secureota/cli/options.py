"""Options that several commands take, and the types of their values."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, TypeVar

import click

from platformio_secureota.anchors import read_anchors
from platformio_secureota.errors import Unusable
from platformio_secureota.tsa.local import check_policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platformio_secureota.anchors import TrustAnchor

_Command = TypeVar("_Command", bound=Callable[..., Any])

FILE = click.Path(dir_okay=False, path_type=Path)
"""A file's name; whether it is there is found out by whoever opens it."""


_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")


def moment(text: str) -> dt.datetime:
    """Read a time as RFC 3339 writes it (5.6); digits beyond microseconds are dropped."""
    match = _MOMENT.fullmatch(text)
    if match:
        date, time, fraction, offset = match.groups()
        micros = (fraction or "")[:6].ljust(6, "0")
        zone = "+00:00" if offset in "Zz" else offset
        with contextlib.suppress(ValueError):
            return dt.datetime.fromisoformat(f"{date}T{time}.{micros}{zone}")
    raise click.BadParameter(f"{text!r} is not a time like 2026-01-31T12:00:00Z")


def oid(text: str) -> str:
    """Read an OBJECT IDENTIFIER in dotted form."""
    try:
        check_policy(text)
    except Unusable:
        message = f"{text!r} is not an object identifier like 1.3.6.1.4.1.99999.1"
        raise click.BadParameter(message) from None
    return text


def key_digest(text: str) -> bytes:
    """Read the SHA-256 of a SubjectPublicKeyInfo in hexadecimal, upper or lower case."""
    if not _SHA256.fullmatch(text):
        raise click.BadParameter(f"{text!r} is not 64 hexadecimal digits")
    return bytes.fromhex(text)


def anchor_option(command: _Command) -> _Command:
    """--anchor, repeatable."""
    return click.option(
        "anchors",
        "--anchor",
        type=FILE,
        multiple=True,
        help="Certificate that devices trust, PEM or DER; a key file will do.  Repeatable.",
    )(command)


def password_file_option(command: _Command) -> _Command:
    """--password-file."""
    return click.option(
        "password_file",
        "--password-file",
        type=click.Path(path_type=Path),
        help="File with the device's password, mode 0600; or a folder with a file for each device, "
        "named as HOST.",
    )(command)


def load_anchor_files(paths: Sequence[Path]) -> list[TrustAnchor]:
    """Every certificate in these files."""
    return [anchor for path in paths for anchor in read_anchors(path)]
