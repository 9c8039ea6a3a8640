"""Several authorities, behind real sockets: who is asked, how often, and what is said of it."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Callable

import pytest

from authorities import Company, anchor_of
from openssl_tsa import OpensslTsa, send, serving
from platformio_secureota import Image, Reason, Refused, Unusable, pki, sign
from platformio_secureota.container import MAX_TOKEN_SIZE
from platformio_secureota.tsa import FallbackTSA, HttpTSA, LocalTSA, encode
from platformio_secureota.tsa.fallback import MAX_RETRY_AFTER, TRIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from openssl_tsa import Answer, Server

IMAGE = Image(b"\xe9 firmware")
IDENTITY = pki.generate(name="remote")
ANCHORS = [anchor_of(IDENTITY.certificate)]
LOCAL = LocalTSA(IDENTITY)


def good(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LOCAL.timestamp(request))


def status(code: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler, request: bytes) -> None:
        del request
        send(handler, b"", status=code, **headers)

    return answer


def rejecting(bit: int) -> Answer:
    def answer(handler: BaseHTTPRequestHandler, request: bytes) -> None:
        del request
        send(handler, encode.rejection(bit, "sorry"))

    return answer


def hung_up(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    del handler, request


def html(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    del request
    send(handler, b"<html>", content_type="text/html")


def first_then(first: Answer, then: Answer, times: int = 1) -> Answer:
    """`first`, so many times, and then the other."""
    seen = iter(range(times))

    def answer(handler: BaseHTTPRequestHandler, request: bytes) -> None:
        (first if next(seen, None) is not None else then)(handler, request)

    return answer


class Authorities:
    """Servers in a row, and the client that asks them."""

    def __init__(self, servers: list[Server], timeout: float) -> None:
        self.servers = servers
        self.warnings: list[str] = []
        self.pauses: list[float] = []
        tsas = tuple(HttpTSA(server.url, timeout=timeout) for server in servers)
        self.tsa = FallbackTSA(tsas, self.warnings.append, self.pauses.append)

    def sign(self) -> None:
        sign(IMAGE, self.tsa, anchors=ANCHORS)

    @property
    def asked(self) -> list[int]:
        return [len(server.seen) for server in self.servers]


@pytest.fixture
def authorities() -> Iterator[Callable[..., Authorities]]:
    with ExitStack() as stack:

        def make(*answers: Answer, timeout: float = 10) -> Authorities:
            servers = [stack.enter_context(serving(answer)) for answer in answers]
            return Authorities(servers, timeout)

        yield make


def test_the_first_that_answers_is_the_only_one_asked(
    authorities: Callable[..., Authorities],
) -> None:
    row = authorities(good, good)
    row.sign()
    assert (row.asked, row.warnings, row.pauses) == ([1, 0], [], [])


@pytest.mark.parametrize("fault", [hung_up, status(500), status(503), status(429)])
def test_what_asking_again_can_mend_is_asked_again(
    authorities: Callable[..., Authorities], fault: Answer
) -> None:
    row = authorities(first_then(fault, good, TRIES - 1), good)
    row.sign()
    assert row.asked == [TRIES, 0]
    # It is waited longer each time.
    first, second = row.pauses
    assert 0.25 <= first <= 0.5
    assert 0.5 <= second <= 1.0
    assert row.warnings == []


@pytest.mark.parametrize("fault", [hung_up, status(500), status(429)])
def test_the_next_is_asked_in_the_end(
    authorities: Callable[..., Authorities], fault: Answer
) -> None:
    row = authorities(fault, good)
    row.sign()
    assert row.asked == [TRIES, 1]
    (warning,) = row.warnings
    assert warning.startswith("127.0.0.1: ")
    assert f"{TRIES} times; asking the next authority" in warning


@pytest.mark.parametrize("fault", [status(401), status(404), status(307), html])
def test_what_asking_again_can_not_mend_is_not(
    authorities: Callable[..., Authorities], fault: Answer
) -> None:
    row = authorities(fault, good)
    row.sign()
    assert row.asked == [1, 1]
    assert len(row.warnings) == 1


def bad_digest(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LOCAL.timestamp(request.replace(IMAGE.digest, bytes(32))))


def bad_signer(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LocalTSA(pki.generate()).timestamp(request))


def bad_signature(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    body = bytearray(LOCAL.timestamp(request))
    body[-1] ^= 1
    send(handler, bytes(body))


def rubbish(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    del request
    send(handler, b"rubbish")


def too_large(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LOCAL.timestamp(request) + bytes(MAX_TOKEN_SIZE))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (too_large, Reason.TokenTooLarge),
        (bad_digest, Reason.ImageMismatch),
        (bad_signer, Reason.NotTrusted),
        (bad_signature, Reason.SignatureInvalid),
        (rubbish, Reason.NotDer),
        (rejecting(0), Reason.NotGranted),
        (rejecting(15), Reason.NotGranted),
        (rejecting(16), Reason.NotGranted),
    ],
)
def test_a_wrong_token_or_a_no_is_never_covered_up(
    authorities: Callable[..., Authorities], answer: Answer, reason: Reason
) -> None:
    row = authorities(answer, good)
    with pytest.raises(Refused) as caught:
        row.sign()
    assert caught.value.reason is reason
    assert row.asked == [1, 0]


@pytest.mark.parametrize("bit", [14, 25])
def test_not_now_is_not_a_no(authorities: Callable[..., Authorities], bit: int) -> None:
    row = authorities(rejecting(bit), good)
    row.sign()
    assert row.asked[1] == 1
    assert "no timestamps at this time (sorry)" in row.warnings[0]
    with pytest.raises(Unusable) as caught:
        authorities(rejecting(bit)).sign()
    assert caught.value.reason is Reason.NotGranted


def test_each_failure_is_named(authorities: Callable[..., Authorities]) -> None:
    row = authorities(hung_up, status(404), status(401))
    with pytest.raises(Unusable, match="none of 3: ") as caught:
        row.sign()
    assert caught.value.reason is Reason.TsaUnreachable
    parts = caught.value.detail.split("; ")
    assert [part.split("127.0.0.1: ")[1][:8] for part in parts][1:] == ["HTTP 404", "HTTP 401"]
    assert f"{TRIES} times" in parts[0]
    assert "SECUREOTA_TSA_TOKEN" in caught.value.hint


def test_the_same_reason_for_all_is_kept(authorities: Callable[..., Authorities]) -> None:
    with pytest.raises(Unusable) as caught:
        authorities(status(404), html).sign()
    assert caught.value.reason is Reason.TsaReplyUnusable


def test_one_alone_keeps_its_own_words(authorities: Callable[..., Authorities]) -> None:
    row = authorities(status(404))
    with pytest.raises(Unusable) as caught:
        row.sign()
    assert caught.value.detail.startswith("127.0.0.1: HTTP 404")
    assert row.warnings == []


@pytest.mark.parametrize("code", [429, 503])
def test_the_servers_word_on_when_to_come_back_is_obeyed(
    authorities: Callable[..., Authorities], code: int
) -> None:
    row = authorities(first_then(status(code, Retry_After="2"), good))
    row.sign()
    assert row.pauses == [2.0]


def test_a_date_in_retry_after(authorities: Callable[..., Authorities]) -> None:
    past = "Mon, 01 Jan 2024 00:00:00 GMT"
    row = authorities(first_then(status(429, Retry_After=past), good))
    row.sign()
    assert row.pauses == [0.0]


@pytest.mark.parametrize("text", ["", "soon", "-1", "Mon, 99 Foo", "9" * 400])
def test_a_retry_after_that_is_none(authorities: Callable[..., Authorities], text: str) -> None:
    row = authorities(first_then(status(429, Retry_After=text), good))
    row.sign()
    assert 0 < row.pauses[0] < 1


def test_nobody_makes_us_wait_for_long(authorities: Callable[..., Authorities]) -> None:
    seconds = int(MAX_RETRY_AFTER) + 1
    row = authorities(status(429, Retry_After=str(seconds)), good, timeout=60)
    row.sign()
    assert row.asked == [1, 1]
    assert row.pauses == []
    assert f"left alone for {seconds} s" in row.warnings[0]


def test_the_time_for_all_is_bounded(authorities: Callable[..., Authorities]) -> None:
    def slow(handler: BaseHTTPRequestHandler, request: bytes) -> None:
        del handler, request
        time.sleep(3)

    row = authorities(slow, slow, timeout=0.4)
    start = time.monotonic()
    with pytest.raises(Unusable, match="no answer within") as caught:
        row.sign()
    assert time.monotonic() - start < 2
    assert row.asked == [1, 1]
    assert caught.value.reason is Reason.TsaUnreachable


def test_pauses_count_too(authorities: Callable[..., Authorities]) -> None:
    # There is time for the first try alone, not for waiting as long as the server wants.
    row = authorities(status(503, Retry_After="5"), good, timeout=3)
    row.sign()
    assert (row.asked, row.pauses) == ([1, 1], [])


def test_openssl_is_the_one_that_answers(
    authorities: Callable[..., Authorities], tmp_path: Path
) -> None:
    company = Company.make()
    openssl = OpensslTsa(tmp_path, company.signer, ess="sha256")
    row = authorities(hung_up, openssl.answer)
    anchors = [anchor_of(company.root.certificate)]
    assert sign(IMAGE, row.tsa, anchors=anchors).verified.policy == "1.3.6.1.4.1.99999.1"
    assert row.asked == [TRIES, 1]


def test_whom_credentials_are_for() -> None:
    urls = ["https://tsa.example/a", "https://freetsa.org/tsr", "https://tsa.example/a"]
    environ = {"SECUREOTA_TSA_TOKEN": "hunter2"}
    own, public = FallbackTSA.from_environment(urls, environ, warn=print).authorities
    assert own.credentials is not None
    assert public.credentials is None
    (alone,) = FallbackTSA.from_environment(urls[1:2], environ, warn=print).authorities
    assert alone.credentials is not None


def test_what_there_is_to_warn_about() -> None:
    urls = ["http://tsa.example/a", "https://tsa.example/b", "http://localhost/", "http://a.sk.ee"]
    tsa = FallbackTSA.from_environment([*urls, "https://freetsa.org/tsr"], {}, warn=print)
    assert tsa.exposed_hosts == ("tsa.example", "a.sk.ee")
    assert tsa.public_hosts == ("freetsa.org",)
