"""A short run of the device core's fuzzers; `make fuzz` runs them longer (docs/fuzzing.md)."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]

SECONDS = 8
"""For each program."""


def load_runner() -> ModuleType:
    path = ROOT / "tests" / "fuzz" / "run.py"
    spec = importlib.util.spec_from_file_location("secureota_fuzz_run", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    setup = [sys.executable, str(ROOT / "tools" / "setup.py"), "fuzz"]
    found = subprocess.run(setup, capture_output=True, text=True, check=False)
    if found.returncode != 0:
        pytest.skip(f"no libFuzzer here: {found.stderr.strip().splitlines()[-1]}")
    build = ["make", "--no-print-directory", "-j2", "fuzz-build"]
    built = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-4000:]
    return load_runner()


@pytest.mark.timeout(420)
def test_every_promise_is_kept(runner: ModuleType, report_line: Callable[[str], None]) -> None:
    outcomes = runner.run_all(runner.PROGRAMS, SECONDS, jobs=2)

    for outcome in outcomes:
        report_line(f"fuzz: {outcome}")
    report_line(f"fuzz: {sum(o.executions for o in outcomes):,} executions in all")
    assert all(outcome.executions for outcome in outcomes), "a fuzzer did not run"
    assert not [outcome.log[-4000:] for outcome in outcomes if not outcome.ok]
