"""`secureota pki tree`: who is below whom, until when, and what each may do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text
from rich.tree import Tree as Drawing

from platformio_secureota.cli import console, passphrase, pki_keys, pki_options
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.hierarchy import Node, Profile, Tree
from platformio_secureota.hierarchy.node import CHAIN
from platformio_secureota.identity import spki_sha256

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path
    from typing import TextIO

_SOON = 30
"""Days before its end from which a certificate is shown in yellow."""

_WIDTH = 100
"""Columns where nobody's terminal says how many there are."""


@click.command(short_help="Show the hierarchy.")
@pki_options.folder
def tree(*, folder: Path) -> None:
    """Draw the hierarchy: who is below whom, until when, and what each may do."""
    hierarchy = Tree(folder)
    if not hierarchy.tops():
        hint = "make one with `secureota pki root NAME`, or name its folder with --dir"
        raise Unusable(Reason.Usage, f"there is no hierarchy in {folder}", hint=hint)
    draw(hierarchy, now=pki_options.now(), file=sys.stdout)


def announce(member: Node, *, in_token: bool = False) -> None:
    """Say who is there now; `in_token`: its key is one of ours that has no file."""
    end = f"{member.certificate.not_valid_after_utc:%Y-%m-%d}"
    click.echo(f"{member.folder}: {member.name} {role(member)}, until {end}")
    if member.key_file.exists():
        pki_keys.warn_if_bare(member.key_file)
    elif not in_token:
        console.note(f"Send back: {member.folder / CHAIN}")


def draw(hierarchy: Tree, *, now: dt.datetime, file: TextIO) -> None:
    """Draw the whole hierarchy."""
    denied = hierarchy.denied_keys()
    width = None if file.isatty() else _WIDTH
    paper = Console(file=file, highlight=False, width=width)
    for top in hierarchy.tops():
        drawing = Drawing(_label(top, denied, now))
        _draw_below(hierarchy, top, drawing, denied, now)
        paper.print(drawing)


def _draw_below(
    hierarchy: Tree, above: Node, drawing: Drawing, denied: frozenset[bytes], now: dt.datetime
) -> None:
    for member in hierarchy.children(above):
        _draw_below(hierarchy, member, drawing.add(_label(member, denied, now)), denied, now)


def _label(member: Node, denied: frozenset[bytes], now: dt.datetime) -> Text:
    label = Text(member.name, style="bold")
    label.append(f"  {role(member)}", style="not bold")
    if any(bytes.fromhex(key) in denied for key in _path_keys(member)):
        label.append("  DENIED", style="bold red")
    label.append(f"\n{_validity(member, now)}", style=f"not bold {_colour(member, now)}")
    label.append(f"; {_policies(member)}; {_key(member)}", style="not bold dim")
    return label


def role(member: Node) -> str:
    """What a member may do, in words."""
    profile = member.profile
    if profile is None:
        return "nothing that this tool makes"
    if profile is Profile.TLS_AUTHORITY:
        return "certifies TLS servers and clients, never firmware"
    if not profile.is_authority:
        return "signs firmware" if profile is Profile.SIGNER else f"{profile.words}, never firmware"
    return f"certifies signers{_levels(member.depth)}"


def _levels(depth: int | None) -> str:
    if depth is None:
        return " and authorities"
    if depth == 0:
        return ""
    return f" and authorities, {depth} level{'s' if depth > 1 else ''} deep"


def _policies(member: Node) -> str:
    if member.profile is not None and member.profile.is_tls:
        return "no firmware"
    if not member.policies:
        return "any policy" if member.profile in _AUTHORITIES else "no policy"
    return f"policy {', '.join(member.policies)}"


_AUTHORITIES = (Profile.ROOT, Profile.AUTHORITY)


def _validity(member: Node, now: dt.datetime) -> str:
    end = f"{member.certificate.not_valid_after_utc:%Y-%m-%d}"
    left = member.days_left(now)
    if left < 0:
        return f"EXPIRED on {end}"
    return f"until {end}" + (f" ({left} days left)" if left < _SOON else "")


def _colour(member: Node, now: dt.datetime) -> str:
    left = member.days_left(now)
    if left < 0:
        return "red"
    return "yellow" if left < _SOON else "dim"


def _key(member: Node) -> str:
    if not member.key_file.exists():
        return "key elsewhere"
    return (
        "key here, encrypted"
        if passphrase.is_encrypted(member.key_file)
        else "key here, not encrypted"
    )


def _path_keys(member: Node) -> list[str]:
    return [member.fingerprint, *(spki_sha256(each) for each in member.chain)]
