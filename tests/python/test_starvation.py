"""Memory that runs out during an upload: tests/device/starvation.cpp."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

ROOT = Path(__file__).parents[2]

Starve = Callable[[str, int], str]


@pytest.fixture(scope="module")
def starve() -> Starve:
    """Run the program of a variant; return what it says."""
    if sys.platform == "darwin":
        pytest.skip("the linker of macOS can't put a test between a library and its malloc")

    def run(variant: str, step: int) -> str:
        program = f"build/{variant}/starvation"
        build = ["make", "--no-print-directory", "-j2", program]
        built = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-4000:]
        ran = subprocess.run(
            [ROOT / program, str(step)], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
        assert ran.stdout.endswith(" 0 failed\n")
        return ran.stdout

    return run


def test_each_hundredth_allocation_fails(
    starve: Starve, report_line: Callable[[str], None]
) -> None:
    for line in starve("device-asan", 101).splitlines():
        name, is_measured, starved = line.partition("; starved ")
        # How deep the stack is says the other variant, whose frames no sanitizer has grown.
        report_line(f"starvation: {name.partition(':')[0]}: {starved}" if is_measured else line)


def test_what_an_upload_takes(starve: Starve, report_line: Callable[[str], None]) -> None:
    for line in starve("device", 10007).splitlines():
        name, is_measured, _ = line.partition("; starved")
        if is_measured:
            report_line(f"memory on this machine: {name}")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_each_allocation_fails(starve: Starve, report_line: Callable[[str], None]) -> None:
    for line in starve("device", 1).splitlines():
        report_line(f"starvation, each allocation: {line}")
