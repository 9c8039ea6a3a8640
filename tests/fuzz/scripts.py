"""Inputs of the fuzzers of updates, by whichever way: what happens to good containers.

The forms are explained where they are read: fuzz_updater.cpp, fuzz_receiver.cpp, fuzz_pull.cpp,
fuzz_web.cpp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOTHING_SPECIAL = bytes(8)

# Events of the receiver's script.
DATAGRAM, INVITE, AUTHENTICATE, REPEAT, CONNECTED, FAILED, STREAM, BYTES = range(8)
CLOSED, TICK, LONG_TICK, RESTART, REST, DAMAGE, ACCEPTED, GREET, STATUS = range(8, 17)

CONFIRM = 255

PASSWORD, MD5_ALLOWED, NO_ANCHORS, ALREADY_RUNNING, ON_TRIAL = 1, 2, 4, 8, 32
STOCK, FILESYSTEM, WRONG_DIGEST, DIRECT = 1, 2, 4, 8
RIGHT, WRONG, HALF = range(3)


def updater(
    containers: Mapping[str, bytes], hard: Mapping[str, bytes]
) -> Iterator[tuple[str, bytes]]:
    """Containers, each with eight bytes that say what goes wrong on the way."""
    for name, data in containers.items():
        yield name.lower(), data + NOTHING_SPECIAL
    good = containers["Company"]
    for what, settings in {
        "no-anchors": bytes([0x01, 0, 0, 0, 0, 0, 0, 0]),
        "already-running": bytes([0x02, 0, 0, 0, 0, 0, 0, 0]),
        "filesystem": bytes([0x04, 0, 0, 0, 0, 0, 0, 0]),
        "flash-turns-a-bit": bytes([0x08, 0, 0, 0, 0, 0, 9, 0]),
        "record-fails": bytes([0x10, 0, 0, 0, 0, 0, 0, 0]),
        "size-lies": bytes([0x20, 0, 0, 0, 0, 0, 0, 0]),
        "sink-fails": bytes([0, 3, 0, 0, 0, 0, 0, 0]),
        "digest-fails": bytes([0, 0, 5, 0, 0, 0, 0, 0]),
        "small-buffer": bytes([0, 0, 0, 1, 0, 0, 0, 0]),
        "in-pieces": bytes([0, 0, 0, 0, 7, 0, 0, 0]),
        "older-than-floor": bytes([0, 0, 0, 0, 0, 3, 0, 0]),
        "slot-too-small": bytes([0, 0, 0, 0, 0, 0, 0, 1]),
    }.items():
        yield what, good + settings
    yield from manifests(good)
    other_image = bytearray(good)
    other_image[-1] ^= 1
    yield "other-image", bytes(other_image) + NOTHING_SPECIAL
    for name, token in hard.items():
        header = b"RedWax/1.00 rfc3161=%d payload=1\n" % len(token)
        yield name, header + token + b"\xe9" + NOTHING_SPECIAL


def manifests(signed: bytes) -> Iterator[tuple[str, bytes]]:
    """Other images behind the same token: the stub's mutator will set that right."""
    header, _, rest = signed.partition(b"\n")
    token = rest[: int(header.split(b"rfc3161=")[1].split(b" ")[0])]
    fields = bytes(6) + (1764000000).to_bytes(8, "big") + b"lamp".ljust(32, b"\0")
    fields += b"1.2.3".ljust(48, b"\0") + b"revA".ljust(152, b"\0")
    body = bytes(range(40))
    esp32 = b"\xe9" + bytes(31) + bytes.fromhex("3254cdab") + bytes(252)
    for name, image, bits in (
        ("manifest-application", body + b"SOTAinfo\x01\x01" + fields, 0x40),
        ("manifest-filesystem", body + b"SOTAinfo\x01\x02" + fields, 0xC4),
        ("manifest-esp32", esp32 + b"SOTAinfo\x01\x01" + fields + body, 0x40),
        ("manifest-missing", esp32 + bytes(256) + body, 0x40),
    ):
        line = b"RedWax/1.00 rfc3161=%d payload=%d product=lamp\n" % (len(token), len(image))
        yield name, line + token + image + bytes([bits, 0, 0, 0, 0, 0, 0, 0])


