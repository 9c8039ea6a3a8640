"""What a caller shows to an authority, against a TLS server that asks for it."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from authorities import Authority, anchor_of, pem
from openssl_tsa import Server, send
from platformio_secureota import Image, Reason, Unusable, pki, sign
from platformio_secureota.tsa import ClientCertificate, Credentials, HttpTSA, LocalTSA
from platformio_secureota.tsa.credentials import secret_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

IMAGE = Image(b"\xe9 firmware")
IDENTITY = pki.generate(name="remote")
ANCHORS = [anchor_of(IDENTITY.certificate)]
LOCAL = LocalTSA(IDENTITY)
DAY = dt.timedelta(days=1)


def good(handler: BaseHTTPRequestHandler, request: bytes) -> None:
    send(handler, LOCAL.timestamp(request))


def write_pair(folder: Path, name: str, issuer: Authority, *, passphrase: bytes = b"") -> Path:
    """Write NAME.pem and NAME.key: a TLS certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.timezone.utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(
            issuer.certificate.subject, subject, key.public_key(), 5, now - DAY, now + DAY
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        protection = serialization.BestAvailableEncryption(passphrase)
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
    )
    (folder / f"{name}.pem").write_bytes(pem(certificate))
    (folder / f"{name}.key").write_bytes(encoded)
    return folder / f"{name}.pem"


@dataclass(frozen=True)
class Tls:
    """A server that wants client certificates of its own authority."""

    server: Server
    folder: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server.server_port}/"

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"


@contextmanager
def wanting_certificates(folder: Path, version: ssl.TLSVersion) -> Iterator[Tls]:
    authority = Authority.make("TLS CA")
    (folder / "ca.pem").write_bytes(pem(authority.certificate))
    write_pair(folder, "server", authority)
    write_pair(folder, "client", authority)
    write_pair(folder, "stranger", Authority.make("another CA"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = version
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with Server(good) as server:
        # A refused handshake is the client's to report.
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield Tls(server, folder)
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_client_certificate(tmp_path: Path, version: ssl.TLSVersion) -> None:
    with wanting_certificates(tmp_path, version) as tls:
        ours = ClientCertificate(tmp_path / "client.pem", tmp_path / "client.key")
        sign(IMAGE, HttpTSA(tls.url, ca_file=tls.ca_file, client_certificate=ours), anchors=ANCHORS)
        assert len(tls.server.seen) == 1
        stranger = ClientCertificate(tmp_path / "stranger.pem", tmp_path / "stranger.key")
        for shown in (None, stranger):
            tsa = HttpTSA(tls.url, ca_file=tls.ca_file, client_certificate=shown, timeout=5)
            with pytest.raises(Unusable) as caught:
                tsa.timestamp(b"0")
            assert caught.value.reason is Reason.TsaUnreachable
            assert "SECUREOTA_TSA_CLIENT_CERT" in caught.value.hint
        assert len(tls.server.seen) == 1


def test_key_and_certificate_in_one_file(tmp_path: Path) -> None:
    write_pair(tmp_path, "client", Authority.make("CA"))
    both = tmp_path / "both.pem"
    both.write_bytes(
        (tmp_path / "client.pem").read_bytes() + (tmp_path / "client.key").read_bytes()
    )
    found = ClientCertificate.from_environment({"SECUREOTA_TSA_CLIENT_CERT": str(both)})
    assert found is not None
    assert found.key_file == both


def test_client_certificates_that_are_none(tmp_path: Path) -> None:
    authority = Authority.make("CA")
    certificate = write_pair(tmp_path, "client", authority)
    write_pair(tmp_path, "other", authority)
    write_pair(tmp_path, "locked", authority, passphrase=b"hunter2")
    cases = {
        "other.key": Reason.KeyUnusable,
        "client.pem": Reason.KeyUnusable,
        "none.key": Reason.FileUnreadable,
    }
    for name, reason in cases.items():
        with pytest.raises(Unusable) as caught:
            ClientCertificate(certificate, tmp_path / name)
        assert caught.value.reason is reason
    # No question on the terminal: it would hang where there is nobody.
    with pytest.raises(Unusable, match="no client key") as caught:
        ClientCertificate(tmp_path / "locked.pem", tmp_path / "locked.key")
    assert "without a passphrase" in caught.value.hint


def test_key_without_a_certificate() -> None:
    with pytest.raises(Unusable, match="SECUREOTA_TSA_CLIENT_CERT is not"):
        ClientCertificate.from_environment({"SECUREOTA_TSA_CLIENT_KEY": "x"})
    assert ClientCertificate.from_environment({}) is None


def test_no_client_certificate_over_plain_http(tmp_path: Path) -> None:
    write_pair(tmp_path, "client", Authority.make("CA"))
    shown = ClientCertificate(tmp_path / "client.pem", tmp_path / "client.key")
    with pytest.raises(Unusable, match="plain http") as caught:
        HttpTSA("http://tsa.example/", client_certificate=shown)
    assert caught.value.reason is Reason.Usage


def test_token_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    environ = {"SECUREOTA_TSA_TOKEN_FILE": str(file)}
    credentials = Credentials.from_environment(environ)
    assert credentials == Credentials(bearer="s3cret")
    assert "s3cret" not in repr(credentials)
    with pytest.raises(Unusable, match="only one can count"):
        Credentials.from_environment({**environ, "SECUREOTA_TSA_TOKEN": "x"})
    with pytest.raises(Unusable, match="only one can be sent"):
        Credentials.from_environment({**environ, "SECUREOTA_TSA_USER": "x"})


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"a\nb", b"\xff\xfe", b"x" * 70000])
def test_token_files_that_hold_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(Unusable) as caught:
        Credentials.from_environment({"SECUREOTA_TSA_TOKEN_FILE": str(file)})
    assert caught.value.reason is Reason.FileUnreadable
    assert "words" not in str(caught.value)


def test_token_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="No such file"):
        Credentials.from_environment({"SECUREOTA_TSA_TOKEN_FILE": str(tmp_path / "none")})


def test_files_with_secrets(tmp_path: Path) -> None:
    token, key, both = (tmp_path / name for name in ("token", "key", "both"))
    environ = {"SECUREOTA_TSA_TOKEN_FILE": str(token), "SECUREOTA_TSA_CLIENT_CERT": str(both)}
    assert secret_files(environ) == (token, both)
    assert secret_files({**environ, "SECUREOTA_TSA_CLIENT_KEY": str(key)}) == (token, key)
    assert secret_files({}) == ()
