"""The container: header line, token, image (docs/format.md)."""

from __future__ import annotations

from collections.abc import Iterator

from corpus import Case, container
from parties import IMAGE
from tokens import Token

TOKEN = Token().der
N, M = len(TOKEN), len(IMAGE)
SIZES = b"rfc3161=%d payload=%d" % (N, M)


def cases() -> Iterator[Case]:
    yield from not_signed()
    yield from versions()
    yield from good_headers()
    yield from bad_headers()
    yield from bad_numbers()
    yield from lengths_of_headers()
    yield from sizes_that_lie()


def with_header(line: bytes) -> bytes:
    return container(TOKEN, IMAGE, header=line)


def case(name: str, sentence: str, signed: bytes, reason: str | None = None) -> Case:
    return Case(f"container-{name}", sentence, signed, reason)


def not_signed() -> Iterator[Case]:
    good = container(TOKEN, IMAGE)
    files = {
        "plain-image": ("is an unsigned image", IMAGE),
        "empty-file": ("is empty", b""),
        "one-byte": ("is one byte long", b"R"),
        "cut-in-the-magic": ("ends within the first word", b"RedWax"),
        "small-letters": ("begins with redwax/", b"redwax/" + good[7:]),
        "space-in-front": ("begins with a space", b" " + good),
        "newline-in-front": ("begins with an empty line", b"\n" + good),
        "byte-order-mark": ("begins with a byte order mark", b"\xef\xbb\xbf" + good),
        "nul-in-front": ("begins with a NUL", b"\x00" + good),
        "no-slash": ("has a space for the slash", b"RedWax 1.00 " + SIZES + b"\n" + good),
        "bare-token": ("is the token alone", TOKEN),
        "token-first": ("has no header", TOKEN + IMAGE),
        "gzip": ("is compressed", b"\x1f\x8b\x08\x00" + bytes(64)),
        "zeros": ("is made of zeros", bytes(256)),
    }
    for name, (what, signed) in files.items():
        yield case(name, f"The file {what}.", signed, "NotSigned")


def versions() -> Iterator[Case]:
    for version in (b"1.0", b"1.1", b"1.01", b"1.99", b"1.4294967296"):
        name = version.decode().replace(".", "-")
        yield case(
            f"version-{name}",
            f"The version is {version.decode()}: another minor version is no reason to refuse.",
            with_header(b"RedWax/" + version + b" " + SIZES + b"\n"),
        )
    bad = {
        "2-00": b"2.00",
        "0-99": b"0.99",
        "10-0": b"10.0",
        "1": b"1",
        "1-point": b"1.",
        "1-0-0": b"1.0.0",
        "1-0a": b"1.0a",
        "1-minus-1": b"1.-1",
        "missing": b"",
        "01-00": b"01.00",
        "v1": b"v1.00",
        "comma": b"1,00",
    }
    for name, version in bad.items():
        yield case(
            f"version-{name}",
            f"The version is {version.decode() or 'missing'}.",
            with_header(b"RedWax/" + version + b" " + SIZES + b"\n"),
            "HeaderMalformed",
        )


def good_headers() -> Iterator[Case]:
    lines = {
        "keys-in-other-order": (
            "The image's size stands before the token's.",
            b"payload=%d rfc3161=%d" % (M, N),
        ),
        "unknown-keys": ("Unknown keys stand behind the sizes.", SIZES + b" a=b c=d"),
        "unknown-keys-first": ("Unknown keys stand before the sizes.", b"a=b c=d " + SIZES),
        "unknown-key-between": (
            "An unknown key stands between the sizes.",
            b"rfc3161=%d x=1 payload=%d" % (N, M),
        ),
        "model-and-hardware": (
            "The deployed keys model= and hw= are there: nobody signed them, nobody reads them.",
            SIZES + b" model=other-product hw=99",
        ),
        "unknown-key-twice": ("An unknown key is there twice.", SIZES + b" a=1 a=2"),
        "empty-value": ("An unknown key has an empty value.", SIZES + b" note="),
        "equals-sign-in-a-value": ("A value holds equals signs.", SIZES + b" note=a=b=c"),
        "known-key-in-capitals": (
            "A key is spelt like a known one, in capitals.",
            SIZES + b" PAYLOAD=1",
        ),
        "known-key-longer": ("A key begins like a known one.", SIZES + b" payload2=1 rfc31610=2"),
        "punctuation": ("Keys and values of punctuation.", SIZES + b" !\"#$%&'()*+,-./:;<>?@[]^_`{|}~=~"),
    }  # fmt: skip
    for name, (sentence, line) in lines.items():
        yield case(name, sentence, with_header(b"RedWax/1.00 " + line + b"\n"))


