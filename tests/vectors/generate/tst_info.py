"""Checks 21, 24, 25, 28 and 29: what the TSTInfo says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import (
    NULL,
    TRUE,
    explicit,
    implicit,
    integer,
    integer_octets,
    octets,
    oid,
    sequence,
    utf8,
)
from corpus import Case
from tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certificates import Piece

GOOD = Token()
UNKNOWN = "1.3.6.1.4.1.13762.9.1"


def cases() -> Iterator[Case]:
    yield from versions()
    yield from nonces()
    yield from serials()
    yield from accuracies()
    yield from extensions()


def with_tst(**changes: Piece) -> Token:
    return GOOD.but(tst=changes)


def versions() -> Iterator[Case]:
    for version in (-1, 0, 2, 3, 257, (1 << 32) + 1, (1 << 64) + 1):
        yield Case(
            f"21-version-{version}",
            f"The TSTInfo's version is {version}.",
            with_tst(version=integer(version)),
            "WrongTstVersion",
        )


def nonces() -> Iterator[Case]:
    values = {
        "0": 0,
        "1": 1,
        "64-bits": (1 << 64) - 1,
        "128-bits": (1 << 128) - 1,
        "160-bits": (1 << 160) - 1,
        "4096-bits": (1 << 4096) - 1,
        "negative": -(1 << 63),
    }
    for name, value in values.items():
        yield Case(
            f"24-nonce-{name}",
            f"The nonce is {name.replace('-', ' ')}: well-formed, and nothing to compare with.",
            with_tst(nonce=integer(value)),
        )
    for name, nonce in (("octets", octets(bytes(8))), ("null", NULL), ("text", utf8("nonce"))):
        yield Case(
            f"24-nonce-is-{name}",
            "What stands in the nonce's place is no INTEGER.",
            with_tst(nonce=nonce),
            "UnexpectedField",
        )
    yield Case(
        "24-nonce-before-ordering",
        "The nonce stands before the ordering.",
        with_tst(ordering=integer(5), nonce=TRUE),
        "UnexpectedField",
    )
    yield Case(
        "24-nonce-twice",
        "Two nonces.",
        with_tst(nonce=integer(5) + integer(5)),
        "UnexpectedField",
    )


def serials() -> Iterator[Case]:
    good = {
        "1": 1,
        "63-bits": (1 << 63) - 1,
        "64-bits": (1 << 64) - 1,
        "65-bits": 1 << 64,
        "128-bits": (1 << 128) - 1,
        "159-bits": (1 << 159) - 1,
        "160-bits": (1 << 160) - 1,
        "lowest-of-160-bits": 1 << 159,
    }
    for name, value in good.items():
        yield Case(
            f"25-serial-{name}",
            f"The serial number is {name.replace('-', ' ')} "
            f"({len(integer_octets(value))} octets with the sign).",
            with_tst(serial=integer(value)),
        )
    bad = {
        "zero": 0,
        "minus-1": -1,
        "negative-of-20-octets": -(1 << 159),
        "negative-of-21-octets": -(1 << 160),
        "161-bits": 1 << 160,
        "161-bits-all-ones": (1 << 161) - 1,
        "167-bits": (1 << 167) - 1,
        "168-bits": (1 << 168) - 1,
        "2048-bits": 1 << 2047,
    }
    for name, value in bad.items():
        yield Case(
            f"25-serial-{name}",
            f"The serial number is {name.replace('-', ' ')}.",
            with_tst(serial=integer(value)),
            "BadSerialNumber",
        )


def accuracies() -> Iterator[Case]:
    def millis(value: int) -> bytes:
        return implicit(0, integer_octets(value))

    def micros(value: int) -> bytes:
        return implicit(1, integer_octets(value))

    good = {
        "seconds-0": integer(0),
        "seconds-1": integer(1),
        "seconds-of-41-bits": integer(1 << 40),
        "millis-1": millis(1),
        "millis-999": millis(999),
        "micros-1": micros(1),
        "micros-999": micros(999),
        "all": integer(3600) + millis(500) + micros(250),
        "empty": b"",
    }
    for name, contents in good.items():
        yield Case(
            f"28-accuracy-{name}",
            f"The accuracy is within its limits ({name.replace('-', ' ')}).",
            with_tst(accuracy=sequence(contents)),
        )
    bad = {
        "seconds-negative": integer(-1),
        "seconds-very-negative": integer(-(1 << 64)),
        "millis-0": millis(0),
        "millis-1000": millis(1000),
        "millis-negative": millis(-1),
        "millis-wrapping-around": millis((1 << 32) + 1),
        "millis-wrapping-around-64-bits": millis((1 << 64) + 1),
        "micros-0": micros(0),
        "micros-1000": micros(1000),
        "micros-negative": micros(-999),
        "one-of-three": integer(1) + millis(1) + micros(1000),
    }
    for name, contents in bad.items():
        yield Case(
            f"28-accuracy-{name}",
            f"The accuracy is out of range ({name.replace('-', ' ')}).",
            with_tst(accuracy=sequence(contents)),
            "BadAccuracy",
        )
    shapes = {
        "micros-before-millis": micros(1) + millis(1),
        "millis-explicit": explicit(0, integer(1)),
        "seconds-twice": integer(1) + integer(1),
        "unknown-part": implicit(2, b"\x01"),
    }
    for name, contents in shapes.items():
        yield Case(
            f"28-accuracy-{name}",
            f"The accuracy is of another shape ({name.replace('-', ' ')}).",
            with_tst(accuracy=sequence(contents)),
            "UnexpectedField",
        )
    yield Case("28-ordering-true", "The ordering is TRUE.", with_tst(ordering=TRUE))


def extensions() -> Iterator[Case]:
    def extension(name: str, *, critical: bool = False, value: bytes = NULL) -> bytes:
        return sequence(oid(name), TRUE if critical else b"", octets(value))

    def unknown(name: str, sentence: str, *contents: bytes) -> Case:
        token = with_tst(extensions=explicit(1, *contents))
        return Case(f"29-{name}", sentence, token, "TokenExtensionUnknown")

    yield unknown(
        "critical", "An unknown extension is critical.", extension(UNKNOWN, critical=True)
    )
    yield unknown(
        "second-is-critical",
        "Of two unknown extensions the second is critical.",
        extension(UNKNOWN),
        extension(UNKNOWN + ".1", critical=True),
    )
    yield unknown(
        "first-is-critical",
        "Of two unknown extensions the first is critical.",
        extension(UNKNOWN, critical=True),
        extension(UNKNOWN + ".1"),
    )
    yield unknown(
        "critical-extension-of-certificates",
        "The critical extension is one that certificates have (keyUsage), and no token.",
        extension("2.5.29.15", critical=True, value=b"\x03\x02\x07\x80"),
    )
    good = {
        "not-critical": ("An unknown extension is not critical.", (extension(UNKNOWN),)),
        "ten-not-critical": (
            "Ten unknown extensions, none of them critical.",
            tuple(extension(f"{UNKNOWN}.{number}") for number in range(10)),
        ),
        "qualified-timestamp": (
            "The extension of qualified timestamps (ETSI EN 319 422), not critical.",
            (extension("1.3.6.1.5.5.7.1.3", value=sequence(sequence(oid("0.4.0.19422.1.1")))),),
        ),
        "value-is-rubbish": (
            "The value of an unknown extension is no encoding: nobody opens it.",
            (extension(UNKNOWN, value=b"\xff\xff\xff"),),
        ),
    }
    for name, (sentence, contents) in good.items():
        token = with_tst(extensions=explicit(1, *contents))
        yield Case(f"29-{name}", sentence, token)
