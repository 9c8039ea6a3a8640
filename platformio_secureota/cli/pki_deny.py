"""`secureota pki deny`."""

from __future__ import annotations

import re
from pathlib import Path

import click

from platformio_secureota import denied
from platformio_secureota.cli import console, options, pki_options
from platformio_secureota.hierarchy import DENIED_FILE, Tree
from platformio_secureota.hierarchy import node as nodes
from platformio_secureota.identity import spki_sha256

_KEY_DIGEST = re.compile(r"[0-9A-Fa-f]{64}")


@click.command(short_help="Put a key on the deny-list that builds embed.")
@click.argument("who")
@click.option(
    "lists",
    "--list",
    type=options.FILE,
    multiple=True,
    help="Deny-list of a project too: PROJECT/secureota/denied.txt.  Repeatable.",
)
@click.option("why", "--why", default="", metavar="TEXT", help="Reason, for the list's readers.")
@pki_options.folder
def deny(*, who: str, lists: tuple[Path, ...], why: str, folder: Path) -> None:
    """Deny the keys of WHO: a member's name, a certificate's file, or a SHA-256 in hexadecimal.

    All keys that a member has had are denied.  What they have signed and certified is refused by
    devices that run a build with the list.
    """
    hierarchy = Tree(folder)
    own = folder / DENIED_FILE
    now = pki_options.now()
    is_digest = _KEY_DIGEST.fullmatch(who) is not None
    subject = "" if is_digest else f"{who}, "
    comment = f"{subject}{now:%Y-%m-%d}{f': {why}' if why else ''}"
    if is_digest or Path(who).is_file():
        digest = who if is_digest else spki_sha256(nodes.read_certificates(Path(who))[0])
        digests = [bytes.fromhex(digest)]
        nodes.make_folder(folder)
        new = denied.add(own, digests, comment=comment)
    else:
        member = hierarchy.find(who)
        digests = hierarchy.keys_of(member)
        new = hierarchy.deny(member, comment=comment, now=now)
    for file in lists:
        nodes.make_folder(file.parent)
        denied.add(file, digests, comment=comment)
    for each in digests:
        click.echo(f"{each.hex()}  {'denied' if each in new else 'was denied already'}")
    if not lists:
        console.note(f"Projects need these lines of {own} too, in secureota/denied.txt: --list")
    console.note("Devices refuse the key as soon as they run a build that was made with the list.")
