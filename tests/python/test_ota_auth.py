"""The three password forms, against values computed here step by step."""

from __future__ import annotations

import hmac
import re

import pytest

from platformio_secureota.errors import Reason, Refused
from platformio_secureota.ota import auth
from platformio_secureota.ota.auth import PasswordForm
from stock_device import expected_response, md5, sha256

SHORT, LONG = "0123456789abcdef" * 2, "0123456789abcdef" * 4


def pbkdf2_by_hand(secret: bytes, salt: bytes, rounds: int) -> bytes:
    # RFC 8018 5.2, one block.
    block = hmac.digest(secret, salt + b"\0\0\0\1", "sha256")
    total = int.from_bytes(block, "big")
    for _ in range(rounds - 1):
        block = hmac.digest(secret, block, "sha256")
        total ^= int.from_bytes(block, "big")
    return total.to_bytes(32, "big")


def test_pbkdf2_form() -> None:
    key = pbkdf2_by_hand(sha256("sesame").encode(), f"{LONG}:c0ffee".encode(), 10_000)
    assert auth.response(
        PasswordForm.PBKDF2, "sesame", nonce=LONG, client_nonce="c0ffee"
    ) == sha256(f"{key.hex()}:{LONG}:c0ffee")


def test_pbkdf2_form_over_a_stored_md5_hash() -> None:
    key = pbkdf2_by_hand(md5("sesame").encode(), f"{LONG}:c0ffee".encode(), 10_000)
    assert auth.response(
        PasswordForm.STORED_MD5, "sesame", nonce=LONG, client_nonce="c0ffee"
    ) == sha256(f"{key.hex()}:{LONG}:c0ffee")


def test_md5_form() -> None:
    assert auth.response(PasswordForm.MD5, "sesame", nonce=SHORT, client_nonce="c0ffee") == md5(
        f"{md5('sesame')}:{SHORT}:c0ffee"
    )


def test_a_password_of_any_letters_is_utf8() -> None:
    assert auth.response(PasswordForm.MD5, "Öffne dich", nonce=SHORT, client_nonce="00") == md5(
        f"{md5('Öffne dich')}:{SHORT}:00"
    )


@pytest.mark.parametrize(
    ("form", "nonce", "digits"),
    [
        (PasswordForm.PBKDF2, LONG, 64),
        (PasswordForm.STORED_MD5, LONG, 64),
        (PasswordForm.MD5, SHORT, 32),
    ],
)
def test_the_answer_is_one_line_with_a_nonce_of_ours(
    form: PasswordForm, nonce: str, digits: int
) -> None:
    datagrams = [auth.answer(form, "sesame", nonce=nonce) for _ in range(2)]
    matches = [
        re.fullmatch(rf"200 ([0-9a-f]{{{digits}}}) ([0-9a-f]{{{digits}}})\n", datagram.decode())
        for datagram in datagrams
    ]
    assert matches[0] is not None
    assert matches[1] is not None
    assert matches[0][1] != matches[1][1]
    assert matches[0][2] == expected_response(
        "sesame",
        nonce=nonce,
        cnonce=matches[0][1],
        stored_md5=form is PasswordForm.STORED_MD5,
    )


def test_only_pbkdf2_answers_by_default() -> None:
    assert auth.forms_for(LONG, allow_weak=False) == (PasswordForm.PBKDF2,)


def test_weak_forms_come_last_where_they_are_allowed() -> None:
    assert auth.forms_for(LONG, allow_weak=True) == (PasswordForm.PBKDF2, PasswordForm.STORED_MD5)
    assert auth.forms_for(SHORT, allow_weak=True) == (PasswordForm.MD5,)


def test_a_short_nonce_asks_for_a_weak_form() -> None:
    with pytest.raises(Refused, match="guess the password") as caught:
        auth.forms_for(SHORT, allow_weak=False)
    assert caught.value.reason is Reason.WeakPasswordForm
    assert "--allow-weak-password" in caught.value.hint


@pytest.mark.parametrize("nonce", ["", "0", SHORT[:-1], LONG[:-1], LONG + "0"])
@pytest.mark.parametrize("allow_weak", [False, True])
def test_a_nonce_of_another_length_is_never_answered(nonce: str, *, allow_weak: bool) -> None:
    with pytest.raises(Refused) as caught:
        auth.forms_for(nonce, allow_weak=allow_weak)
    assert caught.value.reason is Reason.WeakPasswordForm
