"""Guessing a device's password, by hand: what a try costs, and whom it keeps waiting."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from emulated_device import PATIENCE, PROGRAM, EmulatedDevice, Host, password_answer
from owner import PASSWORD, signed, write_anchor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ELSEWHERE = "127.0.0.2"


@pytest.fixture
def device(tmp_path: Path) -> Iterator[EmulatedDevice]:
    anchor = write_anchor(tmp_path / "anchor.der")
    options = ("--anchor", str(anchor), "--password-env", "DEVICE_PASSWORD")
    environment = {"DEVICE_PASSWORD": PASSWORD}
    with EmulatedDevice(tmp_path / "flash", *options, environment=environment) as device:
        yield device


@pytest.fixture(scope="module")
def running() -> bytes:
    return signed(PROGRAM.read_bytes())


def nonce_of(answer: bytes) -> str:
    keyword, nonce = answer.decode().split(" ")
    assert keyword == "AUTH", answer
    return nonce


def guess(host: Host, invitation: bytes) -> None:
    answer = host.ask(password_answer(nonce_of(host.ask(invitation)), "wrong"))
    assert answer == b"NotAuthorized: the password is wrong"


def ask_until_challenged(host: Host, invitation: bytes) -> str:
    deadline = time.monotonic() + PATIENCE
    while (answer := host.ask(invitation)).startswith(b"TooManyAttempts: "):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return nonce_of(answer)


def test_who_guesses_waits_and_nobody_else(device: EmulatedDevice, running: bytes) -> None:
    with Host(device) as host, Host(device) as same, Host(device, ELSEWHERE) as other:
        guess(host, host.invitation(running))
        assert host.ask(host.invitation(running)).startswith(b"TooManyAttempts: ")
        assert same.ask(same.invitation(running)).startswith(b"TooManyAttempts: ")

        nonce = nonce_of(other.ask(other.invitation(running)))
        assert other.ask(password_answer(nonce, PASSWORD)) == b"OK"
        assert other.deliver(running) == "OK"
    assert device.count("refused: ") == 1  # the waiting is no news to a sketch


def test_who_mistyped_is_welcome_a_second_later(device: EmulatedDevice, running: bytes) -> None:
    with Host(device) as host:
        guess(host, host.invitation(running))
        nonce = ask_until_challenged(host, host.invitation(running))
        assert host.ask(password_answer(nonce, PASSWORD)) == b"OK"
        assert host.deliver(running) == "OK"
        device.wait_for("accepted: ")
        guess(host, host.invitation(running))  # and the past is forgotten


def test_flood_of_answers_costs_one_computation(device: EmulatedDevice, running: bytes) -> None:
    with Host(device) as host:
        nonce = nonce_of(host.ask(host.invitation(running)))
        for n in range(200):
            answer = host.ask(f"200 {n:064x} {n:064x}\n".encode())
            assert answer == b"NotAuthorized: the password is wrong"
        assert host.ask(password_answer(nonce, PASSWORD)).startswith(b"NotAuthorized: ")
        assert host.ask(host.invitation(running)).startswith(b"TooManyAttempts: ")
    assert device.count("refused: NotAuthorized") == 1  # each computation is reported


def test_what_cannot_be_an_answer_is_no_try(device: EmulatedDevice, running: bytes) -> None:
    with Host(device) as host, Host(device) as other:
        nonce = nonce_of(host.ask(host.invitation(running)))
        digits = "0" * 64
        for answer in (
            b"200 \n",
            f"200 {digits} {digits}".encode(),
            f"200 {digits} {digits[:-1]}\n".encode(),
            f"200 {digits[32:]} {digits[32:]}\n".encode(),
            f"200 {digits} {'g' * 64}\n".encode(),
            f"200 {digits} {digits} \n".encode(),
        ):
            assert host.ask(answer).startswith(b"Not")
            assert other.ask(password_answer(nonce, PASSWORD)).startswith(b"NotAuthorized")
        assert host.ask(password_answer(nonce, PASSWORD)) == b"OK"
        assert host.deliver(running) == "OK"
    assert device.count("refused: ") == 0


def test_stock_form_is_asked_for_the_strong_form(device: EmulatedDevice, running: bytes) -> None:
    with Host(device) as host:
        assert len(nonce_of(host.ask(host.stock_invitation(running)))) == 64
