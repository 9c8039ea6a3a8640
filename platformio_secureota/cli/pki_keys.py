"""Keys for `secureota pki`: the one place that opens them, and asks for their passphrases."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Callable

import click

from platformio_secureota import hsm, key_source, keyfile
from platformio_secureota.cli import console, options, passphrase
from platformio_secureota.hierarchy.tree import NewKey

if TYPE_CHECKING:
    from pathlib import Path

    from platformio_secureota.hierarchy import Node
    from platformio_secureota.identity import PrivateKey, SigningIdentity
    from platformio_secureota.key_source import KeySource

NEW_KEY_VARIABLE = "SECUREOTA_NEW_KEY_PASSPHRASE"


@dataclass(frozen=True)
class Secrets:
    """Where an authority's key is, and the files of passphrases."""

    issuer_key: str = ""
    """A file or a `pkcs11:` URI; empty: in the authority's own folder."""
    issuer_file: Path | None = None
    new_file: Path | None = None


new_passphrase_option = click.option(
    "new_passphrase_file",
    "--new-passphrase-file",
    type=options.FILE,
    help="File whose first line is the new key's passphrase.",
)


def secrets_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that come to the command as one: `secrets`."""

    @click.option(
        "issuer_key",
        "--issuer-key",
        default="",
        metavar="FILE|pkcs11:URI",
        help="Key of the authority, if it is kept elsewhere: in a file, or in a token.",
    )
    @passphrase.file_option
    @new_passphrase_option
    @wraps(command)
    def with_secrets(
        *,
        issuer_key: str,
        passphrase_file: Path | None,
        new_passphrase_file: Path | None,
        **rest: Any,  # noqa: ANN401 - the command's own
    ) -> object:
        secrets = Secrets(issuer_key, passphrase_file, new_passphrase_file)
        return command(secrets=secrets, **rest)

    return with_secrets


def open_issuer(issuer: Node, secrets: Secrets) -> SigningIdentity:
    """Open the key of an authority: its own file's, or one that is kept elsewhere."""
    source = key_source.parse(secrets.issuer_key) if secrets.issuer_key else issuer.key_file
    if isinstance(source, hsm.Pkcs11Uri):
        return issuer.with_key(open_token_key(source))
    file = source
    secret = passphrase.of_key_file(file, secrets.issuer_file)
    if not secrets.issuer_key:
        identity = issuer.identity(secret)
    else:
        identity = issuer.with_key(keyfile.load_identity(file, passphrase=secret).key)
    console.warn_if_exposed(file)
    return identity


def open_key(source: KeySource, passphrase_file: Path | None) -> tuple[PrivateKey, bytes | None]:
    """A key by itself, and the passphrase of its file; None for one in a token."""
    if isinstance(source, hsm.Pkcs11Uri):
        return open_token_key(source), None
    secret = passphrase.of_key_file(source, passphrase_file)
    return keyfile.load_identity(source, passphrase=secret).key, secret


def open_token_key(uri: hsm.Pkcs11Uri) -> PrivateKey:
    """A key in a token, by itself: its certificate is elsewhere, or does not exist yet."""
    from platformio_secureota.hsm import identity  # noqa: PLC0415 - needs the extra `hsm`

    return identity.open_key(uri, console.token_access())


def note_where(uri: str) -> None:
    """Say how an authority certifies whose key is in a token."""
    console.note(f'Its key stays in the token: certify with --issuer-key "{uri}"')


def new_key(kind: str, name: str, secrets: Secrets) -> NewKey:
    """A key to be made, with the passphrase that will protect it.

    --new-passphrase-file, SECUREOTA_NEW_KEY_PASSPHRASE, SECUREOTA_KEY_PASSPHRASE, or what is typed.
    """
    if secrets.new_file is not None:
        return NewKey(kind, passphrase.new(name, secrets.new_file))
    found = os.fsencode(os.environ.get(NEW_KEY_VARIABLE, "")) or console.key_passphrase()
    if not found and sys.stdin.isatty():
        text = click.prompt(
            f"Passphrase for the new key of {name} (empty: none)",
            default="",
            show_default=False,
            hide_input=True,
            confirmation_prompt=True,
            err=True,
        )
        found = os.fsencode(text) or None
    return NewKey(kind, found)


def warn_if_bare(file: Path) -> None:
    """Warn about a new key file that no passphrase protects."""
    if not passphrase.is_encrypted(file):
        console.warn(f"{file} is not encrypted: `secureota key encrypt` changes that")
