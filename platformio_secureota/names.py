"""Distinguished names, shown to people (RFC 4514).

Names come from strangers' certificates, so nothing here refuses: what can't be decoded is shown as
hexadecimal, and what a terminal would obey is escaped.  Verifiers compare bytes, never this.
"""

from __future__ import annotations

from platformio_secureota import der
from platformio_secureota.errors import Refused

_SHORT = {
    "2.5.4.3": "CN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
}

# Character strings that names are made of, by tag (X.680 8.4).
_ENCODINGS = {
    0x0C: "utf-8",  # UTF8String
    0x12: "ascii",  # NumericString
    0x13: "ascii",  # PrintableString
    0x14: "latin-1",  # TeletexString, as everybody reads it
    0x16: "ascii",  # IA5String
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}

_SPECIAL = ',+"\\<>;='


def show(name: bytes) -> str:
    """Text of a Name as encoded, the most specific part first."""
    try:
        der.check(name)
        parts = der.Reader(der.Reader(name).read(der.SEQUENCE))
        shown: list[str] = []
        while not parts.at_end():
            shown.append(_show_part(der.Reader(parts.read(der.SET))))
    except Refused:
        return f"#{name.hex()}"
    return ",".join(reversed(shown)) or "(empty name)"


def _show_part(values: der.Reader) -> str:
    # RelativeDistinguishedName ::= SET OF SEQUENCE { type, value } (RFC 5280 4.1.2.4)
    shown: list[str] = []
    while not values.at_end():
        fields = der.Reader(values.read(der.SEQUENCE))
        kind = der.oid_text(fields.read(der.OBJECT_IDENTIFIER))
        tag, contents, whole = fields.read_any()
        shown.append(f"{_SHORT.get(kind, kind)}={_show_value(tag, contents, whole)}")
    return "+".join(shown)


def _show_value(tag: int, contents: bytes, whole: bytes) -> str:
    try:
        text = contents.decode(_ENCODINGS[tag])
    except (KeyError, UnicodeDecodeError):
        return f"#{whole.hex()}"
    return "".join(f"\\{c}" if c in _SPECIAL else printable(c) for c in text)


def printable(text: str) -> str:
    """Text from outside, safe for a terminal or a comment: what can't be seen is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