def bad_headers() -> Iterator[Case]:
    n, m = b"rfc3161=%d" % N, b"payload=%d" % M
    lines = {
        "no-keys": ("has no keys", b"RedWax/1.00"),
        "no-token-size": ("lacks the token's size", b"RedWax/1.00 " + m),
        "no-image-size": ("lacks the image's size", b"RedWax/1.00 " + n),
        "token-size-twice": ("says the token's size twice", b"RedWax/1.00 %b %b %b" % (n, n, m)),
        "image-size-twice": ("says the image's size twice", b"RedWax/1.00 %b %b %b" % (n, m, m)),
        "token-size-twice-first-wrong": (
            "says two sizes for the token, the first wrong",
            b"RedWax/1.00 rfc3161=1 %b %b" % (n, m),
        ),
        "image-size-twice-last-wrong": (
            "says two sizes for the image, the last wrong",
            b"RedWax/1.00 %b %b payload=1" % (n, m),
        ),
        "two-spaces": ("has two spaces between keys", b"RedWax/1.00 %b  %b" % (n, m)),
        "two-spaces-behind-version": (
            "has two spaces behind the version",
            b"RedWax/1.00  %b %b" % (n, m),
        ),
        "tab": ("has a tab between keys", b"RedWax/1.00 %b\t%b" % (n, m)),
        "trailing-space": ("ends in a space", b"RedWax/1.00 %b %b " % (n, m)),
        "carriage-return": ("ends in CR LF", b"RedWax/1.00 %b %b\r" % (n, m)),
        "no-space-behind-version": ("has no space", b"RedWax/1.00%b %b" % (n, m)),
        "nul-in-line": ("holds a NUL", b"RedWax/1.00 %b %b\x00" % (n, m)),
        "nul-in-value": ("holds a NUL in an unknown value", b"RedWax/1.00 %b %b a=b\x00c" % (n, m)),
        "not-ascii": ("holds UTF-8", b"RedWax/1.00 %b %b a=\xc3\xa4" % (n, m)),
        "byte-80": ("holds the byte 80", b"RedWax/1.00 %b %b a=\x80" % (n, m)),
        "delete": ("holds a DEL", b"RedWax/1.00 %b %b a=\x7f" % (n, m)),
        "escape": ("holds an escape sequence", b"RedWax/1.00 %b %b a=\x1b[2J" % (n, m)),
        "key-without-value": ("has a word without an equals sign", b"RedWax/1.00 %b %b x" % (n, m)),
        "value-without-key": ("has a value without a key", b"RedWax/1.00 %b %b =x" % (n, m)),
        "spaces-around-equals": (
            "has spaces around an equals sign",
            b"RedWax/1.00 rfc3161 = %d %b" % (N, m),
        ),
        "colon": ("has colons for equals signs", b"RedWax/1.00 rfc3161:%d payload:%d" % (N, M)),
        "capitals": ("spells the keys in capitals", b"RedWax/1.00 RFC3161=%d PAYLOAD=%d" % (N, M)),
        "line-ends-behind-version": ("ends behind the version", b"RedWax/1.00\n%b %b" % (n, m)),
        "old-invitation": (
            "is that of an invitation",
            b"RedWax/1.00 cmd=0 port=3232 size=%d" % (N + M),
        ),
    }
    for name, (what, line) in lines.items():
        yield case(name, f"The header line {what}.", with_header(line + b"\n"), "HeaderMalformed")


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
    yield case("newline-behind-the-image", "A newline stands behind the image.", whole + b"\n", "TrailingData")  # fmt: skip
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
        "NotDer",
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
        "NotDer",
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
        "NotDer",
    )
