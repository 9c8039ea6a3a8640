"""Writes DER, and on request what only looks like it.

Each function returns one encoding.  Nothing is checked: a corpus needs wrong bytes too.
"""

from __future__ import annotations

from typing import Callable

from asn1crypto import core

SEQUENCE, SET = 0x30, 0x31


def length(size: int) -> bytes:
    """Length octets, as few as possible."""
    if size < 0x80:
        return bytes([size])
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets


def tlv(tag: int, *parts: bytes) -> bytes:
    """One encoding of any tag."""
    contents = b"".join(parts)
    return bytes([tag]) + length(len(contents)) + contents


def with_long_length(encoding: bytes, octets: int = 4) -> bytes:
    """The same encoding, with more length octets than it needs: BER, not DER."""
    _, contents = split(encoding)
    return encoding[:1] + bytes([0x80 | octets]) + len(contents).to_bytes(octets, "big") + contents


def with_indefinite_length(encoding: bytes) -> bytes:
    """The same constructed encoding, ended by end-of-contents octets: BER, not DER."""
    return encoding[:1] + b"\x80" + split(encoding)[1] + b"\x00\x00"


def in_pieces(encoding: bytes) -> bytes:
    """The same string in two pieces (constructed): BER, not DER."""
    tag, contents = split(encoding)
    half = len(contents) // 2
    return tlv(tag | 0x20, tlv(tag, contents[:half]), tlv(tag, contents[half:]))


def split(encoding: bytes) -> tuple[int, bytes]:
    """(tag, contents) of one encoding with a minimal length."""
    size = encoding[1]
    start = 2 + (size & 0x7F if size & 0x80 else 0)
    return encoding[0], encoding[start:]


def inside(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Make a change to the one value that an explicit tag wraps."""
    return lambda encoding: with_contents(encoding, change(split(encoding)[1]))


def with_contents(encoding: bytes, contents: bytes) -> bytes:
    """The same tag, other contents."""
    return tlv(encoding[0], contents)


def sequence(*parts: bytes) -> bytes:
    return tlv(SEQUENCE, *parts)


def set_as_is(*parts: bytes) -> bytes:
    """SET in the order given."""
    return tlv(SET, *parts)


def set_of(*parts: bytes) -> bytes:
    """SET OF in DER's order: ascending encodings."""
    return tlv(SET, *sorted(parts))


def explicit(number: int, *parts: bytes) -> bytes:
    """[number], constructed."""
    return tlv(0xA0 | number, *parts)


def implicit(number: int, contents: bytes) -> bytes:
    """[number], primitive."""
    return tlv(0x80 | number, contents)


def integer_octets(value: int) -> bytes:
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return value.to_bytes(size, "big", signed=True)


def integer(value: int) -> bytes:
    return tlv(0x02, integer_octets(value))


def oid(dotted: str) -> bytes:
    encoded: bytes = core.ObjectIdentifier(dotted).dump()
    return encoded


def octets(contents: bytes) -> bytes:
    return tlv(0x04, contents)


def bits(contents: bytes, unused: int = 0) -> bytes:
    return tlv(0x03, bytes([unused]), contents)


def named_bits(*numbers: int) -> bytes:
    """BIT STRING of a named bit list: no zero bits at the end (X.690 11.2.2)."""
    last = max(numbers)
    value = sum(1 << (last - number) for number in numbers)
    unused = -(last + 1) % 8
    return bits((value << unused).to_bytes((last + 8) // 8, "big"), unused)


def utf8(text: str) -> bytes:
    return tlv(0x0C, text.encode())


def printable(text: str) -> bytes:
    return tlv(0x13, text.encode("ascii"))


def ia5(text: str) -> bytes:
    return text.encode("ascii")


def generalized_time(text: str) -> bytes:
    return tlv(0x18, text.encode("ascii"))


def utc_time(text: str) -> bytes:
    return tlv(0x17, text.encode("ascii"))


TRUE, FALSE = b"\x01\x01\xff", b"\x01\x01\x00"
NULL = b"\x05\x00"


def nested(levels: int) -> bytes:
    """SEQUENCEs in each other, this many of them; the innermost is empty."""
    encoding = sequence()
    for _ in range(levels - 1):
        encoding = sequence(encoding)
    return encoding
