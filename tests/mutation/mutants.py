"""Every small way to change a token.

A mutant is (what was done, the bytes).  Positions are offsets into the token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LENGTHS = (0x00, 0x7F, 0x80, 0x81, 0x84, 0xFF)
"""Values that every length octet is set to."""

_CONSTRUCTED = 0x20


@dataclass(frozen=True)
class Mutant:
    """One changed token."""

    change: str
    """How it was changed: the same word for all changes of a kind."""
    at: int
    token: bytes


@dataclass(frozen=True)
class Value:
    """Where one encoded value stands: its tag, its length octets, its contents."""

    tag_at: int
    length_at: int
    contents_at: int
    end: int


def values(token: bytes, start: int = 0, end: int | None = None) -> Iterator[Value]:
    """Every value of a well-formed encoding, also those inside of OCTET STRINGs that hold DER."""
    at = start
    stop = len(token) if end is None else end
    while at < stop:
        length = token[at + 1]
        contents = at + 2
        if length >= 0x80:
            contents += length & 0x7F
            length = int.from_bytes(token[at + 2 : contents], "big")
        value = Value(at, at + 1, contents, contents + length)
        yield value
        holds_der = token[at] == 0x04 and length > 2 and token[contents] == 0x30
        if token[at] & _CONSTRUCTED or holds_der:
            yield from values(token, contents, value.end)
        at = value.end


def truncations(token: bytes) -> Iterator[Mutant]:
    """Every prefix."""
    for size in range(len(token)):
        yield Mutant("cut", size, token[:size])


def bit_flips(token: bytes) -> Iterator[Mutant]:
    """Every single bit."""
    for at, octet in enumerate(token):
        for bit in range(8):
            yield Mutant(f"bit {bit}", at, replaced(token, at, octet ^ 1 << bit))


def lengths(token: bytes) -> Iterator[Mutant]:
    """Every length octet, set to each of `LENGTHS`."""
    for value in values(token):
        for at in range(value.length_at, value.contents_at):
            for octet in LENGTHS:
                if token[at] != octet:
                    yield Mutant(f"length {octet:02x}", at, replaced(token, at, octet))


def tags(token: bytes) -> Iterator[Mutant]:
    """Every tag, replaced by every other tag that occurs in the token."""
    places = list(values(token))
    known = sorted({token[value.tag_at] for value in places})
    for value in places:
        for tag in known:
            if token[value.tag_at] != tag:
                yield Mutant(f"tag {tag:02x}", value.tag_at, replaced(token, value.tag_at, tag))


def all_mutants(token: bytes) -> Iterator[Mutant]:
    """All of the above."""
    yield from truncations(token)
    yield from bit_flips(token)
    yield from lengths(token)
    yield from tags(token)


def replaced(token: bytes, at: int, octet: int) -> bytes:
    """`token` with one octet changed."""
    return token[:at] + bytes([octet]) + token[at + 1 :]
