"""What a device pays for a verification, counted on a 32-bit RISC-V (docs/cost.md).

Beside each figure stands the same work done by bare calls of mbedtls, in the same run: parse the
certificates, verify the chain, hash what has to be hashed, verify one signature.  Nothing is timed:
the figures are the same each time.
"""

from __future__ import annotations

import functools
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import rv32
from bench.measurement import Measurement

if TYPE_CHECKING:
    from collections.abc import Iterator

VECTORS = rv32.ROOT / "tests" / "vectors"

SCENARIOS = {
    "RSA-2048, its own anchor": "good-rsa2048-sha256",
    "RSA-2048 under a CA": "good-rsa2048-below-rsa2048",
    "P-256 under a CA": "good-directly-below-the-root",
    "P-256, one intermediate": "good-company",
}
STREAMED = "22-image-of-65536-bytes"
LEAK_SCENARIO = "RSA-2048 under a CA"
ATTEMPTS = 1000

MOST_INSTRUCTIONS = 1.02
"""Times those of the bare calls."""

MOST_HEAP = 10 * 1024
"""Bytes, all of them mbedtls's: the port lends the buffer for the token."""

MOST_OWN_STACK = 2048
"""Bytes."""


@dataclass(frozen=True)
class Cost:
    """One verification; sizes in bytes."""

    token: int
    instructions: int
    heap: int
    allocations: int
    leaked: int
    stack: int
    bare_instructions: int
    bare_heap: int
    bare_allocations: int
    bare_leaked: int
    bare_stack: int
    primitives_stack: int

    @property
    def ratio(self) -> float:
        """Instructions, as a multiple of the bare calls'."""
        return self.instructions / self.bare_instructions

    @property
    def own_stack(self) -> int:
        """How much deeper mbedtls's own depth is reached, than by calling it directly."""
        return self.stack - self.primitives_stack


@dataclass(frozen=True)
class Streaming:
    """Instructions for an image of so many bytes on its way into flash.

    `stream`: hashed as it comes; `finish`: read back and hashed again.  `receiver_*`: as `stream`,
    with the protocol in front, which hashes everything once more against damage on the way.
    """

    bytes: int
    stream: int
    finish: int
    bare_stream: int
    bare_finish: int
    receiver_sha256: int
    receiver_md5: int


def case(name: str) -> rv32.Case:
    """One of the corpus."""
    entries = json.loads((VECTORS / "cases.json").read_text("utf-8"))
    entry = next(entry for entry in entries if entry["name"] == name)
    anchors = [(VECTORS / anchor).read_bytes() for anchor in entry["anchors"]]
    return rv32.Case((VECTORS / entry["file"]).read_bytes(), anchors)


@functools.lru_cache
def verifications(version: str) -> dict[str, Cost]:
    """By scenario."""
    lines = rv32.run(rv32.program(version, "cost"), map(case, SCENARIOS.values()))
    return {name: Cost(**rv32.fields(line)) for name, line in zip(SCENARIOS, lines)}


def leaked(version: str, attempts: int) -> int:
    """Bytes that so many verifications with RSA have not given back."""
    chosen = [case(SCENARIOS[LEAK_SCENARIO])]
    (line,) = rv32.run(rv32.program(version, "cost"), chosen, rounds=attempts)
    return rv32.fields(line)["leaked"]


@functools.lru_cache
def streaming(version: str) -> Streaming:
    """Of an image of 64 KiB."""
    (line,) = rv32.run(rv32.program(version, "stream"), [case(STREAMED)])
    return Streaming(**rv32.fields(line))


def measure() -> list[Measurement]:
    """On both versions of mbedtls; nothing, and a line that says so, where it can't be built."""
    for version in sorted(set(rv32.VERSIONS) - set(_built())):
        sys.stderr.write(f"bench: nothing runs on rv32 with mbedtls {version}: make rv32\n")
    return [one for version in _built() for one in _of_version(version)]


def _built() -> list[str]:
    return [version for version in rv32.VERSIONS if rv32.program(version, "cost").exists()]


def _of_version(version: str) -> Iterator[Measurement]:
    for name, cost in verifications(version).items():
        title = f"{version}: {name}"
        yield _not_above(title, cost.instructions, cost.bare_instructions, "bare mbedtls")
        yield _at_most(f"{title}, heap", cost.heap, MOST_HEAP)
        yield _at_most(f"{title}, own stack", cost.own_stack, MOST_OWN_STACK)
    lost = leaked(version, ATTEMPTS)
    yield _at_most(f"{version}: leaked by {ATTEMPTS:,} of RSA", lost, 0)
    image = streaming(version)
    for name, ours, bare in _passes(image):
        title = f"{version}: image byte {name}"
        yield _not_above(title, ours / image.bytes, bare / image.bytes, "bare SHA-256")


def _passes(image: Streaming) -> list[tuple[str, int, int]]:
    return [
        ("as it comes", image.stream, image.bare_stream),
        ("read back", image.finish, image.bare_finish),
        ("by an upload, md=SHA256", image.receiver_sha256, image.bare_stream),
        ("by an upload, md=MD5", image.receiver_md5, image.bare_stream),
    ]


def _not_above(name: str, ours: float, bare: float, peer: str) -> Measurement:
    # Less is better, and the goal allows a little more than the peer.
    goal = 1 / MOST_INSTRUCTIONS
    return Measurement(name, ours, "instructions", peer, bare, goal, judged=bare / ours)


def _at_most(name: str, ours: int, limit: int) -> Measurement:
    judged = 1.0 if ours == limit else limit / ours
    return Measurement(name, ours, "bytes", "the goal", limit, 1.0, judged=judged)


def table() -> list[str]:
    """Return the rows of docs/cost.md, each goal with its verdict."""
    return [line for version in _built() for line in (*_verifications(version), *_image(version))]


def _verifications(version: str) -> list[str]:
    head = ["10^6 instructions", "bare", "", "heap", "bare", "allocations", "stack", "own stack"]
    lines = ["", f"| mbedtls {version} | {' | '.join(head)} |", "|---" * 9 + "|"]
    for name, cost in verifications(version).items():
        cells = [
            f"{cost.instructions / 1e6:.2f}",
            f"{cost.bare_instructions / 1e6:.2f}",
            f"{cost.ratio:.3f} {_verdict(cost.ratio, MOST_INSTRUCTIONS)}",
            f"{cost.heap:,} {_verdict(cost.heap, MOST_HEAP)}",
            f"{cost.bare_heap:,}",
            f"{cost.allocations:,}",
            f"{cost.stack:,}",
            f"{cost.own_stack:,} {_verdict(cost.own_stack, MOST_OWN_STACK)}",
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _image(version: str) -> list[str]:
    image = streaming(version)
    lines = ["", f"| mbedtls {version}, each byte | instructions | bare | |", "|---" * 4 + "|"]
    for name, ours, bare in _passes(image):
        ratio = f"{ours / bare:.3f} {_verdict(ours / bare, MOST_INSTRUCTIONS)}"
        lines.append(f"| {name} | {ours / image.bytes:.1f} | {bare / image.bytes:.1f} | {ratio} |")
    return lines


def _verdict(value: float, most: float) -> str:
    return "met" if value <= most else "MISSED"
