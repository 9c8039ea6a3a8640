"""The rv32 programs (rv32.mk): what they are given, and how QEMU runs them."""

from __future__ import annotations

import datetime as dt
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vectors import Vector

ROOT = Path(__file__).resolve().parents[2]
NO_TIME = -(1 << 63)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
MICROSECOND = dt.timedelta(microseconds=1)
MAGIC = 0x33325652
LOAD_AT = 0x80800000

# One instruction a nanosecond of the machine's time: the counts are exact, and the same each time.
QEMU = [
    "qemu-system-riscv32",
    *("-M", "virt", "-m", "64M", "-bios", "none", "-icount", "shift=0"),
    *("-display", "none", "-monitor", "none", "-serial", "none", "-chardev", "stdio,id=out"),
    *("-semihosting-config", "enable=on,target=native,chardev=out"),
]


def number(value: int) -> bytes:
    return struct.pack("<I", value)


def blob(data: bytes) -> bytes:
    return number(len(data)) + data


def time(moment: dt.datetime | None) -> bytes:
    return struct.pack("<q", NO_TIME if moment is None else (moment - EPOCH) // MICROSECOND)


def case(vector: Vector) -> bytes:
    """What tests/rv32/batch.cpp reads."""
    rules = vector.rules
    parts = [number(len(vector.anchors))]
    parts += [blob(anchor.certificate.der) for anchor in vector.anchors]
    parts += [time(rules.not_before), time(rules.now)]
    parts += [number(len(vector.policies))]
    parts += [blob(policy.encode("ascii") + b"\0") for policy in vector.policies]
    parts += [number(len(vector.deny))]
    parts += [blob(bytes.fromhex(digest)) for digest in vector.deny]
    parts += [number(rules.require_ess_v2), blob(vector.signed)]
    return b"".join(parts)


def run(program: Path, vectors: Iterable[Vector], *, rounds: int = 1) -> list[str]:
    """Run a program on a batch of cases; what it said, line by line."""
    cases = [case(vector) for vector in vectors]
    with tempfile.TemporaryDirectory() as folder:
        batch = Path(folder) / "batch"
        batch.write_bytes(b"".join([number(MAGIC), number(rounds), number(len(cases)), *cases]))
        loader = f"loader,file={batch},addr={LOAD_AT:#x},force-raw=on"
        command = [*QEMU, "-kernel", str(program), "-device", loader]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        raise RuntimeError(f"{program.name} ended with {done.returncode}: {done.stdout[-500:]}")
    return done.stdout.splitlines()
