"""Words for people: messages go to stderr, so that stdout holds results alone."""

from __future__ import annotations

import datetime as dt
import os
import sys
from typing import TYPE_CHECKING

import click

from platformio_secureota import atomic, hsm, pki
from platformio_secureota.errors import Reason, Refused, SecureOTAError, Unusable
from platformio_secureota.hierarchy import node as nodes
from platformio_secureota.names import printable

if TYPE_CHECKING:
    from pathlib import Path

_PRIVATE_KEY_MARK = b"PRIVATE KEY-----"


def report(error: SecureOTAError) -> None:
    """Show an error: one line that names it, and one with the next step, if there is one."""
    kind = "refused" if isinstance(error, Refused) else "error"
    click.echo(f"secureota: {kind}: {error.reason.value}: {explain(error)}", err=True)
    hint(error)


def hint(error: SecureOTAError) -> None:
    """Show the next step alone."""
    if error.hint:
        click.echo(f"  {printable(error.hint)}", err=True)


def explain(error: SecureOTAError) -> str:
    """Reason in words, with what was found; without its name and the hint."""
    text = error.reason.sentence
    # What was found may quote a file or a server.
    return f"{text} ({printable(error.detail)})" if error.detail else text


def warn(text: str) -> None:
    """Say something that the user should not miss."""
    click.echo(f"secureota: warning: {printable(text)}", err=True)


def note(text: str) -> None:
    """Say something that helps."""
    click.echo(printable(text), err=True)


def utc(moment: dt.datetime) -> str:
    """RFC 3339, in UTC; `moment` has a time zone."""
    return moment.astimezone(dt.timezone.utc).isoformat().replace("+00:00", "Z")


def write_output(path: Path, data: bytes) -> None:
    """Write a result, whole or not at all; never over a private key."""
    _check_output(path)
    atomic.write(path, data)


def prepare_output(path: Path | None) -> None:
    """Find out that a result can't be written, and make its folder, before a key is made.

    A key whose certificate has no place would stay behind, and be in the way of the next try.
    """
    if path is not None:
        _check_output(path)
        nodes.make_folder(path.parent)


def _check_output(path: Path) -> None:
    if _holds_private_key(path):
        detail = f"{path} holds a private key and is not overwritten"
        raise Unusable(Reason.FileUnwritable, detail, hint="choose another name for the output")


def _holds_private_key(path: Path) -> bool:
    try:
        return path.is_file() and _PRIVATE_KEY_MARK in path.read_bytes()
    except OSError:
        # What can't be read may be one.
        return True


def key_passphrase() -> bytes | None:
    """Passphrase of the key file, from the environment."""
    return os.fsencode(os.environ.get("SECUREOTA_KEY_PASSPHRASE", "")) or None


def token_access() -> hsm.Access:
    """How tokens are reached: module and PIN from the environment, the PIN else from a person."""
    return hsm.Access(os.environ.get("SECUREOTA_PKCS11_MODULE", ""), _pin)


def _pin(label: str) -> str:
    pin = os.environ.get("SECUREOTA_PKCS11_PIN", "")
    if pin:
        return pin
    if not sys.stdin.isatty():
        hint = "set SECUREOTA_PKCS11_PIN, or name a file with pin-source in the URI"
        raise Unusable(Reason.KeyUnusable, f"token {printable(label)}: a PIN is needed", hint=hint)
    return str(click.prompt(f"PIN of token {printable(label)}", hide_input=True, err=True))


def warn_if_exposed(path: Path) -> None:
    """Warn about a key file that others on this machine may read."""
    mode = pki.exposed_mode(path)
    if mode:
        warn(f"{path} has mode {mode}: others can read the private key; chmod 600 it")
