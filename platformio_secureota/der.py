"""Strict DER (ITU-T X.690), read forward only.

Two tools: `check` walks a whole encoding once and refuses whatever is not DER, and `Reader` takes
values from bytes that were checked.  Neither knows what the values mean.  The device has the same
two, with the same limits (`src/secureota/der.h`).
"""

from __future__ import annotations

from typing import Callable

from platformio_secureota.errors import Reason, Refused

# Tags that occur in tokens and certificates, as the single identifier octet.
BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OBJECT_IDENTIFIER = 0x06
ENUMERATED = 0x0A
UTF8_STRING = 0x0C
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31


def context(number: int) -> int:
    """[number], primitive: IMPLICIT over a primitive type."""
    return 0x80 | number


def context_constructed(number: int) -> int:
    """[number], constructed: EXPLICIT, or IMPLICIT over a SEQUENCE or SET."""
    return 0xA0 | number


MAX_DEPTH = 32
"""Levels of nesting that `check` follows; real tokens nest 18 deep."""

_CLASS_MASK, _CONSTRUCTED, _NUMBER_MASK = 0xC0, 0x20, 0x1F


def read_header(data: bytes, start: int, end: int) -> tuple[int, int, int]:
    """Read the identifier and length octets at `start`; return (tag, contents start, contents end).

    Refused(NotDer): high tag numbers, indefinite or non-minimal lengths, more than `end` holds.
    """
    if end - start < 2:
        raise _not_der(start)
    tag, length = data[start], data[start + 1]
    if tag & _NUMBER_MASK == _NUMBER_MASK:
        raise _not_der(start)
    contents = start + 2
    if length >= 0x80:
        count = length & 0x7F
        # 0x80 is the indefinite form; more than 4 octets can't be a size that we hold.
        if count == 0 or count > 4 or end - contents < count:
            raise _not_der(start)
        length = int.from_bytes(data[contents : contents + count], "big")
        if length < 0x80 or length >> (8 * (count - 1)) == 0:
            raise _not_der(start)
        contents += count
    if end - contents < length:
        raise _not_der(start)
    return tag, contents, contents + length


def check(data: bytes) -> None:
    """Walk a concatenation of encodings to the bottom; Refused(NotDer) if any isn't DER.

    What lies in an OCTET STRING or BIT STRING is not followed: whoever reads it checks it.
    Explicit DEFAULT values and the order of a SET OF can't be seen from here either.
    """
    ends = [len(data)]
    at = 0
    while ends:
        if at == ends[-1]:
            ends.pop()
            continue
        tag, contents, end = read_header(data, at, ends[-1])
        if tag & _CONSTRUCTED:
            if tag & _CLASS_MASK == 0 and tag not in (SEQUENCE, SET):
                raise _not_der(at)
            if len(ends) == MAX_DEPTH:
                raise _not_der(at)
            ends.append(end)
            at = contents
        else:
            if tag & _CLASS_MASK == 0 and not _primitive_is_der(tag, data[contents:end]):
                raise _not_der(at)
            at = end


def _primitive_is_der(tag: int, contents: bytes) -> bool:
    # SEQUENCE and SET are never primitive, and end-of-contents belongs to the indefinite form.
    if tag in (0x00, SEQUENCE & _NUMBER_MASK, SET & _NUMBER_MASK):
        return False
    rule = _PRIMITIVE_RULES.get(tag)
    return rule is None or rule(contents)


def integer_is_minimal(contents: bytes) -> bool:
    """Contents of an INTEGER in the fewest octets (X.690 8.3.2)."""
    if len(contents) < 2:
        return len(contents) == 1
    sign_is_repeated = (contents[0] == 0x00 and contents[1] < 0x80) or (
        contents[0] == 0xFF and contents[1] >= 0x80
    )
    return not sign_is_repeated


def _bit_string_is_der(contents: bytes) -> bool:
    # The first octet counts the unused bits at the end, which must be zero (X.690 11.2.1).
    if not contents or contents[0] > 7:
        return False
    if len(contents) == 1:
        return contents[0] == 0
    return contents[-1] & ((1 << contents[0]) - 1) == 0


def _oid_is_der(contents: bytes) -> bool:
    # Each arc is base 128, high bit set on all octets but its last, no leading 0x80 (X.690 8.19.2).
    if not contents or contents[-1] >= 0x80:
        return False
    at_start = True
    for octet in contents:
        if at_start and octet == 0x80:
            return False
        at_start = octet < 0x80
    return True


