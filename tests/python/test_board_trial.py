"""The trial of a board, with the emulated device for a board and a kill for the relay."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from emulated_device import OPTIMISED, ROOT, build_version, free_udp_port
from platformio_secureota import pki
from platformio_secureota.keyfile import write_pem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CUTS = 2


class Bench:
    """A device that is switched on and off by two scripts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_udp_port()
        identity = pki.generate(name="owner")
        self.key = folder / "key.pem"
        write_pem(self.key, identity)
        (folder / "anchor.der").write_bytes(identity.anchor_der)
        self.images = [build_version(n, folder / f"version-{n}", build=OPTIMISED) for n in "12"]
        # A session of its own: the boot stage and the firmware that it runs end together.
        device = f"{self.images[0]} --dir flash --port {self.port} --anchor anchor.der"
        start = f"setsid {device} --confirm-after 1 >> log 2>&1 < /dev/null & echo $! > pid"
        self.on = self.script("on", start)
        self.off = self.script("off", "kill -9 -$(cat pid)")
        self.flash = self.script("flash", f"rm -rf flash\n{start}")

    def script(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\ncd {self.folder}\n{text}\n")
        path.chmod(0o755)
        return path

    def trial(self, *more: str, second: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, ROOT / "tools" / "board_trial.py", f"127.0.0.1:{self.port}"]
        command += ["--board", "emulated", "--key", self.key, "--first", self.images[0]]
        command += ["--second", second or self.images[1], "--flash-command", self.flash]
        command += ["--patience", "30", "--report", self.folder / "report", *more]
        return subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False
        )

    def report(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.folder / "report/report.json").read_text())
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    with contextlib.suppress(OSError, ValueError):
        os.killpg(int((tmp_path / "pid").read_text()), signal.SIGKILL)


@pytest.mark.timeout(300)
def test_everything_as_it_should_be(bench: Bench) -> None:
    relay = ["--power-off-command", str(bench.off), "--power-on-command", str(bench.on)]
    done = bench.trial(*relay, "--cuts", str(CUTS))
    assert done.returncode == 0, done.stdout + done.stderr
    report = bench.report()
    steps = report["steps"]
    assert isinstance(steps, list)
    assert report["good"]
    assert [step["name"] for step in steps if "power cut" in step["name"]] == [
        "power cut at 25% of the upload",
        "power cut at 75% of the upload",
        "power cut at the verdict",
        "power cut in the trial",
    ]
    assert "refused: OlderThanFloor" in [step["observed"] for step in steps]
    assert "# emulated: as it should be" in (bench.folder / "report/report.md").read_text()


def test_what_is_not_as_it_should_be_is_told(bench: Bench) -> None:
    """An image that boots and does not work."""
    broken = bench.folder / "broken"
    broken.write_bytes(b"no program at all")
    done = bench.trial(second=broken)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.splitlines()[-2].startswith("NOT OK update ")
    assert "NotRunning" in (bench.folder / "report/report.md").read_text()


def test_without_a_board_there_is_nothing_to_try(bench: Bench) -> None:
    done = bench.trial("--flash-command", str(bench.script("nothing", "exit 3")))
    assert done.returncode == 2
    assert "exit status 3" in done.stdout
    assert not bench.report()["complete"]
