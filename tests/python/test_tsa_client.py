"""A remote timestamp authority: OpenSSL's, and one that does everything wrong."""

from __future__ import annotations

import base64
import datetime as dt
import ssl
import threading
import time
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from authorities import Authority, Company, anchor_of, pem
from openssl_tsa import OpensslTsa, Server, send, serving
from platformio_secureota import Image, Reason, Refused, SecureOTAError, Unusable, pki, sign
from platformio_secureota.container import MAX_TOKEN_SIZE
from platformio_secureota.timestamp import TimeStampReq
from platformio_secureota.tsa import Credentials, HttpTSA, LocalTSA

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from openssl_tsa import Answer

IMAGE = Image(b"\xe9 firmware")
IDENTITY = pki.generate(name="remote")
ANCHORS = [anchor_of(IDENTITY.certificate)]
LOCAL = LocalTSA(IDENTITY)


def good(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LOCAL.timestamp(request))


@pytest.mark.parametrize("kind", pki.KINDS)
@pytest.mark.parametrize("ess", ["sha1", "sha256"])
def test_openssl_as_the_authority(tmp_path: Path, kind: str, ess: str) -> None:
    company = Company.make(kind)
    tsa = OpensslTsa(tmp_path, company.signer, ess=ess)
    with serving(tsa.answer) as server:
        anchors = [anchor_of(company.root.certificate)]
        signed = sign(IMAGE, HttpTSA(server.url), anchors=anchors)
        other = sign(IMAGE, HttpTSA(server.url), anchors=anchors, policy="1.3.6.1.4.1.99999.2")
    assert signed.verified.policy == "1.3.6.1.4.1.99999.1"
    assert other.verified.policy == "1.3.6.1.4.1.99999.2"
    assert signed.verified.image_digest == IMAGE.digest
    assert len(signed.verified.authorities) == 1


def test_openssl_rejects_a_policy(tmp_path: Path) -> None:
    tsa = OpensslTsa(tmp_path, IDENTITY)
    with serving(tsa.answer) as server, pytest.raises(Refused) as caught:
        sign(IMAGE, HttpTSA(server.url), anchors=ANCHORS, policy="1.2.3.4")
    assert caught.value.reason is Reason.NotGranted
    assert "policy" in caught.value.detail


def test_what_is_sent() -> None:
    with serving(good) as server:
        HttpTSA(server.url).timestamp(TimeStampReq(IMAGE.digest).encode())
        ((path, headers, body),) = server.seen
    assert path == "/timestamp"
    assert body == TimeStampReq(IMAGE.digest).encode()
    assert headers["Content-Type"] == "application/timestamp-query"
    assert headers["Accept"] == "application/timestamp-reply"
    assert headers["Accept-Encoding"] == "identity"
    assert headers["User-Agent"].startswith("secureota/")
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    "content_type",
    ["application/timestamp-reply; charset=binary", "Application/Timestamp-Reply"],
)
def test_content_type_is_compared_as_http_does(content_type: str) -> None:
    def typed(handler: BaseHTTPRequestHandler, request: bytes) -> None:
        send(handler, LOCAL.timestamp(request), content_type=content_type)

    with serving(typed) as server:
        sign(IMAGE, HttpTSA(server.url), anchors=ANCHORS)


# -- faults: one Reason each ------------------------------------------------------------------


