"""`secureota pki request` and `accept`, and how a request is shown to whoever decides."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from platformio_secureota import hsm, key_source, keyfile, pki
from platformio_secureota.cli import console, options, passphrase, pki_keys, pki_options, pki_tree
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.hierarchy import Request, Tree
from platformio_secureota.hierarchy import node as nodes
from platformio_secureota.hierarchy import request as requests
from platformio_secureota.hierarchy.profiles import profile_of
from platformio_secureota.hierarchy.tree import join
from platformio_secureota.hsm.uri import CERTIFICATE
from platformio_secureota.identity import spki

if TYPE_CHECKING:
    from platformio_secureota.hierarchy import Node, Order
    from platformio_secureota.identity import PrivateKey, SigningIdentity
    from platformio_secureota.key_source import KeySource


@click.command("request", short_help="Ask for a certificate, for a key on this machine.")
@click.argument("name")
@click.option(
    "key",
    "--key",
    required=True,
    metavar="FILE|pkcs11:URI",
    help="Key file, made if missing; or a key in a token.",
)
@click.option("out", "-o", "--out", type=options.FILE, required=True, help="Request to write.")
@pki_options.kind
@passphrase.file_option
def make_request(
    *, name: str, key: str, out: Path, kind: str, passphrase_file: Path | None
) -> None:
    """Write a request for a certificate called NAME, for the key in a file or a token.

    The private key stays where it is.  Send the request to whoever holds the authority, and tell
    them the fingerprint by another way; then `secureota pki accept` what comes back.
    """
    nodes.check_name(name)
    source = key_source.parse(key)
    if isinstance(source, hsm.Pkcs11Uri):
        private = pki_keys.open_token_key(source)
    else:
        private = _key_in_file(source, name=name, kind=kind, passphrase_file=passphrase_file)
    console.write_output(out, requests.make(private, name=name))
    fingerprint = nodes.sha256(spki(private.public_key())).hex()
    click.echo(f"{out}: request of {name}, key fingerprint {fingerprint}")


def _key_in_file(key: Path, *, name: str, kind: str, passphrase_file: Path | None) -> PrivateKey:
    # The key in the file, which is made if there is none.
    if not key.exists():
        new = pki_keys.new_key(kind, name, pki_keys.Secrets(new_file=passphrase_file))
        identity = pki.generate(kind, name=name)
        keyfile.write_pem(key, identity, passphrase=new.passphrase)
        console.note(f"A new key is in {key}.")
        pki_keys.warn_if_bare(key)
        return identity.key
    secret = passphrase.of_key_file(key, passphrase_file)
    return keyfile.load_identity(key, passphrase=secret).key


@click.command(short_help="Take in the certificate that came back for a request.")
@click.argument("key", metavar="FILE|pkcs11:URI")
@click.argument("chain", type=options.FILE)
@pki_options.folder
@passphrase.file_option
def accept(*, key: str, chain: Path, folder: Path, passphrase_file: Path | None) -> None:
    """Put the certificates in the file CHAIN beside their key, ready for `secureota sign`.

    \b
    They go into the key's own file, or, for a key in a token, into the file that the URI names:
      secureota pki accept fred.pem chain.pem
      secureota pki accept "pkcs11:object=fred?secureota-certificate=fred.pem" chain.pem

    An authority becomes the top of a hierarchy in --dir, and certifies from there.
    """  # noqa: D301 - \b is click's mark for lines to be kept
    source = key_source.parse(key)
    answer = nodes.read_certificates(chain)
    profile = profile_of(answer[0])
    is_authority = profile is not None and profile.is_authority
    if isinstance(source, hsm.Pkcs11Uri) and source.certificate is None and not is_authority:
        hint = f"name a file for them at the URI's end: ?{CERTIFICATE}=FILE"
        raise Unusable(Reason.Usage, "the URI does not say where the certificates go", hint=hint)
    private, secret = pki_keys.open_key(source, passphrase_file)
    joined = join(private, answer)
    if is_authority:
        _accept_branch(joined, source, key, secret=secret, tree=Tree(folder))
        return
    if isinstance(source, Path):
        keyfile.write_pem(source, joined, passphrase=secret, replace=True)
    elif source.certificate is not None:
        data = nodes.pem(joined.certificate, *joined.chain)
        console.write_output(source.certificate, data)
    words = "a certificate" if profile is None else profile.words
    end = f"{joined.certificate.not_valid_after_utc:%Y-%m-%d}"
    click.echo(f"{key}: {pki.describe(joined.certificate)}, {words}, until {end}")


def _accept_branch(
    joined: SigningIdentity, source: KeySource, key: str, *, secret: bytes | None, tree: Tree
) -> None:
    in_file = isinstance(source, Path)
    member = tree.adopt(joined, passphrase=secret, with_key=in_file, now=pki_options.now())
    pki_tree.announce(member, in_token=not in_file)
    if in_file:
        console.note(f"Its key is in {member.key_file} now; {key} can go.")
    else:
        pki_keys.note_where(key)


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
