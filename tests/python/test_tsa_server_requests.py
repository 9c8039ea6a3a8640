"""Bad requests: each gets the right answer, and the server stays up."""

from __future__ import annotations

import contextlib
import http.client
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from platformio_secureota import der
from platformio_secureota.timestamp import TimeStampReq
from platformio_secureota.tsa.server import endpoint
from tsa_server import DIGEST, QUERY, REQUEST, TOKEN, Running, Site, fail_info, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BAD_ALG, BAD_REQUEST, BAD_DATA_FORMAT, UNACCEPTED_POLICY, UNACCEPTED_EXTENSION = 0, 2, 5, 15, 16
SHA1, SHA256, SHA384 = "1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site.make(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[Running]:
    with running(site) as server:
        yield server


def imprint(oid: str, digest: bytes) -> bytes:
    algorithm = der.encode(der.SEQUENCE, der.encode(der.OBJECT_IDENTIFIER, der.oid_contents(oid)))
    return der.encode(der.SEQUENCE, algorithm, der.encode(der.OCTET_STRING, digest))


def request(imprint: bytes, *, version: int = 1, rest: bytes = b"") -> bytes:
    return der.encode(der.SEQUENCE, der.encode_integer(version), imprint, rest)


GOOD = imprint(SHA256, DIGEST)
EXTENSION = der.encode(0xA0, der.encode(der.SEQUENCE, bytes.fromhex("06022a030400")))

CORPUS = {
    "rubbish": (b"GET / HTTP/1.1\r\n\r\n", BAD_DATA_FORMAT),
    "no DER: indefinite length": (b"\x30\x80" + REQUEST[2:] + b"\0\0", BAD_DATA_FORMAT),
    "no DER: long length": (b"\x30\x81" + REQUEST[1:], BAD_DATA_FORMAT),
    "no DER: long integer": (request(GOOD, rest=bytes.fromhex("02020001")), BAD_DATA_FORMAT),
    "certReq FALSE is written": (request(GOOD, rest=bytes.fromhex("010100")), BAD_DATA_FORMAT),
    "cut": (REQUEST[:-1], BAD_DATA_FORMAT),
    "something behind": (REQUEST + b"\0", BAD_DATA_FORMAT),
    "a SET": (b"\x31" + REQUEST[1:], BAD_DATA_FORMAT),
    "a field too many": (request(GOOD, rest=b"\x05\0"), BAD_DATA_FORMAT),
    "nonce before policy": (request(GOOD, rest=bytes.fromhex("02010706022a03")), BAD_DATA_FORMAT),
    "a string as digest": (request(GOOD.replace(b"\x04\x20", b"\x0c\x20")), BAD_DATA_FORMAT),
    "short digest": (request(imprint(SHA256, DIGEST[1:])), BAD_DATA_FORMAT),
    "long digest": (request(imprint(SHA256, DIGEST + b"x")), BAD_DATA_FORMAT),
    "no digest": (request(imprint(SHA256, b"")), BAD_DATA_FORMAT),
    "SHA-1": (request(imprint(SHA1, DIGEST[:20])), BAD_ALG),
    "SHA-384": (request(imprint(SHA384, DIGEST + DIGEST[:16])), BAD_ALG),
    "no digest's algorithm": (request(imprint("1.2.3", DIGEST)), BAD_ALG),
    "version 0": (request(GOOD, version=0), BAD_REQUEST),
    "version 2": (request(GOOD, version=2), BAD_REQUEST),
    "an extension": (request(GOOD, rest=EXTENSION), UNACCEPTED_EXTENSION),
    "an unknown policy": (TimeStampReq(DIGEST, policy="1.2.3").encode(), UNACCEPTED_POLICY),
    "as large as allowed": (b"\x30" * 4096, BAD_DATA_FORMAT),
}


@pytest.mark.parametrize("case", CORPUS)
def test_corpus(case: str, site: Site, server: Running) -> None:
    body, expected = CORPUS[case]
    before = len(site.records())
    assert fail_info(server.post(body)) == expected
    assert len(site.records()) == before
    assert fail_info(server.post()) == -1, "the server goes on"


