"""The Python that runs this package: found, or made.  Standard library only, Python 3.9.

    python interpreter.py FOLDER

prints the path of an interpreter that has the dependencies: the one that runs this, if it has them,
else that of a virtual environment under FOLDER, made now if it is not there yet.  extra_script.py
runs this file by its path in PlatformIO's own interpreter, into which nothing is ever installed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

NEEDED = {
    "asn1crypto": (1, 5),
    "click": (8, 1),
    "cryptography": (42, 0),
    "requests": (2, 31),
    "rich": (13, 0),
    **({} if sys.version_info >= (3, 11) else {"tomli": (2, 0)}),
    "zeroconf": (0, 136),
}
"""The dependencies of pyproject.toml with the oldest release that will do."""

PINNED = (
    "asn1crypto==1.5.1",
    "click==8.1.8",
    "cryptography==45.0.7",
    "requests==2.32.5",
    "rich==14.1.0",
    *(() if sys.version_info >= (3, 11) else ("tomli==2.2.1",)),
    "zeroconf==0.147.2",
)
"""What the virtual environment gets: releases that run on Python 3.9 and later."""

_ATTEMPTS = 60
"""Tries for the lock where the system gives up after ten seconds (Windows): ten minutes."""


class NoInterpreterError(Exception):
    """No virtual environment could be made; the text is one line for the user."""


def has_dependencies() -> bool:
    """Whether this interpreter has everything, in releases that are new enough."""
    for name, oldest in NEEDED.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return False
        if tuple(map(int, re.findall(r"\d+", version)[:2])) < oldest:
            return False
    return True


def virtual_environment(folder: Path) -> Path:
    """Interpreter of the virtual environment under `folder`; made once, by one process."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs = [sys.version, sys.base_prefix, *PINNED]
    home = folder / f"python-{hashlib.sha256(repr(inputs).encode()).hexdigest()[:12]}"
    complete = home / "secureota-complete"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    with _lock(folder / "lock"):
        if not complete.is_file():
            _say(f"making a Python environment for SecureOTA in {home} (once)")
            shutil.rmtree(home, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(home)])
            _run([str(python), "-m", "pip", "--disable-pip-version-check", "install", *PINNED])
            complete.write_text("\n".join(PINNED), encoding="ascii")
    return python


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    # Held by the open file: whatever happens to this process, it is released.
    with path.open("a+b") as file:
        if os.name == "nt":
            _lock_on_windows(file)
        else:
            import fcntl  # noqa: PLC0415 - not everywhere

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock_on_windows(file: Any) -> None:  # noqa: ANN401 - typing's names for it differ
    msvcrt: Any = importlib.import_module("msvcrt")
    file.seek(0)
    for attempt in range(_ATTEMPTS):
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        except OSError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _run(command: list[str]) -> None:
    result = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip().splitlines()
        raise NoInterpreterError(said[-1] if said else f"{command[0]} failed")


def _say(text: str) -> None:
    sys.stderr.write(f"secureota: {text}\n")
    sys.stderr.flush()


def main(arguments: list[str]) -> int:
    """Print the path; 2 and one line on stderr if there is none."""
    try:
        python = sys.executable if has_dependencies() else virtual_environment(Path(arguments[0]))
    except (NoInterpreterError, OSError) as error:
        _say(f"error: no Python environment for SecureOTA could be made ({error})")
        sys.stderr.write(
            "  set SECUREOTA_PYTHON to a Python that has the package platformio-secureota\n"
        )
        return 2
    sys.stdout.write(f"{python}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
