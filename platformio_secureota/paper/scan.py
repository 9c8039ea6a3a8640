"""Photos and scans of QR codes, read by zbarimg (zbar)."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Unusable

if TYPE_CHECKING:
    from pathlib import Path

_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")
_PDF = b"%PDF"
_COMMAND = ("zbarimg", "--raw", "--quiet", "--nodbus", "-Sdisable", "-Sqrcode.enable")
_NOTHING_FOUND = 4
_SECONDS = 60


def is_picture(data: bytes) -> bool:
    """Whether a file is a picture, by its first bytes; otherwise it is text.

    Unusable(FileUnreadable) for a PDF, which zbarimg is not allowed to read everywhere.
    """
    if data.startswith(_PDF):
        detail = "a PDF is no picture"
        hint = "make one of it: pdftoppm -r 200 -png FILE.pdf PAGE"
        raise Unusable(Reason.FileUnreadable, detail, hint=hint)
    return data.startswith(_PICTURES)


def decode(path: Path) -> str:
    """Text of every QR code in a picture, one a line; "" if there is none."""
    if shutil.which(_COMMAND[0]) is None:
        raise Unusable(
            Reason.ExtraMissing,
            f"{_COMMAND[0]}, which reads pictures of codes, is not on this machine",
            hint="install zbar-tools (Debian) or zbar (Homebrew), or read the codes with a "
            "telephone and give a text file with what it shows",
        )
    try:
        done = subprocess.run(
            [*_COMMAND, str(path.resolve())],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as cause:
        detail = f"{path}: zbarimg read it for {_SECONDS} s and found no end"
        raise Unusable(Reason.FileUnreadable, detail) from cause
    if done.returncode not in (0, _NOTHING_FOUND):
        words = done.stderr.decode(errors="replace").strip().splitlines()
        detail = f"{path}: zbarimg can't read it ({words[-1] if words else done.returncode})"
        raise Unusable(Reason.FileUnreadable, detail)
    return done.stdout.decode("ascii", "replace")
