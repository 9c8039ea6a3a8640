"""The container's sizes (docs/format.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus import Case, container
from parties import IMAGE
from tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = Token().der
N, M = len(TOKEN), len(IMAGE)
SIZES = b"rfc3161=%d payload=%d" % (N, M)


def cases() -> Iterator[Case]:
    yield from bad_numbers()
    yield from lengths_of_headers()
    yield from sizes_that_lie()


def with_header(line: bytes) -> bytes:
    return container(TOKEN, IMAGE, header=line)


def case(name: str, sentence: str, signed: bytes, reason: str | None = None) -> Case:
    return Case(f"container-{name}", sentence, signed, reason)


def bad_numbers() -> Iterator[Case]:
    def number(name: str, what: str, value: bytes) -> Iterator[Case]:
        for key, line in (
            ("token", b"RedWax/1.00 rfc3161=%b payload=%d\n" % (value, M)),
            ("image", b"RedWax/1.00 rfc3161=%d payload=%b\n" % (N, value)),
        ):
            yield case(
                f"{key}-size-{name}",
                f"The {key}'s size is {what}.",
                with_header(line),
                "HeaderMalformed",
            )

    values = {
        "zero": ("0", b"0"),
        "empty": ("empty", b""),
        "negative": ("negative", b"-1"),
        "plus-sign": ("written with a plus sign", b"+64"),
        "2-to-the-32": ("2^32", b"4294967296"),
        "2-to-the-64": ("2^64", b"18446744073709551616"),
        "40-digits": ("a number of 40 digits", b"9" * 40),
        "hexadecimal": ("hexadecimal", b"0x40"),
        "fraction": ("a fraction", b"64.0"),
        "exponent": ("written with an exponent", b"1e3"),
        "letters": ("not a number", b"many"),
        "comma": ("two numbers", b"64,64"),
        "quoted": ("quoted", b'"64"'),
    }
    for name, (what, value) in values.items():
        yield from number(name, what, value)
    leading = {
        "token": b"RedWax/1.00 rfc3161=0%d payload=%d\n" % (N, M),
        "image": b"RedWax/1.00 rfc3161=%d payload=0%d\n" % (N, M),
    }
    for key, line in leading.items():
        yield case(
            f"{key}-size-leading-zero",
            f"The {key}'s size, right otherwise, has a leading zero.",
            with_header(line),
            "HeaderMalformed",
        )
    for bits in (32, 64):
        wrapped = {
            "token": b"RedWax/1.00 rfc3161=%d payload=%d\n" % (N + (1 << bits), M),
            "image": b"RedWax/1.00 rfc3161=%d payload=%d\n" % (N, M + (1 << bits)),
        }
        for key, line in wrapped.items():
            yield case(
                f"{key}-size-plus-2-to-the-{bits}",
                f"The {key}'s size is too large by 2^{bits}: right in {bits} bits.",
                with_header(line),
                "HeaderMalformed",
            )


def lengths_of_headers() -> Iterator[Case]:
    start = b"RedWax/1.00 " + SIZES + b" filler="
    for size in (127, 128, 129, 130, 300):
        line = start + b"x" * (size - len(start) - 1) + b"\n"
        yield case(
            f"header-of-{size}-bytes",
            f"The header line has {size} bytes with its newline.",
            with_header(line),
            None if size <= 128 else "HeaderTooLong",
        )
    yield case(
        "header-of-128-bytes-without-newline",
        "128 bytes of header, and then the token.",
        with_header(start + b"x" * (128 - len(start))),
        "HeaderTooLong",
    )
    yield case(
        "no-newline-at-all",
        "A long file of printable characters without a newline.",
        start + b"x" * 1000,
        "HeaderTooLong",
    )
    yield case("header-cut", "The file ends within the header line.", start, "Truncated")
    yield case("header-of-the-magic-alone", "The file is just RedWax/.", b"RedWax/", "Truncated")
    yield case(
        "header-cut-after-127-bytes",
        "The file ends after 127 bytes of a header line.",
        start + b"x" * (127 - len(start)),
        "Truncated",
    )
    yield case(
        "header-cut-after-128-bytes",
        "The file ends after 128 bytes of a header line.",
        start + b"x" * (128 - len(start)),
        "HeaderTooLong",
    )


def sizes_that_lie() -> Iterator[Case]:
    def sized(n: int, m: int, body: bytes = TOKEN + IMAGE) -> bytes:
        return b"RedWax/1.00 rfc3161=%d payload=%d\n" % (n, m) + body

    whole = sized(N, M)
    yield case("header-alone", "The file ends behind the header.", sized(N, M, b""), "Truncated")
    yield case("ends-within-the-token", "The file ends within the token.", whole[:200], "Truncated")
    yield case("token-alone", "The file ends behind the token.", whole[:-M], "Truncated")
    yield case("image-one-byte-short", "The file lacks its last byte.", whole[:-1], "Truncated")
    yield case(
        "image-one-byte-long", "A byte stands behind the image.", whole + b"\x00", "TrailingData"
    )
    yield case(
        "newline-behind-the-image",
        "A newline stands behind the image.",
        whole + b"\n",
        "TrailingData",
    )
    yield case(
        "container-twice", "The same container stands there twice.", whole * 2, "TrailingData"
    )
    yield case(
        "image-size-one-too-small",
        "The header says one byte less of image than there is.",
        sized(N, M - 1),
        "TrailingData",
    )
    yield case(
        "image-size-one-too-large",
        "The header says one byte more of image than there is.",
        sized(N, M + 1),
        "Truncated",
    )
    yield case(
        "boundary-one-later",
        "The header counts the image's first byte as the token's last.",
        sized(N + 1, M - 1),
        "TrailingData",
    )
    yield case(
        "boundary-one-earlier",
        "The header counts the token's last byte as the image's first.",
        sized(N - 1, M + 1),
        "NotDer",
    )
    yield case("sizes-swapped", "The header has the sizes swapped.", sized(M, N), "NotDer")
    yield case(
        "token-size-one",
        "The header says that the token has one byte, and the rest is image.",
        sized(1, N + M - 1),
        "NotDer",
    )
    yield case(
        "everything-is-token",
        "The header counts all but the last byte as token.",
        sized(N + M - 1, 1),
        "TrailingData",
    )
    yield case(
        "image-size-largest",
        "The header says 4,294,967,295 bytes of image.",
        sized(N, 4294967295),
        "Truncated",
    )
    for size in (16385, 65536, 4294967295):
        yield case(
            f"token-size-{size}",
            f"The header says {size} bytes of token; that many are not looked at.",
            sized(size, M),
            "TokenTooLarge",
        )
    yield case(
        "token-size-16384-and-less-there",
        "The header says 16,384 bytes of token, and there are fewer.",
        sized(16384, M),
        "Truncated",
    )
    junk = b"junk"
    yield case(
        "junk-before-token",
        "Four bytes stand between header and token, and the sizes do not count them.",
        sized(N, M, junk + TOKEN + IMAGE),
        "TrailingData",
    )
    yield case(
        "junk-before-token-counted",
        "Four bytes stand between header and token, counted as token.",
        sized(N + 4, M, junk + TOKEN + IMAGE),
        "TrailingData",
    )
    yield case(
        "junk-behind-token-counted-as-token",
        "Four bytes stand between token and image, counted as token.",
        sized(N + 4, M, TOKEN + junk + IMAGE),
        "TrailingData",
    )
    yield case(
        "junk-behind-token-counted-as-image",
        "Four bytes stand between token and image, counted as image.",
        sized(N, M + 4, TOKEN + junk + IMAGE),
        "ImageMismatch",
    )
    yield case(
        "image-before-token",
        "The image stands before the token, as a trailer format would have it.",
        sized(N, M, IMAGE + TOKEN),
        "TrailingData",
    )
    yield case(
        "second-header",
        "A second header line stands behind the first.",
        sized(N, M, whole),
        "TrailingData",
    )
    yield case(
        "second-header-counted",
        "A second header line stands behind the first, counted as token.",
        sized(len(whole) - M, M, whole),
        "TrailingData",
    )
