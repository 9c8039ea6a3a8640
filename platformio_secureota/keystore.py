"""Where a user's keys are kept: in one folder outside of every project, named by fingerprint."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.identity import spki_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509

_NAME_DIGITS = 32
"""Hexadecimal digits of the key's fingerprint in the file's name: half of SHA-256."""


def config_dir(environ: Mapping[str, str], *, platform: str = sys.platform) -> Path:
    """Where the user's keys are: outside of every project."""
    if environ.get("SECUREOTA_CONFIG_DIR"):
        return Path(environ["SECUREOTA_CONFIG_DIR"]).expanduser()
    if platform == "win32" and environ.get("APPDATA"):
        return Path(environ["APPDATA"]) / "secureota"
    # The XDG base directory specification: a relative path is to be ignored.
    base = Path(environ.get("XDG_CONFIG_HOME") or "~/.config")
    return (base if base.is_absolute() else Path("~/.config").expanduser()) / "secureota"


def key_path(certificate: x509.Certificate, config: Path) -> Path:
    """Where the key of a certificate lies, if it is on this machine."""
    return config / "keys" / f"{spki_sha256(certificate)[:_NAME_DIGITS]}.pem"


def make_folder(path: Path) -> None:
    """Make the folder of a key file, for the user alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as cause:
        detail = f"{path.parent}: {cause.strerror}"
        hint = "set SECUREOTA_CONFIG_DIR to a folder where keys can be kept"
        raise Unusable(Reason.FileUnwritable, detail, hint=hint) from cause
    # Belongs to the user alone even where it was there before.
    with contextlib.suppress(OSError):
        path.parent.chmod(0o700)