_PRIMITIVE_RULES: dict[int, Callable[[bytes], bool]] = {
    BOOLEAN: lambda contents: contents in (b"\x00", b"\xff"),
    INTEGER: integer_is_minimal,
    ENUMERATED: integer_is_minimal,
    BIT_STRING: _bit_string_is_der,
    NULL: lambda contents: not contents,
    OBJECT_IDENTIFIER: _oid_is_der,
}


def _not_der(at: int) -> Refused:
    return Refused(Reason.NotDer, f"at byte {at}")


class Reader:
    """Takes values off the front of `data`; what is left stays for the next call.

    A value of another type than the one asked for is Refused(Malformed) and takes nothing.
    """

    def __init__(self, data: bytes) -> None:
        """Read `data`, which `check` has seen."""
        self._data = data
        self._at = 0

    def at_end(self) -> bool:
        """Nothing is left."""
        return self._at == len(self._data)

    def next_is(self, tag: int) -> bool:
        """Something is left, and it begins with this tag."""
        return not self.at_end() and self._data[self._at] == tag

    def read(self, tag: int) -> bytes:
        """Take a value of this tag; return its contents."""
        return self._take(tag)[1]

    def read_whole(self, tag: int) -> bytes:
        """Take a value of this tag; return it with its tag and length."""
        return self._take(tag)[0]

    def read_any(self) -> tuple[int, bytes, bytes]:
        """Take a value of whatever tag; return (tag, contents, whole)."""
        if self.at_end():
            raise Refused(Reason.Malformed, "a value is missing")
        tag = self._data[self._at]
        whole, contents = self._take(tag)
        return tag, contents, whole

    def read_optional(self, tag: int) -> bytes | None:
        """Take a value of this tag if it is next; return its contents, else None."""
        return self.read(tag) if self.next_is(tag) else None

    def read_default_false(self) -> bool:
        """Take a BOOLEAN DEFAULT FALSE.  Encoding the default is not DER (X.690 11.5)."""
        contents = self.read_optional(BOOLEAN)
        if contents == b"\x00":
            raise Refused(Reason.NotDer, "a default value is encoded")
        return contents is not None

    def expect_end(self, reason: Reason) -> None:
        """Close a structure: Refused(reason) if something is left."""
        if not self.at_end():
            raise Refused(reason)

    def _take(self, tag: int) -> tuple[bytes, bytes]:
        if not self.next_is(tag):
            found = "nothing" if self.at_end() else f"tag {self._data[self._at]:02x}"
            raise Refused(Reason.Malformed, f"tag {tag:02x} expected, {found} found")
        start = self._at
        _, contents, end = read_header(self._data, start, len(self._data))
        self._at = end
        return self._data[start:end], self._data[contents:end]


def integer(contents: bytes) -> int:
    """Value of the contents of an INTEGER."""
    return int.from_bytes(contents, "big", signed=True)


def oid_text(contents: bytes) -> str:
    """Dotted form of the contents of an OBJECT IDENTIFIER."""
    arcs: list[int] = []
    value = 0
    for octet in contents:
        value = value << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in [first, arcs[0] - 40 * first, *arcs[1:]])


def oid_contents(text: str) -> bytes:
    """Contents of the OBJECT IDENTIFIER with this dotted form.  ValueError if it is none."""
    arcs = [int(part) for part in text.split(".")]
    if len(arcs) < 2 or min(arcs) < 0 or arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39):
        message = f"not an object identifier: {text}"
        raise ValueError(message)
    contents = b""
    for arc in [40 * arcs[0] + arcs[1], *arcs[2:]]:
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.append(arc & 0x7F | 0x80)
        contents += bytes(reversed(octets))
    return contents


def encode(tag: int, *parts: bytes) -> bytes:
    """One encoding: tag, minimal length, the parts one behind the other."""
    contents = b"".join(parts)
    size = len(contents)
    if size < 0x80:
        return bytes([tag, size]) + contents
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + contents


def encode_integer(value: int) -> bytes:
    """INTEGER, in the fewest octets."""
    bits = (value if value >= 0 else ~value).bit_length()  # besides the sign
    return encode(INTEGER, value.to_bytes(bits // 8 + 1, "big", signed=True))
