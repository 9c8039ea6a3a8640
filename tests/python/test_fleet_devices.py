"""Rollouts to many running devices: processes, sockets, flash and restarts are real."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

from fleet_of_devices import Fleet, fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PARALLEL = 8


class Tool:
    """`secureota upload` as a process; what it says is read as it comes."""

    def __init__(self, devices: Fleet, *options: str) -> None:
        self.report = devices.folder / "report.json"
        self.said: list[str] = []
        self.most_files = 0
        self.most_memory = 0
        """Bytes that were resident at once."""
        arguments = ["upload", devices.image, "--targets", devices.targets, "--json", self.report]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "platformio_secureota", *map(str, arguments), *options],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._ended = threading.Event()
        self._meter = threading.Thread(target=self._measure)
        self._meter.start()

    def read_until(self, holds: Callable[[str], bool]) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.said.append(line)
            if holds(line):
                return
        raise AssertionError("".join(self.said))

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        assert self._process.stderr is not None
        self.said += self._process.stderr.readlines()
        status = self._process.wait()
        self._ended.set()
        self._meter.join()
        self._process.stderr.close()
        assert "Traceback" not in "".join(self.said), "".join(self.said)
        return status

    def counts(self) -> dict[str, int]:
        found = json.loads(self.report.read_text("utf-8"))["counts"]
        return {name: count for name, count in found.items() if count}

    def _measure(self) -> None:
        process = Path(f"/proc/{self._process.pid}")
        while not self._ended.wait(0.02):
            try:
                self.most_files = max(self.most_files, len(list((process / "fd").iterdir())))
                peak = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
            except OSError:
                return
            if peak:
                self.most_memory = 1024 * int(peak[1])


def restarted(devices: Fleet) -> bool:
    """Every device has started its second program; waits until they have."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if min(devices.boots()) >= 2:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def two_dozen(tmp_path: Path) -> Iterator[Fleet]:
    with fleet(tmp_path, 24) as devices:
        yield devices


def test_two_dozen_devices(two_dozen: Fleet) -> None:
    tool = Tool(two_dozen)
    assert tool.end() == 0, tool.said
    assert tool.counts() == {"updated": 24}
    assert restarted(two_dozen)
    again = Tool(two_dozen)
    assert again.end() == 0, again.said
    assert again.counts() == {"already": 24}
    assert two_dozen.boots() == [2] * 24
    # About eight files for each of those under way, beside the interpreter's own.
    assert tool.most_files < 40 + 8 * PARALLEL


def test_an_interrupted_rollout_is_taken_up_again(two_dozen: Fleet) -> None:
    tool = Tool(two_dozen, "--parallel", "2")
    tool.read_until(lambda line: line.startswith("[5/24] "))
    tool.interrupt()
    assert tool.end() == 130, tool.said
    assert any("interrupted; waiting for " in line for line in tool.said)
    counts = tool.counts()
    assert counts["updated"] >= 5
    assert counts["untouched"] >= 1
    assert counts["updated"] + counts["untouched"] == 24

    again = Tool(two_dozen)
    assert again.end() == 0, again.said
    assert again.counts() == {"already": counts["updated"], "updated": counts["untouched"]}
    assert restarted(two_dozen)
    assert two_dozen.boots() == [2] * 24


def test_the_second_interruption_waits_for_nobody(two_dozen: Fleet) -> None:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as silent:
        silent.bind(("127.0.0.1", 0))
        line = f'silent = {{ host = "127.0.0.1:{silent.getsockname()[1]}" }}\n'
        everybody = two_dozen.targets.read_text("utf-8")
        two_dozen.targets.write_text(everybody.replace("device-003", f"{line}device-003"), "utf-8")
        tool = Tool(two_dozen, "--timeout", "600")
        tool.read_until(lambda line: line.startswith("silent: begins"))
        tool.interrupt()
        tool.read_until(lambda line: "interrupted; waiting for " in line and "silent" in line)
        tool.interrupt()
        assert tool.end() == 130, tool.said
    assert tool.counts()["broken off"] >= 1
    # Whatever was cut off, nobody is left in a state that keeps it from the next attempt.
    two_dozen.targets.write_text(everybody, "utf-8")
    again = Tool(two_dozen)
    assert again.end() == 0, again.said
    assert restarted(two_dozen)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_hundred_devices(tmp_path: Path, report_line: Callable[[str], None]) -> None:
    with fleet(tmp_path, 200) as devices:
        began = time.monotonic()
        tool = Tool(devices, "--parallel", "16")
        assert tool.end() == 0, tool.said
        seconds = time.monotonic() - began
        assert tool.counts() == {"updated": 200}
        assert restarted(devices)
    assert tool.most_files < 40 + 8 * 16
    report_line(
        f"200 devices updated in {seconds:.0f} s; the tool had at most {tool.most_files} files "
        f"open and {tool.most_memory / 1e6:.0f} MB in memory"
    )
