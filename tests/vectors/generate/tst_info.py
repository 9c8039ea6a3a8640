"""Checks 21, 22 and 24 to 30: what the TSTInfo says."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator

from asn1 import (
    NULL,
    TRUE,
    explicit,
    generalized_time,
    implicit,
    integer,
    integer_octets,
    octets,
    oid,
    printable,
    sequence,
    tlv,
    utc_time,
    utf8,
)
from certificates import Piece, alternative_names, common_name
from corpus import Case, container
from keys import digest_algorithm
from parties import FRED, IMAGE, OWN, PRODUCT
from tokens import Token, digest_of, directory_name

GOOD = Token()
UNKNOWN = "1.3.6.1.4.1.13762.9.1"


def cases() -> Iterator[Case]:
    yield from versions()
    yield from imprints()
    yield from nonces()
    yield from serials()
    yield from gen_times()
    yield from floor_and_clock()
    yield from accuracies()
    yield from extensions()
    yield from tsa_names()


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


def imprints() -> Iterator[Case]:
    def imprint(digest: str, value: bytes, parameters: bytes = b"") -> Token:
        return with_tst(imprint=sequence(digest_algorithm(digest, parameters), octets(value)))

    def not_sha256(name: str, sentence: str, token: Token) -> Case:
        return Case(f"22-imprint-{name}", sentence, token, "ImprintNotSha256")

    for digest in ("md5", "sha1", "sha224", "sha384", "sha512"):
        value = hashlib.new(digest, IMAGE).digest()
        yield not_sha256(digest, f"The imprint is the image's {digest}.", imprint(digest, value))
    sha256 = digest_of("sha256", IMAGE)
    yield not_sha256(
        "labelled-sha512", "The right SHA-256 is labelled SHA-512.", imprint("sha512", sha256)
    )
    yield not_sha256(
        "sha512-labelled-sha256",
        "A SHA-512 is labelled SHA-256.",
        imprint("sha256", digest_of("sha512", IMAGE)),
    )
    yield not_sha256(
        "of-31-octets", "The SHA-256 lacks its last octet.", imprint("sha256", sha256[:-1])
    )
    yield not_sha256(
        "of-33-octets", "The SHA-256 has an octet too many.", imprint("sha256", sha256 + b"\x00")
    )
    yield not_sha256("empty", "The imprint is empty.", imprint("sha256", b""))
    yield not_sha256(
        "with-odd-parameters",
        "The algorithm is SHA-256 with an OCTET STRING for parameters.",
        imprint("sha256", sha256, octets(b"")),
    )
    yield Case(
        "22-imprint-parameters-null",
        "The algorithm of the imprint is SHA-256 with NULL parameters.",
        imprint("sha256", sha256, NULL),
    )

    def mismatch(name: str, sentence: str, image: bytes, token: Token = GOOD) -> Case:
        return Case(f"22-{name}", sentence, container(token.der, image), "ImageMismatch")

    changed = IMAGE[:-1] + bytes([IMAGE[-1] ^ 1])
    yield mismatch("image-bit-flipped", "One bit of the image is flipped.", changed)
    first = bytes([IMAGE[0] ^ 0x80]) + IMAGE[1:]
    yield mismatch("image-first-bit-flipped", "The first bit of the image is flipped.", first)
    yield mismatch("image-one-byte-short", "The image lacks its last byte.", IMAGE[:-1])
    yield mismatch("image-one-byte-long", "The image has a byte too many.", IMAGE + b"\x00")
    yield mismatch(
        "image-of-another-token",
        "A good token stands in front of another image of the same size.",
        bytes(reversed(IMAGE)),
    )
    yield mismatch("image-is-a-zero", "The image is one zero byte.", b"\x00")
    yield mismatch(
        "imprint-of-the-digest",
        "The imprint is the digest of the image's digest.",
        IMAGE,
        imprint("sha256", digest_of("sha256", sha256)),
    )
    yield mismatch("imprint-all-zero", "The imprint is zero.", IMAGE, imprint("sha256", bytes(32)))
    yield mismatch(
        "imprint-of-nothing",
        "The imprint is that of no bytes at all.",
        IMAGE,
        imprint("sha256", digest_of("sha256", b"")),
    )
    tail = sha256[:-1] + bytes([sha256[-1] ^ 1])
    yield mismatch(
        "imprint-differs-in-the-last-bit",
        "The imprint differs from the image's digest in its last bit.",
        IMAGE,
        imprint("sha256", tail),
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
        ("fraction-equal", half, "2026-06-01T12:00:00.5Z", None, "is the genTime's half second"),
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


def tsa_names() -> Iterator[Case]:
    uri = tlv(0x86, b"https://tsa.example/")
    dns = tlv(0x82, b"tsa.example")
    mail = tlv(0x81, b"tsa@example")
    other_name = directory_name(common_name("another name of it"))
    named = PRODUCT.but(
        extensions={"names": alternative_names(dns, uri, mail, other_name)},
    )

    def token(name: bytes) -> Token:
        return Token(named, tst={"tsa": explicit(0, name)})

    yield Case(
        "30-subject",
        "The tsa field is the signer's subject.",
        token(directory_name(PRODUCT.subject)),
    )
    for name, entry in (("uri", uri), ("dns", dns), ("mail", mail), ("directory", other_name)):
        yield Case(
            f"30-alternative-name-{name}",
            f"The tsa field is an entry of the signer's subjectAltName ({name}).",
            token(entry),
        )
    wrong = {
        "stranger": ("is a stranger's name", directory_name(common_name("stranger"))),
        "issuer": ("is the issuer's name", directory_name(PRODUCT.issuer_name)),
        "other-signer": ("is another signer's name", directory_name(FRED.subject)),
        "other-string-type": (
            "is the subject in another string type",
            directory_name(common_name("product 1", string=printable)),
        ),
        "other-case": (
            "is the subject in capitals",
            directory_name(common_name("PRODUCT 1")),
        ),
        "longer": ("begins like the subject", directory_name(common_name("product 10"))),
        "other-dns": ("is a DNS name that the signer does not have", tlv(0x82, b"tsa.example.org")),
        "dns-as-uri": ("is the signer's DNS name, marked as a URI", tlv(0x86, b"tsa.example")),
        "other-capitals": ("is the signer's DNS name in capitals", tlv(0x82, b"TSA.EXAMPLE")),
        "empty-name": ("is an empty name", directory_name(sequence())),
        "bare-name": ("is the subject without the tag of a directoryName", PRODUCT.subject),
        "text": ("is plain text", utf8("product 1")),
    }
    for name, (what, entry) in wrong.items():
        yield Case(f"30-{name}", f"The tsa field {what}.", token(entry), "WrongTsaName")
    yield Case(
        "30-two-names",
        "The tsa field holds two names, the first of them right.",
        token(directory_name(PRODUCT.subject) + dns),
        "Malformed",
    )
    yield Case(
        "30-name-of-another-certificate",
        "The tsa field is in the subjectAltName of another certificate that travels along.",
        GOOD.but(
            bag=(PRODUCT, *(one for one in PRODUCT.chain[1:]), named.but(serial=9)),
            tst={"tsa": explicit(0, dns)},
        ),
        "WrongTsaName",
    )
