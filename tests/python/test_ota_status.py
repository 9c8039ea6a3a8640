"""The status question and its answers, as bytes."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platformio_secureota.errors import Reason, Refused
from platformio_secureota.ota import status as statuses
from stock_device import QUESTION, md5, sha256
from test_ota_auth import pbkdf2_by_hand

NONCE = "0123456789abcdef" * 2
SALT = "5a" * 16
IMAGE = "ab" * 32
PLAIN = f"STATUS image={IMAGE} state=confirmed floor=2026-11-23T22:04:02Z"


def proven(text: str, *, secret: str = "", nonce: str = NONCE, salt: str = SALT) -> bytes:
    """An answer as a device makes it that stores `secret`."""
    text += f" salt={salt}"
    stored = secret or sha256("sesame")
    key = pbkdf2_by_hand(stored.encode(), f"status:{salt}".encode(), 10_000)
    return f"{text} hmac={hmac.digest(key, f'{nonce}:{text}'.encode(), 'sha256').hex()}".encode()


def refuses(datagram: bytes, password: str) -> str:
    status = statuses.parse(datagram)
    assert status is not None
    with pytest.raises(Refused) as caught:
        statuses.vouch(status, password=password, nonces=[NONCE], allow_weak=False)
    assert caught.value.reason is Reason.NotAuthorized
    return caught.value.detail


def test_the_question_is_as_long_as_an_answer_may_be() -> None:
    question = statuses.query(NONCE)
    assert len(question) == 448
    assert question.startswith(f"RedWax/1.00 cmd=300 nonce={NONCE} pad=.".encode())
    assert QUESTION.fullmatch(question.decode())


def test_nonces_differ() -> None:
    assert len({statuses.new_nonce() for _ in range(100)}) == 100


def test_the_shortest_answer() -> None:
    status = statuses.parse(b"STATUS image=- state=pending floor=-")
    assert status == statuses.Status(image=None, confirmed=False)


def test_the_longest_answer() -> None:
    text = f"{PLAIN} product={'p' * 32} version={'v' * 48} last=SigningCertificateV2Required"
    datagram = proven(text)
    assert len(datagram) <= statuses.QUERY_SIZE
    status = statuses.parse(datagram)
    assert status is not None
    assert status.image == bytes.fromhex(IMAGE)
    assert status.confirmed
    assert status.floor == "2026-11-23T22:04:02Z"
    assert (status.product, status.version) == ("p" * 32, "v" * 48)
    assert status.last == "SigningCertificateV2Required"
    statuses.vouch(status, password="sesame", nonces=["00" * 16, NONCE], allow_weak=False)


def test_keys_that_are_not_known_are_ignored_and_vouched_for() -> None:
    status = statuses.parse(proven(f"{PLAIN} battery=full=yes"))
    assert status is not None
    statuses.vouch(status, password="sesame", nonces=[NONCE], allow_weak=False)
    refuses(proven(f"{PLAIN} battery=full").replace(b"full", b"flat"), "sesame")


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"STATUS",
        b"OK",
        b"BadInvitation: the invitation is not understood",
        b"STATUS state=confirmed floor=-",
        b"STATUS image=- floor=-",
        b"STATUS image=- state=confirmed",
        b"STATUS image= state=confirmed floor=-",
        b"STATUS image=- state=fine floor=-",
        b"STATUS image=- state=confirmed floor=yesterday",
        b"STATUS image=- image=- state=confirmed floor=-",
        b"STATUS  image=- state=confirmed floor=-",
        b"STATUS image=- state=confirmed floor=- product",
        b"STATUS image=- state=confirmed floor=- product=a/b",
        b"STATUS image=- state=confirmed floor=- last=a\x1bb",
        b"STATUS image=- state=confirmed floor=- version=\xff",
        f"{PLAIN} hmac={IMAGE} salt={SALT}".encode(),
        f"{PLAIN} version={'v' * 49}".encode(),
        f"{PLAIN} x={'x' * 400}".encode(),
        PLAIN.replace("ab", "AB").encode(),
    ],
)
def test_what_is_no_answer(datagram: bytes) -> None:
    assert statuses.parse(datagram) is None


@pytest.mark.parametrize("cut", range(0, len(PLAIN) + 1, 7))
def test_prefixes_never_fail(cut: int) -> None:
    statuses.parse(PLAIN[:cut].encode())


@given(st.binary(max_size=600))
def test_any_datagram_is_read_without_failing(datagram: bytes) -> None:
    statuses.parse(datagram)
    statuses.parse(b"STATUS image=- state=confirmed floor=- " + datagram)


def test_another_password_nonce_or_text_is_not_vouched_for() -> None:
    good = proven(PLAIN)
    for datagram, password in (
        (good, "sesam"),
        (proven(PLAIN, nonce="00" * 16), "sesame"),
        (good.replace(b"confirmed", b"pending"), "sesame"),
        (good.replace(b"image=ab", b"image=ac"), "sesame"),
        (good.replace(b"salt=5a", b"salt=5b"), "sesame"),
    ):
        assert "not made with this password" in refuses(datagram, password)


@pytest.mark.parametrize("text", [PLAIN, f"{PLAIN} salt={SALT}", f"{PLAIN} hmac={IMAGE}"])
def test_an_answer_without_a_proof_is_not_vouched_for(text: str) -> None:
    assert "no proof" in refuses(text.encode(), "sesame")


def test_a_stored_md5_counts_only_where_it_is_allowed() -> None:
    datagram = proven(PLAIN, secret=md5("sesame"))
    refuses(datagram, "sesame")
    status = statuses.parse(datagram)
    assert status is not None
    statuses.vouch(status, password="sesame", nonces=[NONCE], allow_weak=True)
