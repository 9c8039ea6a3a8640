"""The log of approvals: chained, on disk first, and honest about what went wrong."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import resource
import threading
from typing import TYPE_CHECKING, Any

import pytest

from platformio_secureota import Reason, Refused
from platformio_secureota.tsa.server.audit import read_log
from platformio_secureota.tsa.server.chain import GENESIS, Head
from platformio_secureota.tsa.server.log import ApprovalLog, read_head
from tsa_server import REQUEST, Site, fail_info, running

if TYPE_CHECKING:
    from pathlib import Path

SYSTEM_FAILURE = 25


def entry(number: int) -> dict[str, Any]:
    return {"time": f"2026-12-01T00:00:{number % 60:02d}Z", "caller": "ci", "token": f"{number}"}


class Pair:
    """A log and its head file."""

    def __init__(self, folder: Path) -> None:
        self.path, self.head_path = folder / "approvals.log", folder / "approvals.log.head"

    def open(self) -> ApprovalLog:
        log = ApprovalLog(self.path, self.head_path)
        log.open()
        return log

    def write(self, *numbers: int) -> Head:
        log = self.open()
        for number in numbers:
            with log.locked():
                log.append([entry(number)])
        log.close()
        return log.head

    def append(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)

    def tokens(self, *heads: Head) -> list[str]:
        found = read_log(self.path, heads=[*heads, read_head(self.head_path)])
        return [record.values["token"] for record in found if record.is_approval]

    def refuses(self, *heads: Head) -> str:
        with pytest.raises(Refused) as caught:
            self.tokens(*heads)
        assert caught.value.reason is Reason.LogBroken
        return caught.value.detail


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_a_line_is_what_the_documentation_says(pair: Pair) -> None:
    pair.write(1, 2)
    previous = GENESIS
    for number, line in enumerate(pair.path.read_bytes().splitlines(), start=1):
        digest, _, body = line.partition(b" ")
        assert digest.decode() == hashlib.sha256(previous + body).hexdigest()
        assert json.loads(body) == {"seq": number, **entry(number)}
        previous = bytes.fromhex(digest.decode())
    assert pair.head_path.read_text().strip() == f"2:{previous.hex()}"
    assert pair.path.stat().st_mode & 0o777 == 0o600


def test_it_goes_on_where_it_ended(pair: Pair) -> None:
    first = pair.write(1, 2)
    second = pair.write(3)
    assert pair.tokens(first, second) == ["1", "2", "3"]


def test_every_changed_byte_is_found(pair: Pair) -> None:
    pair.write(1, 2, 3)
    whole = pair.path.read_bytes()
    for at in range(len(whole)):
        pair.path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        pair.refuses()


@pytest.mark.parametrize(
    "order", [(0, 2), (1, 2), (0, 2, 1), (0, 1, 1, 2), (0, 0, 1, 2), (2, 1, 0)]
)
def test_lines_removed_moved_or_repeated_are_found(pair: Pair, order: tuple[int, ...]) -> None:
    pair.write(1, 2, 3)
    lines = pair.path.read_bytes().splitlines(keepends=True)
    pair.path.write_bytes(b"".join(lines[number] for number in order))
    pair.refuses()


def test_a_cut_tail_shows_by_the_head(pair: Pair) -> None:
    head = pair.write(1, 2, 3)
    lines = pair.path.read_bytes().splitlines(keepends=True)
    pair.path.write_bytes(b"".join(lines[:2]))
    assert "ends at record 2" in pair.refuses()
    with pytest.raises(Refused, match="was cut"):
        pair.open()
    # With the head file changed too, it takes a head that is kept elsewhere.
    pair.head_path.write_text(f"2:{lines[1][:64].decode()}\n")
    assert pair.tokens() == ["1", "2"]
    assert "ends at record 2" in pair.refuses(head)


def test_a_log_without_its_head_is_not_gone_on_with(pair: Pair) -> None:
    pair.write(1)
    pair.head_path.unlink()
    with pytest.raises(Refused, match="is missing"):
        pair.open()


def test_a_log_that_is_gone_is_not_begun_anew(pair: Pair) -> None:
    """Both files moved away are a new log; the log alone was removed by somebody."""
    pair.write(1, 2)
    pair.path.unlink()
    with pytest.raises(Refused, match="the log was cut or changed"):
        pair.open()


@pytest.mark.parametrize("died_with", ["no head", "an empty head"])
def test_a_start_that_was_killed_is_started_again(pair: Pair, died_with: str) -> None:
    pair.path.touch(0o600)
    if died_with == "an empty head":
        pair.head_path.touch(0o600)
    assert pair.write(1).seq == 1
    assert pair.tokens() == ["1"]


def test_workers_begin_a_log_together(pair: Pair) -> None:
    """While one has made the file and not yet its head, another waits for it."""
    pair.path.touch(0o600)
    first = os.open(pair.path, os.O_RDWR)
    fcntl.flock(first, fcntl.LOCK_EX)
    heads: list[Head] = []
    others = [threading.Thread(target=lambda n=n: heads.append(pair.write(n))) for n in range(4)]
    for other in others:
        other.start()
    os.close(first)
    for other in others:
        other.join(10)
    assert max(head.seq for head in heads) == 4
    assert sorted(pair.tokens()) == ["0", "1", "2", "3"]


def test_torn_at_every_byte(pair: Pair) -> None:
    """A line cut anywhere: it is kept, named by the next record, and the log goes on."""
    pair.write(1)
    head = pair.head_path.read_bytes()
    first = pair.path.read_bytes()
    pair.write(2)
    second = pair.path.read_bytes()[len(first) :]
    for size in range(1, len(second)):
        pair.path.write_bytes(first + second[:size])
        pair.head_path.write_bytes(head)
        if size == len(second) - 1:  # the newline alone: nothing is lost
            assert pair.tokens() == ["1", "2"]
            pair.write(3)
            assert pair.tokens() == ["1", "2", "3"]
            continue
        assert "torn" in pair.refuses()
        pair.write(3)
        assert pair.tokens() == ["1", "3"]
        assert pair.path.read_bytes().startswith(first + second[:size] + b"\n")
        (note,) = [r for r in read_log(pair.path) if not r.is_approval]
        digest = hashlib.sha256(second[:size]).hexdigest()
        assert note.values["lines"] == [{"bytes": size, "sha256": digest}]


def test_a_changed_line_can_not_pass_for_torn(pair: Pair) -> None:
    pair.write(1)
    pair.append(b"torn")
    pair.write(2)
    text = pair.path.read_bytes()
    assert pair.tokens() == ["1", "2"]
    for changed in (
        text.replace(b"torn\n", b"tarn\n", 1),
        text.replace(b"torn\n", b"", 1),
        text.replace(b"torn\n", b"torn\ntorn\n", 1),
    ):
        assert changed != text
        pair.path.write_bytes(changed)
        pair.refuses()


def test_a_writer_that_was_overtaken_reads_first(pair: Pair) -> None:
    one, two = pair.open(), pair.open()
    for number in range(6):
        log = (one, two)[number % 2]
        with log.locked():
            log.append([entry(number)])
    with one.locked():
        assert one.head == two.head
    assert pair.tokens() == [str(n) for n in range(6)]
    one.close()
    two.close()


def test_a_writer_that_died_is_mended_by_the_other(pair: Pair) -> None:
    one, two = pair.open(), pair.open()
    with one.locked():
        one.append([entry(1)])
    one.close()
    pair.append(b"0" * 70)
    with two.locked():
        two.append([entry(2)])
    two.close()
    assert pair.tokens() == ["1", "2"]


def test_only_the_tail_is_read_at_the_start(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformio_secureota.tsa.server.log._TAIL", 500)
    head = pair.write(*range(50))
    log = pair.open()
    assert log.head == head
    assert log.last_time is not None
    log.close()
    pair.write(50)
    assert len(pair.tokens(head)) == 51


def test_log_that_was_moved_away(tmp_path: Path) -> None:
    site = Site.make(tmp_path)
    with running(site) as server:
        assert fail_info(server.post()) == -1
        (tmp_path / "approvals.log").rename(tmp_path / "moved")
        assert fail_info(server.post()) == SYSTEM_FAILURE
        assert server.get("/healthz").status_code == 503
        # Nor is a new file in its place the log.
        (tmp_path / "approvals.log").write_bytes((tmp_path / "moved").read_bytes())
        assert fail_info(server.post()) == SYSTEM_FAILURE
        (tmp_path / "moved").rename(tmp_path / "approvals.log")
        assert fail_info(server.post()) == -1
    assert len(site.records()) == 2


def test_full_disk(tmp_path: Path) -> None:
    """The system takes half a line, and then nothing: no token until there is room again."""
    site = Site.make(tmp_path)
    log = tmp_path / "approvals.log"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with running(site) as server:
        assert fail_info(server.post()) == -1
        try:
            for more in (100, 50, 0):
                room = log.stat().st_size + more
                resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
                assert fail_info(server.post()) == SYSTEM_FAILURE
                assert log.stat().st_size == room
                assert fail_info(server.post()) == SYSTEM_FAILURE
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert fail_info(server.post()) == -1
    assert len(site.records()) == 2
    assert sum(len(note["lines"]) for note in site.torn()) >= 1


def test_fsync_that_failed_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site.make(tmp_path)
    real, fails = os.fsync, threading.Event()

    def fsync(descriptor: int) -> None:
        if fails.is_set():
            raise OSError(5, "Input/output error")
        real(descriptor)

    with running(site) as server:
        monkeypatch.setattr(os, "fsync", fsync)
        assert fail_info(server.post()) == -1
        fails.set()
        assert fail_info(server.post()) == SYSTEM_FAILURE
        fails.clear()
        # What the disk lost nobody knows: only a start that reads it all again helps.
        assert fail_info(server.post()) == SYSTEM_FAILURE
    with running(site) as server:
        assert fail_info(server.post()) == -1


def test_the_line_is_on_disk_before_the_reply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While fsync takes its time there is no reply, and its line is written."""
    site = Site.make(tmp_path)
    real = os.fsync
    begun, may_end = threading.Event(), threading.Event()

    def fsync(descriptor: int) -> None:
        begun.set()
        assert may_end.wait(10)
        real(descriptor)

    with running(site) as server:
        monkeypatch.setattr(os, "fsync", fsync)
        replies: list[int] = []
        thread = threading.Thread(target=lambda: replies.append(fail_info(server.post())))
        thread.start()
        assert begun.wait(10)
        thread.join(0.2)
        assert replies == []
        assert b'"caller":"ci"' in (tmp_path / "approvals.log").read_bytes()
        may_end.set()
        thread.join(10)
        assert replies == [-1]


def test_a_reader_does_not_stop_the_server(tmp_path: Path) -> None:
    site = Site.make(tmp_path)
    with running(site) as server:
        for _ in range(5):
            server.post(REQUEST)
        reading = read_log(tmp_path / "approvals.log")
        next(reading)
        with (tmp_path / "approvals.log").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert fail_info(server.post()) == -1
        assert len(list(reading)) == 4
