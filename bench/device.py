"""The emulated device as a process: the optimised build, from entering to leaving the context."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

PROGRAM = Path(__file__).resolve().parent.parent / "build" / "device" / "emulated-device"


class Device:
    """Listens when the context is entered."""

    def __init__(self, directory: Path, *options: str, program: Path = PROGRAM) -> None:
        """Prepare; `directory` becomes its flash."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._command = [str(program), "--dir", str(directory), "--port", str(self.port), *options]

    def __enter__(self) -> Device:
        """Start it."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        self.wait_for("listening on ")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._process.terminate()
        self._process.communicate()

    def wait_for(self, prefix: str) -> None:
        """Read what it prints until a line begins so."""
        if self._process.stdout is None:
            raise RuntimeError("not started")
        for line in self._process.stdout:
            if line.startswith(prefix):
                return
        raise RuntimeError(f"the device has ended without saying {prefix!r}")
