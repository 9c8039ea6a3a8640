"""The verifier on a 32-bit RISC-V, run by QEMU, on both versions of mbedtls.

The corpus gets the same verdicts as on the host, and what a verification costs stays within its
goals (docs/cost.md).  Instructions are counted, so that these are exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest

import vectors
from bench import cost, rv32
from vectors import ACCEPTED, Vector

if TYPE_CHECKING:
    from pathlib import Path

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
    path = rv32.program(version, name)
    if not path.exists():
        pytest.skip(f"there is no {path.relative_to(rv32.ROOT)}: `make rv32` says why")
    return path


def as_case(vector: Vector) -> rv32.Case:
    rules = vector.rules
    return rv32.Case(
        container=vector.signed,
        anchors=[anchor.certificate.der for anchor in vector.anchors],
        not_before=rules.not_before,
        now=rules.now,
        policies=vector.policies,
        deny=[bytes.fromhex(digest) for digest in vector.deny],
        require_ess_v2=rules.require_ess_v2,
    )


def judge(version: str, chosen: list[Vector], report_line: Callable[[str], None]) -> None:
    verdicts = rv32.run(program(version, "judge-vectors"), map(as_case, chosen))

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


@pytest.mark.parametrize("version", rv32.VERSIONS)
def test_corpus(version: str, report_line: Callable[[str], None]) -> None:
    judge(version, sample(), report_line)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", rv32.VERSIONS)
def test_whole_corpus(version: str, report_line: Callable[[str], None]) -> None:
    judge(version, VECTORS, report_line)


@pytest.mark.parametrize("version", rv32.VERSIONS)
def test_a_verification_costs_little_more_than_mbedtls(
    version: str, report_line: Callable[[str], None]
) -> None:
    program(version, "cost")

    for name, found in cost.verifications(version).items():
        report_line(
            f"rv32, mbedtls {version}, {name}: {found.instructions:,} instructions, "
            f"{found.ratio:.4f} times the bare calls'; {found.heap:,} bytes of heap, "
            f"{found.own_stack:,} of own stack"
        )
        assert found.ratio <= cost.MOST_INSTRUCTIONS, name
        assert found.heap <= cost.MOST_HEAP, name
        assert found.heap <= found.bare_heap, name
        assert found.own_stack <= cost.MOST_OWN_STACK, name
        assert found.leaked == 0, name


@pytest.mark.parametrize("version", rv32.VERSIONS)
def test_an_image_costs_little_more_than_its_digest(version: str) -> None:
    program(version, "stream")

    image = cost.streaming(version)

    assert image.stream <= cost.MOST_INSTRUCTIONS * image.bare_stream
    assert image.finish <= cost.MOST_INSTRUCTIONS * image.bare_finish


@pytest.mark.parametrize("version", rv32.VERSIONS)
@pytest.mark.parametrize("attempts", [20, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.timeout(600)
def test_nothing_is_leaked(version: str, attempts: int) -> None:
    program(version, "cost")

    assert cost.leaked(version, attempts) == 0
