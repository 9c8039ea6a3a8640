"""Somebody who follows a guide word by word: types its commands, in its order, into shells."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse"
"""Typed wherever a command asks for a secret, and every key's passphrase."""

PATIENCE = 30
"""Seconds until a server must have started or stopped."""

_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """What a guide has between two fences."""

    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """Lines to type, without comments; lines that end in a backslash are one with the next."""
        joined = self.text.replace("\\\n", " ")
        lines = [" ".join(line.split()) for line in re.sub(r"\s#.*", "", joined).splitlines()]
        return [line for line in lines if line]


def blocks(guide: str) -> list[Block]:
    """Give the fenced blocks of docs/<guide>, in their order, without indentation."""
    text = (ROOT / "docs" / guide).read_text("utf-8")
    return [
        Block(language, re.sub(rf"^{indent}", "", body, flags=re.MULTILINE))
        for indent, language, body in _FENCE.findall(text)
    ]


def unfenced(guide: str) -> list[str]:
    """Give the lines of docs/<guide> outside of its fences."""
    return _FENCE.sub("", (ROOT / "docs" / guide).read_text("utf-8")).splitlines()


def shown(guide: str, first: str) -> list[str]:
    """Give the lines of the indented example in docs/<guide> that begins with `first`."""
    lines = (ROOT / "docs" / guide).read_text("utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"    {first}"))
    end = next(n for n in range(start, len(lines)) if not lines[n].startswith("    "))
    return [line[4:] for line in lines[start:end]]


@dataclass
class Reader:
    """A home directory with the tool where the guides put it.

    What differs from the guides' words is in `said`: a text, and what this reader takes instead.
    """

    home: Path
    said: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, home: Path) -> Reader:
        """Give somebody a home, the tool, a project called greenhouse and a USB stick."""
        programs = home / "secureota" / "bin"
        for folder in (programs, home / "greenhouse", home / "usb"):
            folder.mkdir(parents=True)
        (programs / "activate").write_text(f"PATH={shlex.quote(str(programs))}:$PATH\n")
        python = shlex.quote(sys.executable)
        (programs / "secureota").write_text(
            f'#!/bin/sh\nexec {python} -m platformio_secureota "$@"\n'
        )
        (programs / "secureota").chmod(0o755)
        said = {
            "/media/usb": str(home / "usb"),
            "0.0.0.0": "127.0.0.1",  # noqa: S104 - a test is for this machine alone
            "3161": str(free_port()),
        }
        return cls(home, said)

    def words(self, text: str) -> str:
        """Say a text of the guide as this reader types it."""
        for old, new in self.said.items():
            text = text.replace(old, new)
        return text

    def terminal(self) -> Terminal:
        """Open a new terminal, in the home directory."""
        environment = {
            "HOME": str(self.home),
            "USER": "fred",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "COLUMNS": "200",
            "PYTHONPATH": str(ROOT),
            "SECUREOTA_KEY_PASSPHRASE": PASSWORD,
        }
        return Terminal(self, self.home, environment)


def free_port() -> int:
    """Give a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class Terminal:
    """A shell, which keeps its folder and its variables from one block to the next."""

    reader: Reader
    folder: Path
    environment: dict[str, str]

    def type(self, text: str, **more: str) -> str:
        """Type commands, each of which must succeed; returns what they printed.

        `more` are variables for these commands alone.
        """
        after = self.reader.home / ".after"
        # The shell's own settings are not the reader's: -e, and where it ended.
        script = f'{self.reader.words(text)}\n{{ pwd; env -0; }} > "{after}"\n'
        done = subprocess.run(
            ["/bin/bash", "-euxo", "pipefail", "-c", script],
            cwd=self.folder,
            env={**self.environment, **more},
            input=f"{PASSWORD}\n",
            capture_output=True,
            text=True,
            timeout=PATIENCE * 4,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        folder, _, variables = after.read_text("utf-8").partition("\n")
        self.folder = Path(folder)
        pairs = (line.partition("=") for line in variables.split("\0") if line)
        self.environment = {
            name: value for name, _, value in pairs if name not in ("_", "SHLVL", *more)
        }
        return done.stdout

    def serve(self, command: str) -> Server:
        """Start a server, and wait until it says that it runs."""
        return Server(self, self.reader.words(command))


class Server:
    """A command that goes on until it is interrupted."""

    def __init__(self, terminal: Terminal, command: str) -> None:
        """Start it; it is ready when this returns."""
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", f"exec {command}"],
            cwd=terminal.folder,
            env=terminal.environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        self._ready.wait(PATIENCE)
        text = "".join(self.lines)
        if "Uvicorn running on" not in text:
            self.stop()
            raise AssertionError(text)

    def _read(self) -> None:
        for line in self._errors():
            self.lines.append(line)
            if "Uvicorn running on" in line:
                self._ready.set()
        self._ready.set()

    def _errors(self) -> Iterator[str]:
        assert self._process.stderr is not None
        yield from self._process.stderr

    def stop(self) -> None:
        """Press Ctrl-C."""
        os.kill(self._process.pid, signal.SIGINT)
        self._process.wait(PATIENCE)
        self._thread.join(PATIENCE)
        if self._process.stderr is not None:
            self._process.stderr.close()
