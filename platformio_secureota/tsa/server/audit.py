"""Reading a whole log, for those who check it."""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.tsa.server.chain import Head, Record, Walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO


def read_log(path: Path, *, heads: Sequence[Head] = ()) -> Iterator[Record]:
    """Yield every record; Refused(LogBroken) where the chain breaks, or at the end.

    `heads` were seen earlier; each must be in the log.
    """
    missing = set(heads) - {Head()}
    walk = Walk(Head())
    try:
        with path.open("rb") as file:
            for record in walk.follow(_lines(file)):
                missing.discard(record.head)
                yield record
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
    walk.check_end()
    for head in sorted(missing, key=lambda one: one.seq):
        end = walk.head.seq if walk.head else 0
        detail = f"{path} ends at record {end} and does not hold {head}: it was cut or changed"
        raise Refused(Reason.LogBroken, detail)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    # Writers hold the lock while a line is not whole; what comes later is not waited for.
    fcntl.flock(file, fcntl.LOCK_SH)
    size = file.seek(0, 2)
    fcntl.flock(file, fcntl.LOCK_UN)
    file.seek(0)
    while file.tell() < size:
        yield file.readline().rstrip(b"\n")


TAIL = 1 << 16
"""Bytes at the end of a log that `read_tail` looks at."""


def read_tail(path: Path) -> Iterator[Record]:
    """Yield the last records, from somewhere on; the first of them is believed."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            begin = max(0, size - TAIL)
            file.seek(begin)
            data = file.read(size - begin)
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
    lines = data.split(b"\n")[1 if begin else 0 : -1]
    yield from Walk(None if begin else Head()).follow(lines)
