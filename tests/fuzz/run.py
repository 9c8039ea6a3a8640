"""Run the fuzzers of the device core for a while.

    python tests/fuzz/run.py --seconds 30 [--jobs 2] [token-stub ...]

Starts from the corpus that is checked in and from what earlier runs have found (build/fuzz/found).
An input that breaks a promise is left in build/fuzz/broken, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build" / "fuzz"
MANIFESTS = HERE.parents[1] / "tests" / "vectors" / "manifests"
PROGRAMS = [
    f"{target}-{mode}" for target in ("token", "updater", "receiver") for mode in ("stub", "real")
] + ["manifest-stub", "pull-stub", "web-stub"]

MAX_INPUT = 8192
"""Bytes: a container with the largest seed, and room to grow."""

SLOW = 20
"""Seconds for one input: work is bounded, so that nothing takes longer."""


@dataclass(frozen=True)
class Outcome:
    """What became of one fuzzer."""

    program: str
    ok: bool
    executions: int
    inputs: int
    """Inputs worth keeping, by the ways through the core that they take."""
    log: str

    def __str__(self) -> str:
        """One line."""
        verdict = "every promise kept" if self.ok else "A PROMISE IS BROKEN"
        return f"{self.program}: {self.executions:,} executions, {self.inputs:,} kept, {verdict}"


def run(program: str, seconds: int) -> Outcome:
    """Run one fuzzer for that long, or until it finds something."""
    target = program.partition("-")[0]
    found = BUILD / "found" / program
    broken = BUILD / "broken"
    found.mkdir(parents=True, exist_ok=True)
    broken.mkdir(parents=True, exist_ok=True)
    command = [
        BUILD / program,
        f"-max_total_time={seconds}",
        f"-max_len={MAX_INPUT}",
        f"-timeout={SLOW}",
        "-mutate_depth=2",  # one mutation of ours is several changes
        f"-dict={HERE / 'words.dict'}",
        f"-artifact_prefix={broken}/{program}-",
        "-print_final_stats=1",
        found,
        MANIFESTS if target == "manifest" else HERE / "corpus" / target,
    ]
    # What is freed need not be kept for long to be caught: the core frees nothing. Leaks are for
    # tests/device/starvation.cpp to count; here they can't be, because of harness_heap.cpp.
    sanitizer = "quarantine_size_mb=8:malloc_context_size=2:detect_leaks=0"
    environment = {**os.environ, "ASAN_OPTIONS": sanitizer}
    process = subprocess.run(
        [str(word) for word in command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    log = process.stderr.decode("utf-8", "replace")
    return Outcome(
        program,
        ok=process.returncode == 0,
        executions=_last_number(r"number_of_executed_units:\s*(\d+)", log),
        inputs=_last_number(r" corp: (\d+)/", log),
        log=log,
    )


def _last_number(pattern: str, log: str) -> int:
    return int((re.findall(pattern, log) or ["0"])[-1])


def run_all(programs: list[str], seconds: int, jobs: int) -> list[Outcome]:
    """Run some fuzzers, so many at a time."""
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda program: run(program, seconds), programs))


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=30, help="for each fuzzer")
    parser.add_argument("--jobs", type=int, default=2, help="fuzzers at a time")
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=", ".join(PROGRAMS))
    options = parser.parse_args()
    outcomes = run_all(options.programs or PROGRAMS, options.seconds, options.jobs)
    for outcome in outcomes:
        if not outcome.ok:
            sys.stdout.write("\n".join(outcome.log.splitlines()[-60:]) + "\n")
    for outcome in outcomes:
        sys.stdout.write(f"{outcome}\n")
    return 0 if all(outcome.ok for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
