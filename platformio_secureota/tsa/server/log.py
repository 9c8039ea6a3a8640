"""The file of approvals: append-only, shared by all workers, on disk before anybody is told.

Whoever appends holds a lock on the file, and has read what other processes appended before.  A
second file, the head, names the last record; a log that is shorter than its head says was cut.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.tsa.server.chain import (
    Head,
    Record,
    Walk,
    parse_time,
    seal,
    seal_torn,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_TAIL = 1 << 20
"""Bytes that are read at the start: the last records suffice to go on from."""

_HEAD_SIZE = 96
"""The head file is written in place, in one sector: a crash leaves the old head or the new."""


@dataclass(frozen=True)
class Sealed:
    """Lines that are ready to be written, and only behind those that they were made for."""

    data: bytes
    records: Sequence[Record]

    @property
    def head(self) -> Head:
        """The log's, behind these lines."""
        return self.records[-1].head


class ApprovalLog:
    """One process's view of the log.  For one thread at a time."""

    def __init__(
        self,
        path: Path,
        head_path: Path,
        *,
        seen: Callable[[Record], None] | None = None,
        reach: dt.datetime | None = None,
    ) -> None:
        """`seen` is told of each record that is read or appended, whoever wrote it.

        At the start, records since `reach` are read; None: as few as will do.
        """
        self.path = path
        self.head_path = head_path
        self._seen = seen or (lambda _record: None)
        self._reach = reach or dt.datetime.max.replace(tzinfo=dt.timezone.utc)
        self._file = -1
        self._head_file = -1
        self._end = 0  # what of the file has been read, in bytes
        self._rest = b""  # the part of it behind the last newline
        self._walk = Walk(Head())
        self._failed = ""
        self.last_time: dt.datetime | None = None
        """genTime of the last approval."""

    @property
    def head(self) -> Head:
        """The last record."""
        return self._walk.head or Head()

    def open(self) -> None:
        """Open or create both files, and read the log's end.  Unusable, Refused(LogBroken)."""
        try:
            self._file = _open(self.path)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                self._read_tail(self._open_head())
                self._mend()
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        except OSError as cause:
            detail = f"{self.path}: {cause.strerror}"
            raise Unusable(Reason.FileUnwritable, detail) from cause

    def close(self) -> None:
        """Close both files."""
        for descriptor in (self._file, self._head_file):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._head_file = -1

    def lock(self, *, wait: bool = True) -> bool:
        """Hold the log alone, and know everything in it; False: another holds it, if not to `wait`.

        OSError, Refused(LogBroken): it is not held.
        """
        if self._failed:
            raise OSError(self._failed)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        try:
            self._look()
        except BaseException:
            self.unlock()
            raise
        return True

    def _look(self) -> None:
        opened, there = os.fstat(self._file), self.path.stat()
        if (opened.st_dev, opened.st_ino) != (there.st_dev, there.st_ino):
            raise OSError("the log was replaced while the server ran")
        for record in self._catch_up(opened.st_size):
            self._note(record)
        self._mend()

    def unlock(self) -> None:
        """Let others append."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the log for a while; errors as of `lock`."""
        self.lock()
        try:
            yield
        finally:
            self.unlock()

    def append(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Put approvals on disk, all of them or an OSError; the caller holds the lock.

        After an error some of them may be in the file: approved, but never handed out.
        """
        lines = self.seal(entries)
        self.write([lines])
        self.settle(lines)

    def seal(self, entries: Sequence[Mapping[str, Any]], *, after: Head | None = None) -> Sealed:
        """Make the lines that come next, or `after` others; the lock is held until `write`."""
        head, lines, records = after or self.head, [], []
        for values in entries:
            line, head = seal(head, values)
            lines.append(line)
            records.append(Record(head, values))
        return Sealed(b"".join(lines), records)

    def write(self, lines: Sequence[Sealed]) -> None:
        """Put lines on disk, as `append` does.  Changes nothing else: any thread may do it."""
        data = b"".join([one.data for one in lines])
        if os.write(self._file, data) != len(data):
            raise OSError("the disk took a part of the lines")
        self._sync()
        self._write_head(lines[-1].head)

    def settle(self, lines: Sealed) -> None:
        """Take note of lines that were written."""
        self._end += len(lines.data)
        for record in lines.records:
            self._note(record)
        self._walk.head = lines.head

    def refresh(self) -> Head:
        """Read what others appended, for who wants to know the head."""
        with self.locked():
            return self.head

    def _sync(self) -> None:
        try:
            os.fsync(self._file)
        except OSError as cause:
            # What the kernel could not write it may have forgotten; a later success means nothing.
            self._failed = f"the log could not be brought to disk ({cause.strerror}); restart"
            raise

    def _note(self, record: Record) -> None:
        if record.is_approval:
            self.last_time = parse_time(str(record.values.get("time", ""))) or self.last_time
        self._seen(record)

    # -- reading ----------------------------------------------------------------------------

    def _read_tail(self, expected: Head) -> None:
        # As far back as is needed to find the record that the head file names, and `reach`.
        size, span = os.fstat(self._file).st_size, _TAIL
        while True:
            records = self._read_from(max(0, size - span), size)
            is_whole = span >= size
            heads = {record.head for record in records} | ({Head()} if is_whole else set())
            if is_whole or (expected in heads and self._reaches(records[0])):
                break
            span *= 4
        if expected not in heads:
            raise Refused(
                Reason.LogBroken,
                f"{self.path} ends at record {self.head.seq}, its head file names record "
                f"{expected.seq}: the log was cut or changed",
                hint="find out who did it; see `secureota tsa log verify` and docs/tsa.md",
            )
        for record in records:
            self._note(record)

    def _read_from(self, begin: int, size: int) -> list[Record]:
        self._walk = Walk(Head() if begin == 0 else None)
        self._end, self._rest = begin, b""
        if begin:
            self._end += os.pread(self._file, size - begin, begin).find(b"\n") + 1
        return list(self._catch_up(size))

    def _reaches(self, first: Record) -> bool:
        moment = parse_time(str(first.values.get("time", "")))
        return moment is None or moment <= self._reach

    def _catch_up(self, size: int) -> Iterator[Record]:
        if size < self._end:
            raise Refused(Reason.LogBroken, f"{self.path} became shorter")
        while self._end < size:
            data = os.pread(self._file, min(_TAIL, size - self._end), self._end)
            if not data:
                raise OSError("the log can't be read")
            self._end += len(data)
            *lines, self._rest = (self._rest + data).split(b"\n")
            yield from self._walk.follow(lines)

    def _mend(self) -> None:
        # A torn last line gets its newline and a record; nothing is ever taken away.
        if not self._rest and not self._walk.torn:
            return
        walk = Walk(self.head)
        walk.torn = list(self._walk.torn)
        # Perhaps nothing is torn off but the newline.
        records = list(walk.follow([self._rest])) if self._rest else []
        data = b"\n" if self._rest else b""
        if walk.torn:
            line, walk.head = seal_torn(walk.head or Head(), walk.torn)
            data += line
            walk.torn = []
        if os.write(self._file, data) != len(data):
            raise OSError("the disk took a part of a line")
        self._sync()
        self._end += len(data)
        self._walk, self._rest = walk, b""
        for record in records:
            self._note(record)
        self._write_head(self.head)

    # -- the head file ------------------------------------------------------------------------

    def _open_head(self) -> Head:
        # Decided under the lock: workers that start together see each other's new files.
        there = self.head_path.exists() and self.head_path.stat().st_size > 0
        is_new = not there and os.fstat(self._file).st_size == 0
        if not there and not is_new:
            raise Refused(
                Reason.LogBroken,
                f"{self.head_path} is missing, which says where the log ends",
                hint="if the log is whole: `secureota tsa log verify --write-head`",
            )
        self._head_file = _open(self.head_path, append=False)
        if is_new:
            self._walk.head = Head()
            self._write_head(self.head)
            os.fsync(self._head_file)
        return read_head(self.head_path)

    def _write_head(self, head: Head) -> None:
        os.pwrite(self._head_file, encode_head(head), 0)


def encode_head(head: Head) -> bytes:
    """Give the head file's contents, always of one size."""
    return str(head).encode("ascii").ljust(_HEAD_SIZE - 1) + b"\n"


def read_head(path: Path) -> Head:
    """Read a head file.  Refused(LogBroken) if it is none, Unusable if it can't be read."""
    try:
        return Head.parse(path.read_text("ascii"))
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
    except ValueError as cause:
        raise Refused(Reason.LogBroken, f"{path} is no head of a log") from cause


def _open(path: Path, *, append: bool = True) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags | (os.O_APPEND if append else 0), 0o600)
    # The name has to survive a power cut too.
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return descriptor
