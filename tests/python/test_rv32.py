"""The verifier on a 32-bit RISC-V, run by QEMU, on both versions of mbedtls: the corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest

import rv32
import vectors
from vectors import ACCEPTED, Vector

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS = ["2.28", "3.6"]
VECTORS = vectors.load()

# Refused after public-key operations, which are what takes time here.
AFTER_SIGNATURES = {
    "AttributesNotSorted",
    "AlgorithmMismatch",
    "CertificateSignatureInvalid",
    "ImageMismatch",
    "KeyNotAllowed",
    "SignatureInvalid",
    "TooMuchWork",
}
# Each algorithm alone, and two that are at both ends of a chain.
GOOD_ONES = [
    *(f"good-{kind}-sha256" for kind in ("p256", "p384", "rsa2048", "rsa3072", "rsa4096")),
    "good-p256-sha384",
    "good-p256-sha512",
    "8-mixed-rsa2048-root",
]


def sample() -> list[Vector]:
    """What is refused by looking at bytes alone; of what takes public keys, one of each kind."""
    chosen = []
    reasons = set()
    for vector in VECTORS:
        first = vector.expected not in reasons
        reasons.add(vector.expected)
        if vector.expected in AFTER_SIGNATURES:
            wanted = first
        elif vector.expected == ACCEPTED:
            wanted = vector.name in GOOD_ONES
        else:
            wanted = True
        if wanted:
            chosen.append(vector)
    return chosen


def program(version: str, name: str) -> Path:
    path = vectors.ROOT / "build" / f"rv32-{version}" / name
    if not path.exists():
        pytest.skip(f"there is no {path.relative_to(vectors.ROOT)}: `make rv32` says why")
    return path


def judge(version: str, chosen: list[Vector], report_line: Callable[[str], None]) -> None:
    verdicts = rv32.run(program(version, "judge-vectors"), chosen)

    assert len(verdicts) == len(chosen)
    wrong = {
        vector.name: (verdict, vector.expected)
        for vector, verdict in zip(chosen, verdicts)
        if verdict != vector.expected
    }
    left_out = len(VECTORS) - len(chosen)
    report_line(
        f"vectors on rv32, mbedtls {version}: {len(chosen)} judged, {len(wrong)} disagreements"
        + (f"; {left_out} that take public keys left to `make test-all`" if left_out else "")
    )
    assert wrong == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_corpus(version: str, report_line: Callable[[str], None]) -> None:
    judge(version, sample(), report_line)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", VERSIONS)
def test_whole_corpus(version: str, report_line: Callable[[str], None]) -> None:
    judge(version, VECTORS, report_line)
