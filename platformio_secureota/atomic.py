"""Files that are whole or not there.

A file is written under a temporary name beside its destination and renamed, so that nobody ever
reads half of it, and a failure leaves what was there before.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from platformio_secureota.errors import Reason, Unusable

PRIVATE = 0o600
"""File mode of what only its owner may read."""

PUBLIC = 0o666
"""File mode of everything else; the process's umask takes its part away."""


def write(path: Path, data: bytes, *, mode: int = PUBLIC, replace: bool = True) -> None:
    """Write a whole file.

    The file has `mode` from the moment it exists.  With `replace=False` a file that is there
    already stays as it is.  Unusable(FileUnwritable) on any failure.
    """
    try:
        temporary = _write_beside(path, data, mode)
        try:
            if replace:
                temporary.replace(path)
            else:
                _rename_to_new(temporary, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
    except OSError as cause:
        detail = f"{path}: {cause.strerror or type(cause).__name__}"
        raise Unusable(Reason.FileUnwritable, detail) from cause


def _write_beside(path: Path, data: bytes, mode: int) -> Path:
    # mkstemp opens with O_EXCL and 0600; only what is not private is opened up afterwards.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode != PRIVATE:
            temporary.chmod(mode & ~_umask())
    except BaseException:
        temporary.unlink()
        raise
    return temporary


def _rename_to_new(temporary: Path, path: Path) -> None:
    try:
        # A hard link is the rename that refuses to replace.
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        # No hard links on this filesystem.
        if os.path.lexists(path):
            raise FileExistsError(0, "File exists") from None
        temporary.rename(path)


def _umask() -> int:
    # The only portable way to read it is to set it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
