"""The programs of rv32.mk, run by QEMU: what they are given, and what they say."""

from __future__ import annotations

import datetime as dt
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).resolve().parent.parent

VERSIONS = ("2.28", "3.6")
"""Of mbedtls."""

_MAGIC = 0x33325652
_LOAD_AT = 0x80800000  # tests/rv32/batch.cpp
_NO_TIME = -(1 << 63)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_MICROSECOND = dt.timedelta(microseconds=1)

# One instruction takes one nanosecond of the machine's time: counts are exact, and the same each
# time.
_QEMU = [
    "qemu-system-riscv32",
    *("-M", "virt", "-m", "64M", "-bios", "none", "-icount", "shift=0"),
    *("-display", "none", "-monitor", "none", "-serial", "none", "-chardev", "stdio,id=out"),
    *("-semihosting-config", "enable=on,target=native,chardev=out"),
]


@dataclass(frozen=True)
class Case:
    """A container, and what to judge it by; certificates in DER."""

    container: bytes
    anchors: Sequence[bytes]
    not_before: dt.datetime | None = None
    now: dt.datetime | None = None
    policies: Sequence[str] = ()
    deny: Sequence[bytes] = ()
    require_ess_v2: bool = False

    def encode(self) -> bytes:
        """Write what tests/rv32/batch.cpp reads."""
        parts = [_number(len(self.anchors)), *map(_blob, self.anchors)]
        parts += [_time(self.not_before), _time(self.now)]
        parts += [_number(len(self.policies))]
        parts += [_blob(policy.encode("ascii") + b"\0") for policy in self.policies]
        parts += [_number(len(self.deny)), *map(_blob, self.deny)]
        return b"".join([*parts, _number(self.require_ess_v2), _blob(self.container)])


def program(version: str, name: str) -> Path:
    """Where `make rv32` leaves it, if it can be built here."""
    return ROOT / "build" / f"rv32-{version}" / name


def run(executable: Path, cases: Iterable[Case], *, rounds: int = 1) -> list[str]:
    """Run it on these cases; what it said, line by line."""
    encoded = [case.encode() for case in cases]
    head = _number(_MAGIC) + _number(rounds) + _number(len(encoded))
    with tempfile.TemporaryDirectory() as folder:
        batch = Path(folder) / "batch"
        batch.write_bytes(head + b"".join(encoded))
        loader = f"loader,file={batch},addr={_LOAD_AT:#x},force-raw=on"
        done = subprocess.run(
            [*_QEMU, "-kernel", str(executable), "-device", loader],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-500:]
        raise RuntimeError(f"{executable.name} ended with {done.returncode}: {said}")
    return done.stdout.splitlines()


def fields(line: str) -> dict[str, int]:
    """Take a line of `name=number` apart."""
    return {name: int(value) for name, _, value in (word.partition("=") for word in line.split())}


def _number(value: int) -> bytes:
    return struct.pack("<I", value)


def _blob(data: bytes) -> bytes:
    return _number(len(data)) + data


def _time(moment: dt.datetime | None) -> bytes:
    ticks = _NO_TIME if moment is None else (moment - _EPOCH) // _MICROSECOND
    return struct.pack("<q", ticks)
