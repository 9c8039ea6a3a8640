"""Passphrases of key files: from a file, the environment, or the person; never from arguments."""

from __future__ import annotations

import getpass
import os
import sys
from typing import TYPE_CHECKING, Any, Callable, TypeVar

import click

from platformio_secureota import pki
from platformio_secureota.cli import console, options
from platformio_secureota.errors import Reason, Unusable

if TYPE_CHECKING:
    from pathlib import Path

_Command = TypeVar("_Command", bound=Callable[..., Any])

_MAX_BYTES = 1023
"""What the library that encrypts takes."""

_TRIES = 3
"""Times that a person may mistype a new passphrase."""


def file_option(command: _Command) -> _Command:
    """--passphrase-file."""
    return click.option(
        "passphrase_file",
        "--passphrase-file",
        type=options.FILE,
        help="File whose first line is the key's passphrase.  [default: "
        "SECUREOTA_KEY_PASSPHRASE in the environment; else you are asked]",
    )(command)


def of_key_file(path: Path, passphrase_file: Path | None) -> bytes | None:
    """Passphrase of a key file; None if it needs none, or nobody can be asked."""
    return known(str(path), passphrase_file) if is_encrypted(path) else None


def is_encrypted(path: Path) -> bool:
    """Whether a key file is encrypted; one that can't be read is found out by whoever loads it."""
    try:
        return b"ENCRYPTED" in path.read_bytes()
    except OSError:
        return False


def known(what: str, passphrase_file: Path | None) -> bytes | None:
    """A passphrase that exists already; None if it is nowhere and nobody can be asked."""
    given = _given(passphrase_file)
    if given is None and _is_attended():
        return _ask(f"Passphrase of {what}: ")
    return given


def new(what: str, passphrase_file: Path | None, *, environment: bool = True) -> bytes:
    """Get a passphrase to encrypt with; a person is asked twice.

    `environment` says whether SECUREOTA_KEY_PASSPHRASE may be meant.
    """
    given = _given(passphrase_file, environment=environment)
    if given is None:
        given = _ask_twice(what)
    if len(given) > _MAX_BYTES:
        detail = f"a passphrase has at most {_MAX_BYTES} bytes, and this one {len(given)}"
        raise Unusable(Reason.Usage, detail)
    return given


def _given(passphrase_file: Path | None, *, environment: bool = True) -> bytes | None:
    if passphrase_file is not None:
        return _read(passphrase_file)
    return console.key_passphrase() if environment else None


def _read(path: Path) -> bytes:
    try:
        lines = path.read_bytes().splitlines()
        mode = pki.exposed_mode(path)
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
    if not lines or not lines[0]:
        raise Unusable(Reason.Usage, f"the first line of {path} is empty: that is no passphrase")
    if mode and path.is_file():
        console.warn(f"{path} has mode {mode}: others can read the passphrase; chmod 600 it")
    return lines[0]


def _is_attended() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(prompt: str) -> bytes | None:
    return os.fsencode(getpass.getpass(prompt)) or None


def _ask_twice(what: str) -> bytes:
    if not _is_attended():
        hint = "set SECUREOTA_KEY_PASSPHRASE in the environment, or name a --passphrase-file"
        detail = f"{what} needs a passphrase, and nobody is here to be asked"
        raise Unusable(Reason.Usage, detail, hint=hint)
    for _ in range(_TRIES):
        first = _ask(f"New passphrase of {what}: ")
        if first is None:
            console.note("An empty passphrase protects nothing.")
        elif _ask("The same again: ") == first:
            return first
        else:
            console.note("These were two different ones.")
    raise Unusable(Reason.Usage, "no passphrase was entered twice alike")
