"""Strict DER: what `check` takes and refuses, and that a reader closes what it opens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platformio_secureota import der
from platformio_secureota.errors import Reason, Refused

GOOD = {
    "a NULL": "0500",
    "TRUE": "0101ff",
    "FALSE": "010100",
    "zero": "020100",
    "128, which needs a sign octet": "02020080",
    "-1": "0201ff",
    "an empty SEQUENCE": "3000",
    "two values": "05000500",
    "127 octets, short form": "047f" + "00" * 127,
    "128 octets, long form": "048180" + "00" * 128,
    "256 octets, two octets of length": "04820100" + "00" * 256,
    "an object identifier": "06032a0304",
    "a BIT STRING with 3 unused bits": "030203f8",
    "an empty BIT STRING": "030100",
    "[0] primitive, whatever it holds": "8003ffff00",
    "[0] constructed": "a0020500",
    "31 levels": None,
}

BAD = {
    "half a header": "05",
    "contents beyond the end": "0402ff",
    "inner value beyond the outer one": "30030402ff00",
    "inner header beyond the outer value": "3001040100",
    "indefinite length": "30800000",
    "long form for a short length": "04817f" + "00" * 127,
    "leading zero in the length": "0482 0080".replace(" ", "") + "00" * 128,
    "five octets of length": "04850000000001ff",
    "high tag number": "1f8101ff",
    "BOOLEAN 01": "010101",
    "BOOLEAN of two octets": "0102ffff",
    "INTEGER without octets": "0200",
    "INTEGER with a needless zero": "02020001",
    "INTEGER with a needless ff": "0202ff80",
    "ENUMERATED with a needless zero": "0a020001",
    "NULL with contents": "050100",
    "empty object identifier": "0600",
    "object identifier with a leading 0x80": "0603808001",
    "object identifier that does not end": "06022a83",
    "BIT STRING without its count": "0300",
    "BIT STRING with 8 unused bits": "030208ff",
    "BIT STRING with set padding bits": "030201ff",
    "empty BIT STRING with unused bits": "030101",
    "constructed OCTET STRING": "2403040100",
    "constructed UTF8String": "2c030c0161",
    "primitive SEQUENCE": "1000",
    "primitive SET": "1100",
    "end-of-contents": "0000",
    "32 levels": None,
}


def nested(levels: int) -> bytes:
    encoding = b""
    for _ in range(levels):
        encoding = der.encode(der.SEQUENCE, encoding)
    return encoding


@pytest.mark.parametrize("name", GOOD)
def test_takes(name: str) -> None:
    text = GOOD[name]
    der.check(nested(der.MAX_DEPTH - 1) if text is None else bytes.fromhex(text))


@pytest.mark.parametrize("name", BAD)
def test_refuses(name: str) -> None:
    text = BAD[name]
    data = nested(der.MAX_DEPTH) if text is None else bytes.fromhex(text)
    with pytest.raises(Refused) as refusal:
        der.check(data)
    assert refusal.value.reason is Reason.NotDer


@given(st.binary(max_size=64))
def test_raises_nothing_else(data: bytes) -> None:
    try:
        der.check(data)
    except Refused as refusal:
        assert refusal.reason is Reason.NotDer  # noqa: PT017 - either outcome is right


@given(st.integers(min_value=-(2**170), max_value=2**170))
def test_integers_round_trip_in_der(value: int) -> None:
    encoding = der.encode_integer(value)
    der.check(encoding)
    assert der.integer(der.Reader(encoding).read(der.INTEGER)) == value


@pytest.mark.parametrize("value", [0, 127, 128, 255, 256, -1, -128, -129, -32768, -32769])
def test_integers_at_the_edges_take_the_fewest_octets(value: int) -> None:
    der.check(der.encode_integer(value))


@given(st.binary(max_size=70000))
def test_lengths_round_trip_in_der(contents: bytes) -> None:
    encoding = der.encode(der.OCTET_STRING, contents)
    der.check(encoding)
    assert der.Reader(encoding).read(der.OCTET_STRING) == contents


@pytest.mark.parametrize(
    ("text", "contents"),
    [
        ("0.39", "27"),
        ("1.2.840.113549.1.7.2", "2a864886f70d010702"),
        ("2.5.29.37.0", "551d2500"),
        ("2.999.3", "883703"),
    ],
)
def test_object_identifiers(text: str, contents: str) -> None:
    assert der.oid_contents(text).hex() == contents
    assert der.oid_text(bytes.fromhex(contents)) == text


@pytest.mark.parametrize("text", ["", "1", "3.1", "1.40", "1.-2", "1.2.x"])
def test_refuses_what_is_no_object_identifier(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        der.oid_contents(text)


def test_reader_takes_nothing_when_it_fails() -> None:
    reader = der.Reader(bytes.fromhex("0201050500"))
    with pytest.raises(Refused) as refusal:
        reader.read(der.SEQUENCE)
    assert refusal.value.reason is Reason.Malformed
    assert reader.read(der.INTEGER) == b"\x05"
    with pytest.raises(Refused) as refusal:
        reader.expect_end(Reason.UnexpectedField)
    assert refusal.value.reason is Reason.UnexpectedField
    assert reader.read(der.NULL) == b""
    assert reader.at_end()


def test_reader_refuses_an_encoded_default() -> None:
    assert der.Reader(b"").read_default_false() is False
    assert der.Reader(bytes.fromhex("0101ff")).read_default_false() is True
    with pytest.raises(Refused) as refusal:
        der.Reader(bytes.fromhex("010100")).read_default_false()
    assert refusal.value.reason is Reason.NotDer
