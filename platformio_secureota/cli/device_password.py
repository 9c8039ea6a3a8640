"""Where a device's password comes from: never from a place that others can read.

The first of these that has one: what was given, --password-file, SECUREOTA_PASSWORD,
SECUREOTA_PASSWORD_FILE, the system's keyring, the person at the terminal.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional

from platformio_secureota.cli import console
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.keyfile import exposed_mode
from platformio_secureota.ota import DEFAULT_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platformio_secureota.ota import Target

KEYRING_SERVICE = "secureota"
"""Under which the keyring knows the passwords; the user is the target."""

_MAX_SIZE = 1024
"""Bytes of a password: a file with a longer line is another one, named by mistake."""

Ask = Optional[Callable[[], Optional[str]]]
"""Who asks a person; None: nobody is there."""


def source(
    target: Target, *, given: str = "", file: Path | None = None, ask: Ask = None
) -> Callable[[], str | None]:
    """Make what an upload calls if the device wants a password.

    It raises Unusable: FileUnreadable, FileExposed.
    """
    return lambda: next(filter(None, _places(target, given, file, ask)), None)


def _places(target: Target, given: str, file: Path | None, ask: Ask) -> Iterator[str | None]:
    yield given
    if file is not None:
        yield _from_file(file, target)
    yield os.environ.get("SECUREOTA_PASSWORD")
    named = os.environ.get("SECUREOTA_PASSWORD_FILE")
    if named:
        yield _from_file(Path(named), target)
    yield _from_keyring(target)
    if ask is not None:
        yield ask()


def _from_file(path: Path, target: Target) -> str | None:
    # In a folder, each device has a file of its name.
    try:
        if path.is_dir():
            path = path / target.host
            if path.name != target.host or not path.is_file():
                return None
        return _first_line(path)
    except (OSError, ValueError) as cause:
        why = cause.strerror if isinstance(cause, OSError) else "no password on its first line"
        raise Unusable(Reason.FileUnreadable, f"{path}: {why}") from cause


def _first_line(path: Path) -> str:
    # ValueError for what is no password.
    if os.name == "posix" and (mode := exposed_mode(path)):
        detail = f"{path} has mode {mode}: others can read the password"
        raise Unusable(Reason.FileExposed, detail, hint=f"chmod 600 {path}")
    with path.open("rb") as file:
        line = file.readline(_MAX_SIZE + 2).rstrip(b"\r\n")
    if not line or len(line) > _MAX_SIZE:
        raise ValueError(path)
    return line.decode("utf-8")


def _from_keyring(target: Target) -> str | None:
    try:
        import keyring  # noqa: PLC0415 - an extra, and slow to load
        from keyring.errors import KeyringError, NoKeyringError  # noqa: PLC0415 - the same
    except ImportError:
        return None
    user = target.host if target.port == DEFAULT_PORT else str(target)
    try:
        return keyring.get_password(KEYRING_SERVICE, user)
    except NoKeyringError:
        return None
    except KeyringError as error:
        console.warn(f"the keyring has no answer: {error}")
        return None
