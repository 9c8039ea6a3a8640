"""Two good tokens, changed in every small way: both verifiers refuse, and for the same Reason.

What no signature covers can be changed without harm: those positions are listed, with what stands
there, and nothing else may be accepted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

from platformio_secureota import container, verify_token
from platformio_secureota.anchors import read_anchors
from platformio_secureota.errors import Refused
from platformio_secureota.verify import MAX_TOKEN_SIZE

sys.path.insert(0, str(Path(__file__).parent))
from mutants import Mutant, all_mutants

ROOT = Path(__file__).resolve().parent.parent.parent
VECTORS = ROOT / "tests/vectors"
VERIFY_IMAGE = ROOT / "build/device-asan/verify-image"

# Which of the corpus, and the stretches of it that may change: [first, behind the last) and why.
TOKENS = {
    "good-company": "P-256 with one authority",
    "8-mixed-rsa-below-p256": "RSA-2048 below a P-256 anchor",
}
HARMLESS = json.loads((Path(__file__).parent / "harmless.json").read_text(encoding="utf-8"))


def load(name: str) -> tuple[bytes, list[str]]:
    cases = json.loads((VECTORS / "cases.json").read_text(encoding="utf-8"))
    case = next(case for case in cases if case["name"] == name)
    token = container.parse((VECTORS / case["file"]).read_bytes()).token
    return token, [str(VECTORS / anchor) for anchor in case["anchors"]]


def judge_on_device(tokens: list[bytes], anchors: list[str]) -> list[str]:
    command = [str(VERIFY_IMAGE), "--tokens"]
    for anchor in anchors:
        command += ["--anchor", anchor]
    frames = b"".join(len(token).to_bytes(4, "big") + token for token in tokens)
    result = subprocess.run(command, input=frames, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()[-2000:]
    lines = result.stdout.decode().splitlines()
    assert len(lines) == len(tokens)
    return [line.split()[1] if line.startswith("refused: ") else "accepted" for line in lines]


def judge_on_host(tokens: list[bytes], anchors: list[str]) -> list[str]:
    trusted = [anchor for path in anchors for anchor in read_anchors(Path(path))]
    verdicts = []
    for token in tokens:
        try:
            verify_token(token, anchors=trusted)
            verdicts.append("accepted")
        except Refused as refusal:
            verdicts.append(refusal.reason.value)
    return verdicts


def is_listed(name: str, mutant: Mutant) -> bool:
    return any(
        first <= mutant.at < end and (not changes or mutant.change in changes)
        for first, end, changes, _ in HARMLESS[name]
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", TOKENS)
def test_every_small_change(name: str, report_line: Callable[[str], None]) -> None:
    token, anchors = load(name)
    assert judge_on_host([token], anchors) == judge_on_device([token], anchors) == ["accepted"]
    mutants = list(all_mutants(token))
    assert len(mutants) > 8 * len(token)
    changed = [mutant.token for mutant in mutants]
    host = judge_on_host(changed, anchors)
    device = judge_on_device(changed, anchors)

    disagreements = [
        (mutant.change, mutant.at, ours, theirs)
        for mutant, ours, theirs in zip(mutants, host, device)
        if ours != theirs
    ]
    assert disagreements == []

    accepted = [mutant for mutant, verdict in zip(mutants, host) if verdict == "accepted"]
    unlisted = [(each.change, each.at) for each in accepted if not is_listed(name, each)]
    assert unlisted == []
    for stretch in HARMLESS[name]:
        first, end, _, what = stretch
        assert any(first <= each.at < end for each in accepted), f"nothing changed in {what}"
    report_line(
        f"mutations of a {TOKENS[name]} token ({len(token)} bytes): {len(mutants)} judged alike, "
        f"{len(accepted)} accepted, all in unsigned bytes"
    )


@pytest.mark.parametrize("size", [0, 1, MAX_TOKEN_SIZE + 1])
def test_sizes_out_of_range(size: int) -> None:
    _, anchors = load("good-company")
    tokens = [b"\x30" * size]
    assert judge_on_host(tokens, anchors) == judge_on_device(tokens, anchors) != ["accepted"]