def redirect(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    assert isinstance(handler.server, Server)
    place = handler.server.url.replace("/timestamp", "/elsewhere")
    if handler.path == "/elsewhere":
        good(handler, request)
    else:
        send(handler, b"", status=307, Location=place)


def wrong_type(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LOCAL.timestamp(request), content_type="text/html")


def no_type(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LOCAL.timestamp(request), content_type="")


def encoded(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LOCAL.timestamp(request), Content_Encoding="gzip")


def oversize(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LOCAL.timestamp(request) + bytes(MAX_TOKEN_SIZE))


def endless(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    del request
    handler.send_response(200)
    handler.send_header("Content-Type", "application/timestamp-reply")
    handler.end_headers()
    while True:
        handler.wfile.write(bytes(4096))


def empty(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    del request
    send(handler, b"")


def cut_short(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    body = LOCAL.timestamp(request)
    handler.send_response(200)
    handler.send_header("Content-Type", "application/timestamp-reply")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[:100])


def hung_up(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    del handler, request


def not_http(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    del request
    handler.wfile.write(b"220 mail.example ESMTP\r\n")


def forbidden(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    del request
    send(handler, b"no", status=401)


def broken(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    del request
    send(handler, b"", status=500)


def created(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LOCAL.timestamp(request), status=201)


def garbage(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    del request
    send(handler, b"<html>It works!</html>")


def truncated(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LOCAL.timestamp(request)[:-1])


def trailing(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LOCAL.timestamp(request) + b"\n")


def rejection(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LOCAL.timestamp(request + b"\x00"))


def wrong_nonce(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    del request
    send(handler, LOCAL.timestamp(TimeStampReq(IMAGE.digest, nonce=1 << 63).encode()))


def no_nonce(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    del request
    send(handler, LOCAL.timestamp(TimeStampReq(IMAGE.digest).encode()))


def other_digest(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LOCAL.timestamp(request.replace(IMAGE.digest, bytes(32))))


def other_signer(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LocalTSA(pki.generate()).timestamp(request))


def wrong_clock(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    ahead = dt.datetime.now(dt.timezone.utc) + dt.timedelta(minutes=10)
    send(handler, LocalTSA(IDENTITY, clock=lambda: ahead).timestamp(request))


def flipped(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    body = bytearray(LOCAL.timestamp(request))
    body[-1] ^= 1
    send(handler, bytes(body))


FAULTS: dict[Answer, Reason] = {
    redirect: Reason.TsaReplyUnusable,
    wrong_type: Reason.TsaReplyUnusable,
    no_type: Reason.TsaReplyUnusable,
    encoded: Reason.TsaReplyUnusable,
    oversize: Reason.TokenTooLarge,
    endless: Reason.TokenTooLarge,
    empty: Reason.TsaReplyUnusable,
    cut_short: Reason.TsaUnreachable,
    hung_up: Reason.TsaUnreachable,
    not_http: Reason.TsaUnreachable,
    forbidden: Reason.TsaReplyUnusable,
    broken: Reason.TsaReplyUnusable,
    created: Reason.TsaReplyUnusable,
    garbage: Reason.NotDer,
    truncated: Reason.NotDer,
    trailing: Reason.TrailingData,
    rejection: Reason.NotGranted,
    wrong_nonce: Reason.NonceMismatch,
    no_nonce: Reason.NonceMismatch,
    other_digest: Reason.ImageMismatch,
    other_signer: Reason.NotTrusted,
    wrong_clock: Reason.FromTheFuture,
    flipped: Reason.SignatureInvalid,
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_fault(fault: Answer) -> None:
    with serving(fault) as server:
        with pytest.raises(SecureOTAError) as caught:
            sign(IMAGE, HttpTSA(server.url, timeout=10), anchors=ANCHORS)
        # A redirect is not followed, nothing is tried again.
        assert len(server.seen) == 1
    assert caught.value.reason is FAULTS[fault], caught.value


def test_credentials_are_asked_for() -> None:
    with serving(forbidden) as server, pytest.raises(Unusable) as caught:
        HttpTSA(server.url).timestamp(b"0")
    assert "401" in caught.value.detail
    assert "SECUREOTA_TSA_TOKEN" in caught.value.hint


def _dripping(stop: threading.Event, *, headers: bool) -> Answer:
    def drip(handler: BaseHTTPRequestHandler, request: bytes) -> None:
        del request
        if headers:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        else:
            handler.send_response(200)
            handler.send_header("Content-Type", "application/timestamp-reply")
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
        while not stop.wait(0.05):
            handler.wfile.write(b"x")

    return drip


@pytest.mark.parametrize("headers", [True, False])
def test_slow_server_is_left(*, headers: bool) -> None:
    # Each byte comes in time; it is the whole that takes too long.
    stop = threading.Event()
    with serving(_dripping(stop, headers=headers)) as server:
        start = time.monotonic()
        with pytest.raises(Unusable, match="no answer within") as caught:
            HttpTSA(server.url, timeout=0.4).timestamp(b"0")
        assert time.monotonic() - start < 5
        stop.set()
    assert caught.value.reason is Reason.TsaUnreachable


def test_silent_server_is_left() -> None:
    stop = threading.Event()

    def silent(handler: BaseHTTPRequestHandler, request: bytes) -> None:
        del handler, request
        stop.wait(10)

    with serving(silent) as server:
        with pytest.raises(Unusable, match="no answer within") as caught:
            HttpTSA(server.url, timeout=0.4).timestamp(b"0")
        stop.set()
    assert caught.value.reason is Reason.TsaUnreachable


def test_nobody_is_there() -> None:
    with serving(good) as server:
        url = server.url
    with pytest.raises(Unusable, match="Connection refused") as caught:
        HttpTSA(url).timestamp(b"0")
    assert caught.value.reason is Reason.TsaUnreachable


def test_name_that_does_not_exist() -> None:
    with pytest.raises(Unusable) as caught:
        HttpTSA("https://tsa.invalid/", timeout=20).timestamp(b"0")
    assert caught.value.reason is Reason.TsaUnreachable


def test_servers_words_are_shown_harmlessly() -> None:
    def rude(handler: BaseHTTPRequestHandler, request: bytes) -> None:
        del request
        send(handler, b"", content_type="\x1b[2Jtext/" + "x" * 500)

    with serving(rude) as server, pytest.raises(Unusable) as caught:
        HttpTSA(server.url).timestamp(b"0")
    assert "\x1b" not in caught.value.detail
    assert len(caught.value.detail) < 200


# -- TLS --------------------------------------------------------------------------------------


def _tls_server(folder: Path, answer: Answer) -> tuple[Server, Path]:
    authority = Authority.make("TLS CA")
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.timezone.utc)
    host = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    name = x509.Name([])
    issuer = authority.certificate.subject
    end = now + dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(issuer, name, key.public_key(), 5, now - dt.timedelta(1), end)
        .add_extension(host, critical=True)
        .sign(authority.key, hashes.SHA256())
    )
    chain = folder / "tls.pem"
    chain.write_bytes(
        pem(certificate)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(pem(authority.certificate))
    server = Server(answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server, ca_file


def test_tls_with_an_authority_of_ones_own(tmp_path: Path) -> None:
    server, ca_file = _tls_server(tmp_path, good)
    credentials = Credentials(bearer="s3cret")
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        url = f"https://localhost:{server.server_port}/"
        tsa = HttpTSA(url, ca_file=ca_file, credentials=credentials)
        sign(IMAGE, tsa, anchors=ANCHORS)
        assert server.seen[0][1]["Authorization"] == "Bearer s3cret"
        with pytest.raises(Unusable, match="not trusted") as caught:
            HttpTSA(url, credentials=credentials).timestamp(b"0")
        assert caught.value.reason is Reason.TsaUnreachable
        wrong_host = f"https://127.0.0.1:{server.server_port}/"
        with pytest.raises(Unusable, match="not trusted"):
            HttpTSA(wrong_host, ca_file=ca_file).timestamp(b"0")
        assert len(server.seen) == 1
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("name", "words"), [("none.pem", "No such"), ("bad.pem", "no PEM")])
def test_unusable_ca_file(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "bad.pem").write_text("rubbish")
    with pytest.raises(Unusable, match=words) as caught:
        HttpTSA("https://localhost/", ca_file=tmp_path / name)
    assert caught.value.reason is Reason.FileUnreadable


# -- settings and secrets ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "tsa",
        "ftp://h/",
        "https://",
        "https:///x",
        "https://h:x/",
        "https://h:99999/",
        "https://h/ x",
        "https://h/\r\nX: y",
        "https://h\x00/",
        "https://münchen/",
        "https://[1/",
    ],
)
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(Unusable) as caught:
        HttpTSA(url)
    assert caught.value.reason is Reason.Usage


@pytest.mark.parametrize("user", ["user:hunter2", "hunter2", ":hunter2"])
def test_url_with_a_password_is_refused_without_repeating_it(user: str) -> None:
    with pytest.raises(Unusable, match="user or password") as caught:
        HttpTSA(f"https://{user}@tsa.example/")
    assert "hunter2" not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize("host", ["tsa.example", "10.0.0.1", "localhost.example", "[2001:db8::1]"])
def test_credentials_never_go_in_the_clear(host: str) -> None:
    assert HttpTSA(f"http://{host}/").is_exposed
    with pytest.raises(Unusable, match="in the clear") as caught:
        HttpTSA(f"http://{host}/", credentials=Credentials(bearer="hunter2"))
    assert caught.value.reason is Reason.Usage
    assert "hunter2" not in repr(caught.value)


@pytest.mark.parametrize("url", ["https://tsa.example/", "http://localhost/", "http://[::1]:80/"])
def test_where_credentials_may_go(url: str) -> None:
    tsa = HttpTSA(url, credentials=Credentials(bearer="hunter2"))
    assert not tsa.is_exposed
    assert "hunter2" not in repr(tsa)
    assert "hunter2" not in repr(tsa.credentials)


def test_basic_credentials() -> None:
    environ = {"SECUREOTA_TSA_USER": "fred", "SECUREOTA_TSA_PASSWORD": "pass:wörd"}
    credentials = Credentials.from_environment(environ)
    assert credentials is not None
    with serving(good) as server:
        HttpTSA(server.url, credentials=credentials).timestamp(b"0")
        sent = server.seen[0][1]["Authorization"]
    assert sent == "Basic " + base64.b64encode("fred:pass:wörd".encode()).decode()


@pytest.mark.parametrize(
    "environ",
    [
        {"SECUREOTA_TSA_TOKEN": "hunter2", "SECUREOTA_TSA_USER": "fred"},
        {"SECUREOTA_TSA_USER": "fred"},
        {"SECUREOTA_TSA_PASSWORD": "hunter2"},
    ],
)
def test_contradicting_credentials(environ: dict[str, str]) -> None:
    with pytest.raises(Unusable) as caught:
        Credentials.from_environment(environ)
    assert caught.value.reason is Reason.Usage
    assert "hunter2" not in repr(caught.value)


def test_no_credentials() -> None:
    assert Credentials.from_environment({"SECUREOTA_TSA_TOKEN": ""}) is None


@pytest.mark.parametrize("bearer", ["hunter2\r\nX: y", "hunter 2", "hünter2"])
def test_bearer_token_that_no_header_can_carry(bearer: str) -> None:
    with serving(good) as server, pytest.raises(Unusable) as caught:
        HttpTSA(server.url, credentials=Credentials(bearer=bearer)).timestamp(b"0")
    assert caught.value.reason is Reason.Usage
    assert "nter" not in repr(caught.value)
    assert server.seen == []


def test_environment_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login fred password hunter2\n")
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(netrc))
    with serving(good) as server:
        sign(IMAGE, HttpTSA(server.url), anchors=ANCHORS)
        assert "Authorization" not in server.seen[0][1]


def test_proxy_that_is_asked_for_is_used() -> None:
    with serving(good) as proxy:
        tsa = HttpTSA("http://tsa.invalid/stamp", proxy=proxy.url)
        sign(IMAGE, tsa, anchors=ANCHORS)
        assert proxy.seen[0][0] == "http://tsa.invalid/stamp"
