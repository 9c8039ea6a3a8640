"""The deny-list: keys that approve nothing any more, whatever their certificates say.

A key is named by the SHA-256 of its SubjectPublicKeyInfo, because a certificate can be renewed with
the same key.  The file is text, one key a line, `64 hexadecimal digits  # whose it was and why`, so
that a review of a commit shows who lost what.  Builds compile it into the firmware.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platformio_secureota import atomic
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_DENIED = 256
"""Keys that one firmware denies: 8 KiB of flash, and a microsecond or so each per certificate."""

_HEADING = """\
# Keys that no device may accept any more: SHA-256 of the SubjectPublicKeyInfo, one a line.
# Compiled into the firmware by the build.  Written by `secureota pki deny`.
"""

_LINE = re.compile(r"([0-9A-Fa-f]{64})?\s*(?:#.*)?")


def parse(text: str, *, name: str) -> list[bytes]:
    """SHA-256 values of a deny-list, each once, in the order of the file.

    Unusable(DenyListUnusable) for any line that is not understood: a line that was skipped would be
    a stolen key that still works.  `name` is the file's, for the message.
    """
    digests: dict[bytes, None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = _LINE.fullmatch(line.strip())
        if match is None:
            detail = f"{name}, line {number}: {printable(line.strip())[:80]}"
            hint = "a line is 64 hexadecimal digits, the SHA-256 of a SubjectPublicKeyInfo"
            raise Unusable(Reason.DenyListUnusable, detail, hint=hint)
        if match.group(1):
            digests[bytes.fromhex(match.group(1))] = None
    return list(digests)


def read(path: Path) -> list[bytes]:
    """`parse` of a file.  Unusable(FileUnreadable) also where it is not there."""
    return parse(_text(path), name=str(path))


def combine(lists: Iterable[list[bytes]]) -> tuple[bytes, ...]:
    """Every key of these lists once.  Unusable(DenyListUnusable) above `MAX_DENIED`."""
    digests = tuple(dict.fromkeys(digest for one in lists for digest in one))
    if len(digests) > MAX_DENIED:
        detail = f"{len(digests)} keys, a firmware takes at most {MAX_DENIED}"
        hint = "replace the authority that issued them, and deny that one alone"
        raise Unusable(Reason.DenyListUnusable, detail, hint=hint)
    return digests


def add(path: Path, digests: Iterable[bytes], *, comment: str) -> list[bytes]:
    """Append the keys that are not in the file yet, which is made if need be; returns those."""
    text = _text(path) if path.exists() else _HEADING
    present = set(parse(text, name=str(path)))
    new = [digest for digest in dict.fromkeys(digests) if digest not in present]
    if new:
        if not text.endswith("\n"):
            text += "\n"
        text += "".join(f"{digest.hex()}  # {printable(comment)}\n" for digest in new)
        atomic.write(path, text.encode())
    return new


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
    except UnicodeDecodeError as cause:
        raise Unusable(Reason.DenyListUnusable, f"{path} is not text") from cause
