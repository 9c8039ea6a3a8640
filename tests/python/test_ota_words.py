"""Acknowledgements and verdicts in every shape, and refusals made legible."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platformio_secureota.errors import Reason, Refused
from platformio_secureota.ota import refusal
from platformio_secureota.ota.words import MAX_TEXT_SIZE, DeviceWords


def hear(*pieces: bytes) -> DeviceWords:
    words = DeviceWords()
    for piece in pieces:
        words.feed(piece)
    words.end()
    return words


@pytest.mark.parametrize(
    "said", [b"", b"1024", b"1024\n1024\r\n512\n", b"10241024102", b"0\n\n\n7", b" 1 2\t3\0"]
)
def test_numbers_are_neither_a_verdict_nor_a_refusal(said: bytes) -> None:
    words = hear(said)
    assert not words.said_ok
    assert not words.in_text
    assert words.refusal is None


@pytest.mark.parametrize(
    "said",
    [
        b"OK", b"OK\n", b"OK\r\n", b"1024OK", b"10241024OK", b"1024\n1024\nOK\n", b"1024\nOK\n\n",
        b"OK 1024\nOK",
    ],
)  # fmt: skip
def test_ok_as_the_last_word(said: bytes) -> None:
    for at in range(len(said) + 1):
        assert hear(said[:at], said[at:]).said_ok


@pytest.mark.parametrize(
    "said", [b"", b"O", b"1024", b"OK1024", b"OK\n1024\n", b"OKAY", b"ok", b"NOT OK"]
)
def test_what_is_not_ok(said: bytes) -> None:
    for at in range(len(said) + 1):
        assert not hear(said[:at], said[at:]).said_ok


@pytest.mark.parametrize(
    ("said", "refusal_text"),
    [
        (b"NotTrusted: no path\n", b"NotTrusted: no path"),
        (b"1024NotTrusted: no path\n", b"NotTrusted: no path"),
        (b"1024\nERROR[8]: Wrong Magic Byte\r\n", b"ERROR[8]: Wrong Magic Byte"),
        (b"Receive timeout", b"Receive timeout"),
        (b"first\nsecond\n", b"first"),
        (b"OK\nno, after all\n", b"no, after all"),
        (b"OKAY\n", b"OKAY"),
        (b"no\nOK", b"no"),
        (b"x" * 1000, b"x" * MAX_TEXT_SIZE),
    ],
)
def test_a_text_is_a_refusal(said: bytes, refusal_text: bytes) -> None:
    for at in range(0, len(said) + 1, 1 + len(said) // 50):
        words = hear(said[:at], said[at:])
        assert words.refusal == refusal_text
        assert not words.said_ok


def test_a_refusal_that_has_not_ended_is_known_to_have_begun() -> None:
    words = DeviceWords()
    words.feed(b"1024Recei")
    assert words.in_text
    assert words.refusal is None
    words.feed(b"ve timeout\n")
    assert not words.in_text
    assert words.refusal == b"Receive timeout"


def test_an_ok_can_be_withdrawn() -> None:
    for said in (b"OK", b"OK\n"):
        words = DeviceWords()
        words.feed(said)
        words.withdraw_ok()
        assert not words.said_ok
        words.feed(b"12\nOK\n")
        assert words.said_ok


@pytest.mark.parametrize("line_end", [b"", b"\n", b"\r\n"])
def test_the_line_end_of_the_last_ok_is_kept(line_end: bytes) -> None:
    assert hear(b"OK\r\n1024OK" + line_end).ok_line_end == line_end


@given(st.lists(st.binary(max_size=600), max_size=8))
def test_any_bytes_are_something(pieces: list[bytes]) -> None:
    words = hear(*pieces)
    assert not (words.said_ok and words.refusal is not None)
    assert not words.in_text
    if words.refusal is not None:
        assert 0 < len(words.refusal) <= MAX_TEXT_SIZE


@given(st.lists(st.sampled_from([b"1", b"1024", b"\n", b"O", b"K", b"OK", b"no", b" "])),
       st.integers(min_value=1, max_value=9))  # fmt: skip
def test_the_verdict_does_not_depend_on_how_the_words_arrive(said: list[bytes], size: int) -> None:
    whole = b"".join(said)
    at_once = hear(whole)
    in_pieces = hear(*(whole[at : at + size] for at in range(0, len(whole), size)))
    assert (at_once.said_ok, at_once.refusal) == (in_pieces.said_ok, in_pieces.refusal)


# -- refusals -------------------------------------------------------------------------------------


def test_a_name_that_devices_know_is_the_reason() -> None:
    error = refusal.refused(b"NotTrusted: no path leads from the signer to a trust anchor\n")
    assert error.reason is Reason.NotTrusted
    assert error.detail == "said by the device"
    assert "trust anchor" in error.hint


def test_what_stands_behind_our_own_sentence_is_shown_alone() -> None:
    sentence = Reason.OlderThanFloor.sentence
    said = f"OlderThanFloor: {sentence} (signed 2026-01-01T00:00:00Z, must be after 2026-02-02)\n"
    error = refusal.refused(said.encode())
    assert error.detail == (
        "the device says: signed 2026-01-01T00:00:00Z, must be after 2026-02-02"
    )


def test_another_sentence_is_shown() -> None:
    error = refusal.refused(b"NotTrusted: go away.")
    assert error.reason is Reason.NotTrusted
    assert error.detail == "the device says: go away"


@pytest.mark.parametrize(
    "text", [b"Firmware Write error", b"KeyMissing: look there", b"ERROR[8]: x"]
)
def test_other_texts_are_shown_and_name_nothing(text: bytes) -> None:
    error = refusal.refused(text)
    assert error.reason is Reason.DeviceRefused
    assert text.decode() in error.detail


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert refusal.legible(b"\x1b[2Jgone\x07\r\n\x9b31m\xe2\x80\xae ok") == "[2Jgone 31m ok"


def test_a_text_is_shown_in_part_if_it_is_long() -> None:
    line = refusal.legible(b"a" * 5000)
    assert len(line) == refusal.MAX_TEXT
    assert line.endswith("...")


@given(st.binary(max_size=1000))
def test_any_text_is_a_refusal_on_one_printable_line(text: bytes) -> None:
    error = refusal.refused(text)
    assert isinstance(error, Refused)
    shown = str(error)
    assert shown.isprintable()
    assert shown.isascii()
    assert len(error.detail) <= refusal.MAX_TEXT + 40
