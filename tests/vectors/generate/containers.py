"""The container's header line (docs/format.md)."""

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
    yield from not_signed()
    yield from versions()
    yield from good_headers()
    yield from bad_headers()


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
        "punctuation": (
            "A key and its value are punctuation.",
            SIZES + b" !\"#$%&'()*+,-./:;<>?@[]^_`{|}~=~",
        ),
    }
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