def test_every_prefix(site: Site, server: Running) -> None:
    before = len(site.records())
    for size in range(1, len(REQUEST)):
        assert fail_info(server.post(REQUEST[:size])) == BAD_DATA_FORMAT
    assert len(site.records()) == before


def raw(server: Running, text: bytes) -> bytes:
    """Send bytes, and return what comes until the server hangs up."""
    parts = urlsplit(server.base)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    return answer


def head(*lines: str, token: str = TOKEN) -> bytes:
    first = ("POST /timestamp HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}")
    return "\r\n".join((*first, *lines, "", "")).encode()


TYPE = f"Content-Type: {QUERY}"

FAULTS = {
    "empty": (head(TYPE, "Content-Length: 0"), 400),
    "no HTTP": (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n", 400),
    "body ends early": (head(TYPE, "Content-Length: 70") + b"\x30", 400),
    "two credentials": (head(TYPE, "Authorization: Bearer y", "Content-Length: 9"), 400),
    "wrong token": (head(TYPE, "Content-Length: 9", token="x" * 45), 401),
    "no length": (head(TYPE), 411),
    "chunked": (head(TYPE, "Transfer-Encoding: chunked") + b"0\r\n\r\n", 411),
    "too large": (head(TYPE, "Content-Length: 4097"), 413),
    "absurdly large": (head(TYPE, f"Content-Length: {10**18}"), 413),
    "wrong type": (head("Content-Type: text/plain", "Content-Length: 9"), 415),
    "no type": (head("Content-Length: 9"), 415),
    "compressed": (head(TYPE, "Content-Encoding: gzip", "Content-Length: 9"), 415),
}


@pytest.mark.parametrize("case", FAULTS)
def test_transport_faults(case: str, site: Site, server: Running) -> None:
    text, status = FAULTS[case]
    before = len(site.records())
    answer = raw(server, text)
    if case != "body ends early" or answer:
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert len(site.records()) == before
    assert fail_info(server.post()) == -1, "the server goes on"


def test_bodies_that_do_not_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is waited for on its own; who is in time is served."""
    monkeypatch.setattr(endpoint, "MAX_BODY_SECONDS", 1.5)
    text = head(TYPE, f"Content-Length: {len(REQUEST)}")
    site = Site.make(tmp_path)
    with running(site) as server, contextlib.ExitStack() as stack:
        parts = urlsplit(server.base)

        def connect() -> socket.socket:
            address = (parts.hostname, parts.port)
            return stack.enter_context(socket.create_connection(address, 10))

        slow = [connect() for _ in range(3)]
        for connection in slow:
            connection.sendall(text + REQUEST[:-1])
        slow[1].sendall(REQUEST[-1:])
        assert fail_info(server.post()) == -1
        assert slow[1].recv(100).startswith(b"HTTP/1.1 200 ")
        for connection in (slow[0], slow[2]):
            answer = b""
            while more := connection.recv(65536):
                answer += more
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"the request did not come" in answer
        # The next ones are timed too.
        late = connect()
        late.sendall(text)
        assert late.recv(100).startswith(b"HTTP/1.1 408 ")
        assert fail_info(server.post()) == -1
    assert len(site.records()) == 3


def test_other_methods(server: Running) -> None:
    answer = server.session.put(server.url, headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert server.session.post(f"{server.base}/metrics").status_code == 405
    assert server.get("/elsewhere").status_code == 404


def test_length_is_not_believed(site: Site, server: Running) -> None:
    # What follows the announced body is another request, and no part of this one.
    parts = urlsplit(server.base)
    before = len(site.records())
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    connection.putrequest("POST", "/timestamp")
    for name, value in (
        ("Authorization", f"Bearer {TOKEN}"),
        ("Content-Type", QUERY),
        ("Content-Length", str(len(REQUEST))),
    ):
        connection.putheader(name, value)
    connection.endheaders(REQUEST + b"rubbish")
    assert connection.getresponse().status == 200
    connection.close()
    assert len(site.records()) == before + 1
