"""Every case of tests/vectors: both verifiers give the verdict that it deserves, by name."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Callable

import pytest

import vectors
from platformio_secureota import Reason
from vector_judges import judge_by_openssl, judge_by_rfc3161_client
from vectors import ACCEPTED, FOLDER, ROOT, Vector

if TYPE_CHECKING:
    from collections.abc import Iterator

VECTORS = vectors.load()
GOOD = [vector for vector in VECTORS if vector.expected == ACCEPTED]
DEVICES = ["device", "device-asan", "device-mbedtls3"]
NOT_EVERYWHERE = {"device-mbedtls3": "mbedtls 3.6 could not be had (tools/mbedtls3.py says why)"}

# What a container on its own can't cause: the nonce is a request's, and the rest is the device's.
_FIRST, _LAST = Reason.NotSigned, Reason.ImageMismatch
NOT_IN_A_CONTAINER = {"NonceMismatch"}


@pytest.fixture(scope="module")
def tally(report_line: Callable[[str], None]) -> Iterator[Counter[str]]:
    """What was judged, and how often the verdict was another one."""
    counter: Counter[str] = Counter()
    yield counter
    for judge in ("python", *DEVICES):
        disagreements = counter[f"{judge} disagrees"]
        report_line(f"vectors: {counter[judge]} judged by {judge}, {disagreements} disagreements")
    report_line(
        f"vectors: {counter['openssl']} good ones shown to openssl, {counter['rfc3161-client']} to "
        f"rfc3161-client; refused for a reason that we know: {counter['known refusals']}"
    )


def by_name(vector: Vector) -> str:
    return vector.name


def count(tally: Counter[str], judge: str, vector: Vector, verdict: str) -> None:
    tally[judge] += 1
    tally[f"{judge} disagrees"] += verdict != vector.expected
    assert verdict == vector.expected, vector.sentence


@pytest.mark.parametrize("vector", VECTORS, ids=by_name)
def test_python(vector: Vector, tally: Counter[str]) -> None:
    count(tally, "python", vector, vectors.judge_by_python(vector))


@pytest.mark.parametrize("build", DEVICES)
@pytest.mark.parametrize("vector", VECTORS, ids=by_name)
def test_device(vector: Vector, build: str, tally: Counter[str]) -> None:
    program = ROOT / "build" / build / "verify-image"
    if build in NOT_EVERYWHERE and not program.exists():
        pytest.skip(NOT_EVERYWHERE[build])
    assert program.exists(), f"make {build}"
    count(tally, build, vector, vectors.judge_by_device(program, vector))


@pytest.mark.parametrize("vector", GOOD, ids=by_name)
def test_judges_that_we_did_not_write(vector: Vector, tally: Counter[str]) -> None:
    for name, judge in (
        ("openssl", judge_by_openssl),
        ("rfc3161-client", judge_by_rfc3161_client),
    ):
        complaint = judge(vector)
        tally[name] += 1
        tally["known refusals"] += name in vector.outside
        if name not in vector.outside:
            assert complaint == "", name
        elif not vector.outside[name].startswith("at times:"):
            assert complaint, f"accepted, although it {vector.outside[name]}"


def test_corpus_is_what_the_generator_makes() -> None:
    command = [sys.executable, str(FOLDER / "generate"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_names_are_unique() -> None:
    assert [name for name, times in Counter(v.name for v in VECTORS).items() if times > 1] == []


def test_every_check_has_good_and_bad_cases() -> None:
    good = {vector.check for vector in GOOD}
    bad = {vector.check for vector in VECTORS if vector.expected != ACCEPTED}
    checks = {str(number) for number in range(1, 33)} | {"container"}
    # What has no bad case of its own: the nonce is only compared where one was sent, so its bad
    # cases are those of shape.  What has no good one: each good token passes those checks.
    assert checks - bad == set()
    assert checks - good == NEVER_GOOD_BY_THEMSELVES


NEVER_GOOD_BY_THEMSELVES = {"4", "5", "6", "7", "9", "11", "12", "14", "21"}
"""Checks that leave no room: there is one right form, which every good token has."""


def test_every_reason_has_a_case() -> None:
    names = [reason.value for reason in Reason]
    of_containers = names[names.index(_FIRST) : names.index(_LAST) + 1]
    missing = set(of_containers) - NOT_IN_A_CONTAINER - {vector.expected for vector in VECTORS}
    assert missing == set()