def receiver() -> Iterator[tuple[str, bytes]]:
    """Scripts: three bytes of settings, then events."""
    whole = bytes([CONNECTED, REST, 0, CLOSED])
    for index, name in enumerate(("own", "bare", "bothess", "company")):
        yield name, bytes([0, 0, 0, INVITE, 0, index, 0]) + whole
    invite = bytes([INVITE, 0, 0, 0])
    stock = bytes([INVITE, 0, 0, STOCK])
    answer = bytes([AUTHENTICATE, 0, 1])
    direct = bytes([INVITE, 0, 0, DIRECT, ACCEPTED, 0])
    right = bytes([GREET, RIGHT, REST, CLOSED])
    wrong = bytes([GREET, WRONG, ACCEPTED, 0])
    yield "stock-form", bytes([0, 0, 0]) + stock + whole
    asks = bytes([STATUS, 2, 200])
    yield "status", bytes([PASSWORD, 0, 0]) + asks + invite + asks + answer + asks + whole
    yield "status-short", bytes([0, 0, 0, STATUS, 0, 100])
    yield "status-no-memory", bytes([PASSWORD, 1, 0]) + asks + asks
    yield "direct", bytes([0, 0, 0]) + direct + right
    invite_and_answer = bytes([PASSWORD, 0, 0]) + direct[:4] + answer
    yield "direct-password", invite_and_answer + bytes([ACCEPTED, 1]) + right
    yield "direct-in-pieces", bytes([0, 0, 0]) + direct + bytes([GREET, HALF, GREET, HALF, CLOSED])
    yield "direct-wrong-cookie", bytes([0, 0, 0]) + direct + wrong + right
    yield "direct-stranger", bytes([0, 0, 0]) + direct[:-1] + bytes([2, ACCEPTED, 1, TICK, 30])
    yield "direct-again", bytes([0, 0, 0]) + direct + direct + right
    yield "direct-given-up", bytes([0, 0, 0]) + direct + invite + whole
    yield "direct-unsigned", bytes([0, 0, 0]) + direct + bytes([BYTES, 4]) + b"\xe9abc"
    yield "password", bytes([PASSWORD, 0, 0]) + invite + answer + whole
    yield "password-md5", bytes([PASSWORD | MD5_ALLOWED, 0, 0]) + stock + answer + whole
    guess = invite + bytes([AUTHENTICATE, 0, 0])
    yield "wrong-password", bytes([PASSWORD, 0, 0]) + guess + invite + bytes([TICK, 10]) + guess
    yield "no-anchors", bytes([NO_ANCHORS, 0, 0]) + invite
    yield "already-running", bytes([ALREADY_RUNNING, 0, 0]) + invite + whole
    yield "on-trial", bytes([ON_TRIAL, 0, 0]) + invite + whole
    yield "on-trial-confirmed", bytes([ON_TRIAL, 0, 0]) + invite + bytes([CONFIRM]) + whole
    yield "on-trial-runs", bytes([ON_TRIAL | ALREADY_RUNNING, 0, 0]) + invite + whole
    yield "filesystem", bytes([0, 0, 0, INVITE, 0, 0, FILESYSTEM]) + whole
    yield "wrong-digest", bytes([0, 0, 0, INVITE, 0, 0, WRONG_DIGEST]) + whole
    yield "repeated", bytes([0, 0, 0]) + invite + bytes([REPEAT, 0, REPEAT, 1])
    yield "two-hosts", bytes([0, 0, 0]) + invite + bytes([INVITE, 1, 1, 0]) + whole
    yield "connection-fails", bytes([0, 0, 0]) + invite + bytes([FAILED])
    yield "in-pieces", bytes([0, 0, 0]) + invite + bytes([CONNECTED] + [STREAM, 9] * 30 + [CLOSED])
    yield "ends-early", bytes([0, 0, 0]) + invite + bytes([CONNECTED, STREAM, 30, CLOSED])
    yield "stalls", bytes([0, 0, 0]) + invite + bytes([CONNECTED, STREAM, 1, LONG_TICK, 3])
    yield "damaged", bytes([0, 0, 0]) + invite + bytes([CONNECTED, DAMAGE, 90, 1]) + whole[1:]
    yield "unsigned", bytes([0, 0, 0]) + invite + bytes([CONNECTED, BYTES, 4]) + b"\xe9abc"
    yield "sink-fails", bytes([0, 0, 2]) + invite + whole
    yield "digest-fails", bytes([0, 2, 0]) + stock + whole
    yield "noise", bytes([0, 0, 0, DATAGRAM, 0, 5]) + b"0 1 2" + bytes([TICK, 3, RESTART])


