"""Keys for `secureota pki`: the one place that opens them, and asks for their passphrases."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Callable

import click

from platformio_secureota import keyfile
from platformio_secureota.cli import console, options, passphrase
from platformio_secureota.hierarchy.tree import NewKey

if TYPE_CHECKING:
    from pathlib import Path

    from platformio_secureota.hierarchy import Node
    from platformio_secureota.identity import SigningIdentity

NEW_KEY_VARIABLE = "SECUREOTA_NEW_KEY_PASSPHRASE"


@dataclass(frozen=True)
class Secrets:
    """Where an authority's key is, and the files of passphrases."""

    issuer_key: Path | None = None
    """None: in the authority's own folder."""
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
        type=options.FILE,
        help="Key file of the authority, if it is kept elsewhere.",
    )
    @passphrase.file_option
    @new_passphrase_option
    @wraps(command)
    def with_secrets(
        *,
        issuer_key: Path | None,
        passphrase_file: Path | None,
        new_passphrase_file: Path | None,
        **rest: Any,  # noqa: ANN401 - the command's own
    ) -> object:
        secrets = Secrets(issuer_key, passphrase_file, new_passphrase_file)
        return command(secrets=secrets, **rest)

    return with_secrets


def open_issuer(issuer: Node, secrets: Secrets) -> SigningIdentity:
    """Open the key of an authority: its own file's, or that of a file that is kept elsewhere."""
    file = secrets.issuer_key or issuer.key_file
    secret = passphrase.of_key_file(file, secrets.issuer_file)
    if secrets.issuer_key is None:
        identity = issuer.identity(secret)
    else:
        identity = issuer.with_key(keyfile.load_identity(file, passphrase=secret).key)
    console.warn_if_exposed(file)
    return identity


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
