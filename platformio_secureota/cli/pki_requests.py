"""`secureota pki request` and `accept`, and how a request is shown to whoever decides."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from platformio_secureota import keyfile, pki
from platformio_secureota.cli import console, options, passphrase, pki_keys, pki_options, pki_tree
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.hierarchy import Request, Tree
from platformio_secureota.hierarchy import node as nodes
from platformio_secureota.hierarchy import request as requests
from platformio_secureota.hierarchy.profiles import profile_of
from platformio_secureota.hierarchy.tree import join

if TYPE_CHECKING:
    from pathlib import Path

    from platformio_secureota.hierarchy import Node, Order


@click.command("request", short_help="Ask for a certificate, for a key on this machine.")
@click.argument("name")
@click.option("key", "--key", type=options.FILE, required=True, help="Key file; made if missing.")
@click.option("out", "-o", "--out", type=options.FILE, required=True, help="Request to write.")
@pki_options.kind
@passphrase.file_option
def make_request(
    *, name: str, key: Path, out: Path, kind: str, passphrase_file: Path | None
) -> None:
    """Write a request for a certificate called NAME, for the key in a file.

    The private key stays where it is.  Send the request to whoever holds the authority, and tell
    them the fingerprint by another way; then `secureota pki accept` what comes back.
    """
    nodes.check_name(name)
    if not key.exists():
        new = pki_keys.new_key(kind, name, pki_keys.Secrets(new_file=passphrase_file))
        identity = pki.generate(kind, name=name)
        keyfile.write_pem(key, identity, passphrase=new.passphrase)
        console.note(f"A new key is in {key}.")
        pki_keys.warn_if_bare(key)
    else:
        identity = keyfile.load_identity(
            key, passphrase=passphrase.of_key_file(key, passphrase_file)
        )
    console.write_output(out, requests.make(identity.key, name=name))
    click.echo(f"{out}: request of {name}, key fingerprint {identity.fingerprint}")


@click.command(short_help="Take in the certificate that came back for a request.")
@click.argument("key", type=options.FILE)
@click.argument("chain", type=options.FILE)
@pki_options.folder
@passphrase.file_option
def accept(*, key: Path, chain: Path, folder: Path, passphrase_file: Path | None) -> None:
    """Put the certificates in the file CHAIN into the key file KEY, ready for `secureota sign`.

    An authority becomes the top of a hierarchy in --dir, and certifies from there.
    """
    secret = passphrase.of_key_file(key, passphrase_file)
    identity = keyfile.load_identity(key, passphrase=secret)
    joined = join(identity, nodes.read_certificates(chain))
    profile = profile_of(joined.certificate)
    if profile is not None and profile.is_authority:
        member = Tree(folder).adopt(joined, secret, now=pki_options.now())
        pki_tree.announce(member)
        console.note(f"Its key is in {member.key_file} now; {key} can go.")
        return
    keyfile.write_pem(key, joined, passphrase=secret, replace=True)
    words = "a certificate" if profile is None else profile.words
    end = f"{joined.certificate.not_valid_after_utc:%Y-%m-%d}"
    click.echo(f"{key}: {pki.describe(joined.certificate)}, {words}, until {end}")


def judge(file: Path, order: Order, above: Node | None, *, yes: bool) -> Request:
    """Show what a request asks for and what it gets, and ask whether that is right."""
    request = Request.read(file)
    fingerprint = nodes.sha256(request.spki).hex()
    console.note(f"{file} asks for, which decides nothing:")
    for line in request.asks_for:
        console.note(f"  {line}")
    console.note(f"Key fingerprint: {fingerprint}")
    policies = ", ".join(order.policies) or "those of the authority"
    below = f" below {above.name}" if above else ""
    console.note(f"It gets: {order.name}, {order.profile.words}{below}; policies: {policies}")
    if not yes:
        if not sys.stdin.isatty():
            raise Unusable(Reason.Usage, "nobody is here to be asked", hint="decide with --yes")
        question = "Did its holder tell you this fingerprint by another way?"
        click.confirm(question, abort=True, err=True)
    return request