def pull() -> Iterator[tuple[str, bytes]]:
    """Scripts: four bytes of settings, then events."""
    text, answer, part, status, stream, rest, damage, close, give_up, again, confirm = range(11)
    files, place, runs, knows, on_trial = 1, 2, 8, 16, 32
    plain = bytes(4)
    whole = bytes([answer, 0, 0, rest])
    broken = bytes([answer, 0, 0, stream, 30, close])
    yield "whole", plain + whole
    yield "in-pieces", bytes([0, 0, 0, 7]) + whole
    yield "in-bytes", bytes([0, 0, 0, 1]) + whole
    yield "company", plain + bytes([answer, 3, 0, rest])
    yield "runs-already", bytes([runs, 0, 0, 0]) + whole + bytes([again, status, 1, 0])
    yield "unchanged", bytes([knows, 0, 0, 0, status, 1, 0, again]) + whole
    yield "on-trial", bytes([on_trial, 0, 0, 0]) + whole + bytes([again, confirm]) + whole
    yield "files", bytes([files | place, 0, 0, 0, answer, 8, 0, rest, again, answer, 8, 0, rest])
    yield "files-nowhere", bytes([files, 0, 0, 0, answer, 8, 0, rest])
    yield "files-that-are-none", bytes([files | place, 0, 0, 0]) + whole
    yield "not-files", plain + bytes([answer, 8, 0, rest])
    yield "resumed", plain + broken + bytes([part, 0, rest])
    yield "resumed-in-pieces", bytes([0, 0, 0, 9]) + broken + bytes([part, 0x20, rest])
    for name, how in (
        ("later", 1), ("longer", 2), ("other", 4), ("nowhere", 8), ("early", 16)
    ):  # fmt: skip
        yield f"part-{name}", plain + broken + bytes([part, how, rest])
    yield "replaced", plain + broken + bytes([answer, 3, 0, rest])
    yield "in-vain", plain + broken + bytes([close] * 6)
    weak = bytes([answer, 0, 1, stream, 30, close])
    yield "weak", plain + weak
    for how in (2, 4, 8, 0x10, 0x20):
        yield f"answer-{how}", plain + bytes([answer, 0, how, rest])
    for where in range(10):
        yield f"refers-{where}", plain + bytes([status, 0, where]) + whole
    yield "refers-on-and-on", plain + bytes([status, 4, 0]) * 7
    yield "hints", plain + bytes([status, 2, 0]) * 3 + whole
    yield "not-there", plain + bytes([status, 3, 0])
    yield "unasked", plain + bytes([status, 1, 0, again, part, 0])
    yield "damaged", plain + bytes([answer, 0, 0, damage, 90, 1, rest, again]) + whole
    yield "given-up", plain + broken[:-1] + bytes([give_up, again]) + whole
    late = bytes([answer, 3, 0, stream, 220])  # flash is open
    yield "late-given-up", plain + late + bytes([give_up])
    yield "late-resumed", plain + late + bytes([close, part, 0, rest])
    yield "late-replaced", plain + late + bytes([close, answer, 0, 0, rest])
    yield "sink-fails", bytes([0, 0, 2, 0]) + whole
    yield "digest-fails", bytes([0, 2, 0, 0]) + whole
    strange = b'HTTP/1.1 200 OK\r\nETag: "a\r\nX: y"\r\nContent-Length: 9\r\n\r\nRedWax/1.'
    yield "strange", plain + bytes([text, len(strange)]) + strange + bytes([close, part, 0])


