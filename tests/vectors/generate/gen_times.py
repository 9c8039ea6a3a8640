"""Checks 26 and 27: genTime, the floor and the clock."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from asn1 import (
    generalized_time,
    printable,
    utc_time,
)
from corpus import Case
from parties import OWN
from tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certificates import Piece

GOOD = Token()


def cases() -> Iterator[Case]:
    yield from gen_times()
    yield from floor_and_clock()


def with_tst(**changes: Piece) -> Token:
    return GOOD.but(tst=changes)


def gen_times() -> Iterator[Case]:
    bad = {
        "without-z": ("20260601120000", "is local time"),
        "offset": ("20260601120000+0000", "has an offset"),
        "offset-behind-z": ("20260601120000Z+0100", "has an offset behind the Z"),
        "without-seconds": ("202606011200Z", "has no seconds"),
        "without-minutes": ("2026060112Z", "has no minutes"),
        "two-digit-year": ("260601120000Z", "has a year of two digits"),
        "fraction-trailing-zero": ("20260601120000.50Z", "has a fraction that ends in zero"),
        "fraction-zero": ("20260601120000.0Z", "has a fraction of zero"),
        "fraction-empty": ("20260601120000.Z", "has a point and no fraction"),
        "fraction-comma": ("20260601120000,5Z", "has a comma"),
        "fraction-letter": ("20260601120000.5aZ", "has a letter in its fraction"),
        "two-points": ("20260601120000.5.5Z", "has two points"),
        "lower-case-z": ("20260601120000z", "ends in a small z"),
        "two-z": ("20260601120000ZZ", "ends in two Z"),
        "month-0": ("20260001120000Z", "is in month 0"),
        "month-13": ("20261301120000Z", "is in month 13"),
        "day-0": ("20260600120000Z", "is on day 0"),
        "day-32": ("20260532120000Z", "is on the 32nd"),
        "june-31": ("20260631120000Z", "is on June 31st"),
        "february-30": ("20260230120000Z", "is on February 30th"),
        "february-29-of-2026": ("20260229120000Z", "is on February 29th of a common year"),
        "february-29-of-2100": ("21000229120000Z", "is on February 29th of 2100"),
        "hour-24": ("20260601240000Z", "is at 24:00"),
        "minute-60": ("20260601126000Z", "has minute 60"),
        "second-60": ("20260601115960Z", "has second 60"),
        "sign": ("+2026060112000Z", "has a sign"),
        "minus": ("2026-601120000Z", "has a minus"),
        "space": (" 2026060112000Z", "begins with a space"),
        "letters": ("2O260601120000Z", "has a letter O for a zero"),
        "rfc-3339": ("2026-06-01T12:00:00Z", "is written as RFC 3339 does"),
        "nul": ("20260601120000\0Z", "holds a NUL"),
        "newline": ("20260601120000Z\n", "ends in a newline"),
        "year-0": ("00000601120000Z", "is in year 0"),
        "empty": ("", "is empty"),
        "z-alone": ("Z", "is just Z"),
    }
    for name, (text, what) in bad.items():
        yield Case(
            f"26-gen-time-{name}",
            f"The genTime {what}.",
            with_tst(gen_time=generalized_time(text)),
            "BadGenTime",
        )
    yield Case(
        "26-gen-time-is-utc-time",
        "The genTime is a UTCTime.",
        with_tst(gen_time=utc_time("260601120000Z")),
        "Malformed",
    )
    yield Case(
        "26-gen-time-is-text",
        "The genTime is a PrintableString.",
        with_tst(gen_time=printable("20260601120000Z")),
        "Malformed",
    )
    good = {
        "tenth": ("20260601120000.5Z", "a tenth"),
        "millis": ("20260601120000.123Z", "milliseconds"),
        "micros": ("20260601120000.000001Z", "microseconds"),
        "nanos": ("20260601120000.123456789Z", "nanoseconds"),
        "30-digits": ("20260601120000." + "0" * 29 + "1Z", "a fraction of 30 digits"),
        "leap-day": ("20280229235959Z", "the last second of a leap day"),
        "first-second": ("20270101000000Z", "the first second of a year"),
        "last-second": ("20261231235959.999999Z", "the end of a year"),
        "year-2038": ("20380119031408Z", "a second more than 31 bits hold"),
        "year-2106": ("21060207062816Z", "a second more than 32 bits hold"),
        "year-9999": ("99991231235959Z", "the last second of 9999"),
    }
    eternal = OWN.but(name="eternal key", not_after=generalized_time("99991231235959Z"))
    for name, (text, what) in good.items():
        yield Case(
            f"26-gen-time-{name}",
            f"The genTime has, or is, {what}.",
            Token(eternal, gen_time=text),
            anchors=(eternal,),
        )
    yield Case(
        "26-gen-time-year-1",
        "The genTime is in the year 1: a real date, long before the signer's certificate.",
        Token(gen_time="00010101000000Z"),
        "CertificateNotValidAtGenTime",
    )


def floor_and_clock() -> Iterator[Case]:
    noon = "2026-06-01T12:00:00Z"
    half = GOOD.but(gen_time="20260601120000.5Z")
    floors = [
        ("equal", GOOD, noon, None, "is the genTime"),
        ("year-earlier", GOOD, "2025-06-01T12:00:00Z", None, "is a year before the genTime"),
        ("second-earlier", GOOD, "2026-06-01T11:59:59Z", None, "is a second before the genTime"),
        ("second-later", GOOD, "2026-06-01T12:00:01Z", "OlderThanFloor",
         "is a second after the genTime"),
        ("decades-later", GOOD, "2050-01-01T00:00:00Z", "OlderThanFloor",
         "is decades after the genTime"),
        ("fraction-equal", half, "2026-06-01T12:00:00.500000Z", None,
         "is the genTime's half second"),
        ("fraction-later", half, "2026-06-01T12:00:00.500001Z", "OlderThanFloor",
         "is a microsecond after the genTime"),
        ("fraction-of-token", half, noon, None, "is half a second before the genTime"),
        ("other-offset", GOOD, "2026-06-01T14:00:00+02:00", None,
         "is the genTime, told by a clock two hours ahead"),
        ("other-offset-later", GOOD, "2026-06-01T07:00:01-05:00", "OlderThanFloor",
         "is a second after the genTime, told by a clock five hours behind"),
    ]  # fmt: skip
    for name, token, floor, reason, what in floors:
        yield Case(
            f"27-floor-{name}",
            f"The floor {what}.",
            token,
            reason,
            options={"not_before": floor},
        )
    clocks = [
        ("equal", GOOD, 0.0, None),
        ("year-later", GOOD, 31_536_000, None),
        ("300-seconds-behind", GOOD, -300, None),
        ("301-seconds-behind", GOOD, -301, "FromTheFuture"),
        ("day-behind", GOOD, -86_400, "FromTheFuture"),
        ("300-and-a-half-seconds-behind", half, -300, "FromTheFuture"),
    ]
    start = dt.datetime(2026, 6, 1, 12, tzinfo=dt.timezone.utc)
    for name, token, seconds, reason in clocks:
        now = start + dt.timedelta(seconds=seconds)
        yield Case(
            f"27-clock-{name}",
            f"The clock shows {now:%Y-%m-%d %H:%M:%S}; the skew allowed is 300 seconds.",
            token,
            reason,
            options={"now": now.strftime("%Y-%m-%dT%H:%M:%SZ")},
        )
    far = Token(gen_time="20401231235959Z")
    yield Case(
        "27-far-future-without-a-clock",
        "The genTime is years ahead; a device without a clock can't know.",
        far,
    )
    yield Case(
        "27-far-future-with-a-clock",
        "The genTime is years ahead of the clock that was given.",
        far,
        "FromTheFuture",
        options={"now": noon},
    )
