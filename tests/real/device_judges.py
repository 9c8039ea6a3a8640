"""The device's half, asked about many tokens or paths in one call of a program."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BUILD = Path(__file__).parents[2] / "build" / "device-asan"


def verify_image(*arguments: str, data: bytes) -> subprocess.CompletedProcess[bytes]:
    program = BUILD / "verify-image"
    assert program.is_file(), "run `make device-asan` first"
    return subprocess.run(
        [str(program), *arguments], input=data, capture_output=True, check=False, timeout=100
    )


def judge_tokens(tokens: Sequence[bytes], anchors: Iterable[Path], *options: str) -> list[str]:
    """`accepted: signed at <time>` or the name of the Reason, for each TimeStampResp."""
    arguments = [part for path in anchors for part in ("--anchor", str(path))]
    data = b"".join(map(_sized, tokens))
    done = verify_image(*arguments, *options, "--tokens", data=data)
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(tokens), done.stderr.decode()
    return [line.split()[1] if line.startswith("refused: ") else line for line in lines]


def judge_paths(cases: Sequence[tuple[bytes, ...]]) -> list[str]:
    """`accepted` or the name of the Reason; the fields are described in judge_path.cpp."""
    program = BUILD / "judge-path"
    assert program.is_file(), "run `make device-asan` first"
    data = b"".join(_sized(field) for case in cases for field in case)
    done = subprocess.run([str(program)], input=data, capture_output=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(cases), done.stderr.decode()
    return lines


def _sized(field: bytes) -> bytes:
    return len(field).to_bytes(4, "big") + field