def web() -> Iterator[tuple[str, bytes]]:
    """Scripts: four bytes of settings, then events."""
    (
        visitor,
        text,
        get,
        upload,
        stream,
        rest,
        damage,
        close,
        take,
        tick,
        long_tick,
        occupy,
        confirm,
    ) = range(13)
    password, place, no_anchors, runs, on_trial = 1, 2, 4, 8, 32
    files, other_site, no_kind, longer, waits, other_host, no_origin, coded = (
        1 << n for n in range(8)
    )
    plain = bytes(4)
    asked = bytes([visitor, 0, get, 1])
    come = bytes([visitor, 0])

    def sends(how: int = 0, seed: int = 0, proof: int = 0) -> bytes:
        return come + bytes([upload, seed, how, proof, rest])

    yield "whole", plain + sends()
    yield "in-pieces", bytes([0, 0, 0, 7]) + sends()
    yield "in-bytes", bytes([0, 0, 0, 1]) + sends()
    yield "twice", plain + sends() + sends(seed=3)
    for which in range(5):
        yield f"get-{which}", plain + come + bytes([get, which])
    for name, how in (
        ("other-site", other_site),
        ("no-kind", no_kind),
        ("longer", longer),
        ("waits", waits),
        ("other-host", other_host),
        ("no-origin", no_origin),
        ("coded", coded),
        ("files-nowhere", files),
    ):
        yield name, plain + sends(how)
    yield "files", bytes([place, 0, 0, 0]) + sends(files, seed=8)
    yield "files-that-are-none", bytes([place, 0, 0, 0]) + sends(files)
    yield "not-files", plain + sends(seed=8)
    waiting = bytes([upload, 0, waits, 0, take, 9, rest, take, 40])
    yield "waits-half-told", plain + come + waiting
    yield "runs-already", bytes([runs, 0, 0, 0]) + sends()
    yield "no-anchors", bytes([no_anchors, 0, 0, 0]) + sends()
    yield "on-trial", bytes([on_trial, 0, 0, 0]) + sends() + bytes([confirm]) + sends()
    guarded = bytes([password, 0, 0, 0])
    yield "password", guarded + asked + sends(proof=2) + sends(proof=2)
    yield "password-wrong", guarded + asked + sends(proof=1) + asked + bytes([tick, 10]) + asked
    yield "password-missing", guarded + sends() + asked + sends()
    other = bytes([visitor, 2])
    yield "password-strangers", guarded + asked + other + bytes([upload, 0, 0, 2, rest])
    yield "password-late", guarded + asked + bytes([long_tick, 1]) + sends(proof=2)
    yield "occupied", plain + bytes([occupy]) + sends() + bytes([occupy]) + sends()
    yield "ends-early", plain + come + bytes([upload, 0, 0, 0, stream, 30, close])
    late = come + bytes([upload, 3, 0, 0, stream, 220])  # flash is open
    yield "ends-late", plain + late + bytes([close])
    yield "left-late", plain + late + sends()
    yield "stalls", plain + come + bytes([upload, 0, 0, 0, stream, 1, long_tick, 3])
    yield "half-a-head", plain + come + bytes([text, 8]) + b"GET / HT" + bytes([tick, 30])
    yield "damaged", plain + come + bytes([upload, 0, 0, 0, damage, 90, 1, rest])
    yield "sink-fails", bytes([0, 0, 2, 0]) + sends()
    yield "digest-fails", bytes([password, 2, 0, 0]) + asked + sends(proof=2)
    strange = b"OPTIONS /update HTTP/1.1\r\nOrigin: http://evil.example\r\n\r\n"
    yield "strange", plain + come + bytes([text, len(strange)]) + strange
