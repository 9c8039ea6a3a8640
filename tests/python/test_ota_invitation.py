"""Invitations and answers, as bytes."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platformio_secureota.ota.invitation import (
    MAX_ANSWER_SIZE,
    Accepted,
    Challenge,
    Form,
    ImageKind,
    Invitation,
    Rejected,
    TransportDigest,
    parse_answer,
)

CONTAINER = b"RedWax/1.00 rfc3161=3 payload=4\nTOKIMAG"


def invitation(digest: TransportDigest = TransportDigest.SHA256) -> Invitation:
    return Invitation(
        kind=ImageKind.FILESYSTEM, port=45123, container=CONTAINER, token_size=3, digest=digest
    )


def test_redwax_form_names_everything_on_one_line() -> None:
    digest = hashlib.sha256(CONTAINER).hexdigest().upper()
    assert (
        invitation().encode(Form.REDWAX)
        == (
            f"RedWax/1.00 cmd=100 port=45123 size={len(CONTAINER)} md=SHA256 digest={digest}"
            " rfc3161=3\n"
        ).encode()
    )


def test_redwax_form_with_md5() -> None:
    digest = hashlib.md5(CONTAINER).hexdigest().upper()  # noqa: S324 - the wire's own
    line = invitation(TransportDigest.MD5).encode(Form.REDWAX)
    assert f" md=MD5 digest={digest} ".encode() in line


def test_redwax_form_takes_more_keys_behind_the_known_ones() -> None:
    line = invitation().encode(Form.REDWAX, keys={"direct": "1"})
    assert line.endswith(b" rfc3161=3 direct=1\n")


def test_stock_form_is_four_words_with_a_lower_case_md5() -> None:
    digest = hashlib.md5(CONTAINER).hexdigest()  # noqa: S324 - the wire's own
    expected = f"100 45123 {len(CONTAINER)} {digest}\n".encode()
    assert invitation().encode(Form.STOCK) == expected


@pytest.mark.parametrize("datagram", [b"OK", b"OK\n", b"OK\r\n", b"OK\0", b" OK "])
def test_ok_is_accepted_whatever_ends_it(datagram: bytes) -> None:
    assert parse_answer(datagram) == Accepted({})


def test_ok_may_carry_keys() -> None:
    assert parse_answer(b"OK port=4711 cookie=a0=\n") == Accepted({"port": "4711", "cookie": "a0="})


@pytest.mark.parametrize("nonce", ["ab" * 16, "AB" * 32, "1"])
def test_auth_carries_a_nonce(nonce: str) -> None:
    assert parse_answer(f"AUTH {nonce}".encode()) == Challenge(nonce)


@pytest.mark.parametrize(
    "datagram",
    [b"", b"OKAY", b"ok", b"OK but no", b"OK x", b"AUTH", b"AUTH xyz", b"AUTH 12 34", b"\xff\xfe"],
)
def test_anything_else_is_a_refusal(datagram: bytes) -> None:
    assert parse_answer(datagram) == Rejected(datagram)


@given(st.binary(max_size=2 * MAX_ANSWER_SIZE))
def test_every_datagram_is_an_answer_of_bounded_size(datagram: bytes) -> None:
    answer = parse_answer(datagram)
    assert isinstance(answer, (Accepted, Challenge, Rejected))
    if isinstance(answer, Rejected):
        assert len(answer.text) <= MAX_ANSWER_SIZE


@given(st.from_regex(rb"\A(OK|AUTH )[ -~]{0,80}\Z"))
def test_what_looks_like_an_answer_is_read_without_failing(datagram: bytes) -> None:
    answer = parse_answer(datagram)
    if isinstance(answer, Challenge):
        assert int(answer.nonce, 16) >= 0
