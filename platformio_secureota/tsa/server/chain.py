"""The log's lines, each bound to all before it.

A line is `HASH BODY`: BODY is JSON with the approval, HASH is SHA-256 over the hash of the line
before and BODY, in hexadecimal.  Who changes, removes or inserts a line has to write all later ones
anew, and the head (the last hash) is known elsewhere.

A process that dies while it writes leaves a torn line.  It stays; the next line after it is a
record that names it, so that nothing is lost and nothing can pass for torn.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from platformio_secureota.errors import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

GENESIS = hashlib.sha256(b"SecureOTA TSA log, version 1").digest()
"""Stands for the line before the first."""

_LINE = re.compile(rb"([0-9a-f]{64}) (\{.*\})")

TORN = "torn"

_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True)
class Head:
    """Where a log ends: its number of records, and the last hash."""

    seq: int = 0
    digest: bytes = GENESIS

    def __str__(self) -> str:
        """As files and people have it: `17:0f3a...`."""
        return f"{self.seq}:{self.digest.hex()}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Read what `str` writes; ValueError."""
        seq, _, digest = text.strip().partition(":")
        head = cls(int(seq), bytes.fromhex(digest))
        if head.seq < 0 or len(head.digest) != len(GENESIS):
            raise ValueError(text)
        return head


@dataclass(frozen=True)
class Record:
    """One good line."""

    head: Head
    values: Mapping[str, Any]

    @property
    def is_approval(self) -> bool:
        """A token's line, and not a note about a torn one."""
        return "event" not in self.values


def seal(before: Head, values: Mapping[str, Any]) -> tuple[bytes, Head]:
    """Write the line that follows `before`, newline and all."""
    seq = before.seq + 1
    body = _encode({"seq": seq, **values}).encode("ascii")
    digest = hashlib.sha256(before.digest + body).digest()
    return b"%b %b\n" % (digest.hex().encode("ascii"), body), Head(seq, digest)


def seal_torn(before: Head, torn: Iterable[bytes]) -> tuple[bytes, Head]:
    """Write the line that names torn ones."""
    return seal(before, {"event": TORN, "lines": [_name_torn(line) for line in torn]})


def _name_torn(line: bytes) -> dict[str, Any]:
    return {"bytes": len(line), "sha256": hashlib.sha256(line).hexdigest()}


@lru_cache(maxsize=4)
def parse_time(text: str) -> dt.datetime | None:
    """Read a genTime as the log has it: RFC 3339 in UTC, perhaps with a fraction; None: none."""
    try:
        moment = dt.datetime(
            int(text[:4]),
            int(text[5:7]),
            int(text[8:10]),
            int(text[11:13]),
            int(text[14:16]),
            int(text[17:19]),
            int(text[20:-1].ljust(6, "0")) if text[19:20] == "." else 0,
            tzinfo=dt.timezone.utc,
        )
    except ValueError:
        return None
    return moment if text.endswith("Z") else None


class Walk:
    """Follows a log from line to line."""

    def __init__(self, head: Head | None = None) -> None:
        """Begin behind `head`; None: behind a line that is not known, the first is believed."""
        self.head = head
        self.torn: list[bytes] = []
        """Lines since the last good one that are none."""

    def follow(self, lines: Iterable[bytes]) -> Iterator[Record]:
        """Yield each good record of lines without their newline; Refused(LogBroken)."""
        for line in lines:
            record = self._read(line)
            if record is None:
                self.torn.append(line)
                continue
            self._check_torn(record)
            self.head = record.head
            yield record

    def _read(self, line: bytes) -> Record | None:
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        digest, body = bytes.fromhex(match.group(1).decode("ascii")), match.group(2)
        known = self.head
        if known is not None and digest != hashlib.sha256(known.digest + body).digest():
            return None
        try:
            values = json.loads(body)
            head = Head(int(values["seq"]), digest)
        except (ValueError, KeyError, TypeError):
            return None
        return Record(head, values)

    def _check_torn(self, record: Record) -> None:
        if self.head is None:
            # The middle of a log: what stands before is not known.
            self.torn = []
            return
        after = f"record {self.head.seq}"
        if record.head.seq != self.head.seq + 1:
            raise Refused(Reason.LogBroken, f"after {after} comes record {record.head.seq}")
        named = record.values.get("lines", []) if not record.is_approval else []
        if named != [_name_torn(line) for line in self.torn]:
            detail = f"after {after} there is a line that was changed, removed or put in"
            raise Refused(Reason.LogBroken, detail)
        self.torn = []

    def check_end(self) -> None:
        """Refused(LogBroken) if lines at the end are no good and not yet on record."""
        if self.torn:
            seq = self.head.seq if self.head else 0
            size = sum(map(len, self.torn))
            raise Refused(
                Reason.LogBroken,
                f"behind record {seq}, {size} bytes are torn, or were changed",
                hint="a killed server leaves a torn last line; it puts it on record when it starts",
            )
