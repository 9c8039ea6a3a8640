"""Who may have which policy, however they say who they are."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from authorities import DAY, Authority, pem
from platformio_secureota.timestamp import TimeStampReq
from platformio_secureota.tsa.server.callers import Callers, NotKnown
from platformio_secureota.tsa.server.credentials import hash_password, hash_token
from tsa_server import CI, DIGEST, PILOT, PRODUCTION, REQUEST, TOKEN, Site, fail_info, running

if TYPE_CHECKING:
    from pathlib import Path

UNACCEPTED_POLICY = 15
PASSWORD = hash_password(b"s3cret:with colon")
OTHER_TOKEN = "sota_" + "u" * 40


@dataclass(frozen=True)
class Client:
    """A TLS client: its certificate and key in one file."""

    file: Path
    certificate: x509.Certificate


def tls_certificate(
    ca: Authority, folder: Path, name: str, *, server: bool = False, days: int = 30
) -> Client:
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.timezone.utc)
    usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(ca.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 40 * DAY)
        .not_valid_after(now + days * DAY)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(ca.key, hashes.SHA256())
    )
    encoded = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / f"{name}.pem"
    path.write_bytes(encoded + pem(certificate))
    path.chmod(0o600)
    return Client(path, certificate)


def caller(name: str, proof: str, *policies: str, more: str = "") -> str:
    wanted = ", ".join(f'"{policy}"' for policy in policies)
    return f'\n[[caller]]\nname = "{name}"\n{proof}\npolicies = [{wanted}]\n{more}\n'


def asked(policy: str | None) -> bytes:
    return TimeStampReq(DIGEST, nonce=1, policy=policy).encode()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_matrix(tmp_path: Path) -> None:
    """Every kind of caller with every policy: its own are granted, all others are not."""
    ca = Authority.make("clients")
    (tmp_path / "ca.pem").write_bytes(pem(ca.certificate))
    tls_certificate(ca, tmp_path, "localhost", server=True)
    both, one, third = (tls_certificate(ca, tmp_path, name) for name in ("both", "one", "third"))
    digest = hashlib.sha256(third.certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
    tls = '[tls]\ncertificate = "localhost.pem"\nkey = "localhost.pem"\nclient_ca = "ca.pem"\n'
    callers = (
        caller("b", f'bearer = ["{hash_token(TOKEN)}"]', "production")
        + caller("b2", f'bearer = ["{hash_token(OTHER_TOKEN)}"]', "pilot", "production")
        + caller("p", f'password = "{PASSWORD}"', "pilot")
        + caller("m-both", 'certificates = ["subject:CN=both"]', "production", "pilot")
        + caller("m-one", 'certificates = ["san:one"]', "pilot")
        + caller("m-third", f'certificates = ["sha256:{digest}"]', "production")
    )
    site = Site.make(tmp_path, callers, tls)
    granted = {
        "b": {PRODUCTION},
        "b2": {PRODUCTION, PILOT},
        "p": {PILOT},
        "m-both": {PRODUCTION, PILOT},
        "m-one": {PILOT},
        "m-third": {PRODUCTION},
    }
    default = {
        "b": PRODUCTION,
        "b2": PILOT,
        "p": PILOT,
        "m-both": PRODUCTION,
        "m-one": PILOT,
        "m-third": PRODUCTION,
    }
    shown: dict[str, dict[str, Any]] = {
        "b": {"headers": {"Authorization": f"Bearer {TOKEN}"}},
        "b2": {"headers": {"Authorization": f"bearer {OTHER_TOKEN}"}},
        "p": {"headers": {"Authorization": basic("p", "s3cret:with colon")}},
        "m-both": {"cert": str(both.file)},
        "m-one": {"cert": str(one.file)},
        "m-third": {"cert": str(third.file)},
    }
    asked_for = (None, PRODUCTION, PILOT, "1.3.6.1.4.1.99999.3")
    expected = []
    with running(site) as server:
        for name, how in shown.items():
            for policy in asked_for:
                headers = {"Content-Type": "application/timestamp-query", **how.get("headers", {})}
                with requests.Session() as session:
                    reply = session.post(
                        server.url,
                        data=asked(policy),
                        headers=headers,
                        cert=how.get("cert"),
                        verify=str(tmp_path / "ca.pem"),
                        timeout=10,
                    )
                is_granted = policy is None or policy in granted[name]
                assert fail_info(reply) == (-1 if is_granted else UNACCEPTED_POLICY), (name, policy)
                if is_granted:
                    expected.append((name, policy or default[name]))
    assert [(r["caller"], r["policy"]) for r in site.records()] == expected
    proofs = {r["caller"]: r["proof"] for r in site.records()}
    assert (proofs["b"], proofs["p"], proofs["m-one"]) == ("bearer", "basic", "mtls")


def test_wrong_credentials(tmp_path: Path) -> None:
    site = Site.make(tmp_path, CI + caller("p", f'password = "{PASSWORD}"', "pilot"))
    with running(site) as server:
        for header in (
            "",
            "Bearer",
            "Bearer ",
            f"Bearer {TOKEN}x",
            f"Basic {TOKEN}",
            f"Digest {TOKEN}",
            f"Bearer {hash_token(TOKEN)}",  # who has read the configuration has no token
            basic("p", "wrong"),
            basic("p", ""),
            basic("q", "s3cret:with colon"),
            basic("ci", "s3cret:with colon"),
            "Basic %%%",
        ):
            reply = server.post(token="", Authorization=header)
            assert reply.status_code == 401, header
            assert reply.headers["WWW-Authenticate"] == 'Bearer realm="tsa", Basic realm="tsa"'
        assert server.post(token="").status_code == 401
        # A header that only a trusted proxy may set says nothing here.
        reply = server.post(token="", X_SSL_Client_Cert="x", X_SSL_Client_Verify="SUCCESS")
        assert reply.status_code == 401
    assert site.records() == []


def test_certificates_of_strangers(tmp_path: Path) -> None:
    ca, other = Authority.make("clients"), Authority.make("others")
    (tmp_path / "ca.pem").write_bytes(pem(ca.certificate))
    tls_certificate(ca, tmp_path, "localhost", server=True)
    unknown = tls_certificate(ca, tmp_path, "unknown")
    stranger = tls_certificate(other, tmp_path, "known")
    expired = tls_certificate(ca, tmp_path, "known2", days=-1)
    tls = '[tls]\ncertificate = "localhost.pem"\nkey = "localhost.pem"\nclient_ca = "ca.pem"\n'
    known = caller("known", 'certificates = ["san:known", "san:known2"]', "production")
    site = Site.make(tmp_path, known, tls)
    with running(site) as server:
        server.session.verify = str(tmp_path / "ca.pem")
        server.session.cert = str(unknown.file)
        assert server.post(token="").status_code == 403
        for client in (stranger, expired):
            with requests.Session() as session:
                session.verify, session.cert = str(tmp_path / "ca.pem"), str(client.file)
                with pytest.raises(requests.ConnectionError):
                    session.post(server.url, data=REQUEST, timeout=10)
    assert site.records() == []


def proxied(client: Client, verdict: str = "SUCCESS") -> dict[str, str]:
    text = quote(pem(client.certificate).decode("ascii"))
    return {"X_SSL_Client_Cert": text, "X_SSL_Client_Verify": verdict}


def test_certificate_that_a_proxy_vouches_for(tmp_path: Path) -> None:
    ca = Authority.make("clients")
    client = tls_certificate(ca, tmp_path, "runner")
    expired = tls_certificate(ca, tmp_path, "runner", days=-1)
    known = caller("runner", 'certificates = ["subject:CN=runner"]', "production")
    site = Site.make(tmp_path, known, "[proxy]\nclient_certificates = true\n")
    with running(site) as server:
        assert fail_info(server.post(token="", **proxied(client))) == -1
        for verdict in ("NONE", "FAILED:expired", ""):
            assert server.post(token="", **proxied(client, verdict)).status_code == 403
        assert server.post(token="", **proxied(expired)).status_code == 403
        reply = server.post(token="", X_SSL_Client_Cert="%2D", X_SSL_Client_Verify="SUCCESS")
        assert reply.status_code == 400
        assert server.post(token="").status_code == 401
    (record,) = site.records()
    assert (record["caller"], record["proof"]) == ("runner", "mtls")
    # The same headers from another machine: no proxy of ours wrote them.
    headers = [
        (k.lower().replace("_", "-").encode(), v.encode()) for k, v in proxied(client).items()
    ]
    scope = {"headers": headers, "client": ("10.0.0.7", 4444)}
    with pytest.raises(NotKnown) as caught:
        Callers(site.config).find(scope)
    assert caught.value.status == 403


ANYBODY = caller("anybody", "anonymous = true", "production")


def test_anonymous_is_for_this_machine(tmp_path: Path) -> None:
    site = Site.make(tmp_path, ANYBODY)
    with running(site) as server:
        assert fail_info(server.post(token="")) == -1
        assert server.post(token="", X_Forwarded_For="127.0.0.1").status_code == 403
        assert server.post(token="", Forwarded="for=127.0.0.1").status_code == 403
        assert server.post(token="", Origin="https://evil.example").status_code == 403
        assert server.post(token="", Host="evil.example").status_code == 403
        assert server.post(token="wrong").status_code == 401
        assert "Anonymous" in server.get("/").text
    (record,) = site.records()
    assert record["proof"] == "anonymous"
    callers = Callers(site.config)
    scope: dict[str, Any] = {"headers": [(b"host", b"localhost:3161")]}
    for address in ("127.0.0.1", "127.0.0.7", "::1", "::ffff:127.0.0.1"):
        assert callers.find({**scope, "client": (address, 1)}).proof == "anonymous"
    for address in ("10.0.0.7", "::ffff:10.0.0.7", "localhost.example"):
        with pytest.raises(NotKnown) as caught:
            callers.find({**scope, "client": (address, 1)})
        assert caught.value.status == 403


@pytest.mark.parametrize("kind", ["anonymous", "proxied"])
def test_matrix_of_the_other_kinds(tmp_path: Path, kind: str) -> None:
    """Whom nobody has to prove, and whom a proxy vouches for: with every policy as well."""
    client = tls_certificate(Authority.make("clients"), tmp_path, "runner")
    by, more, headers = {
        "anonymous": ("anonymous = true", "", {}),
        "proxied": (
            'certificates = ["subject:CN=runner"]',
            "[proxy]\nclient_certificates = true\n",
            proxied(client),
        ),
    }[kind]
    for own in ({PRODUCTION: "production"}, {PILOT: "pilot"}):
        folder = tmp_path / "-".join(own.values())
        folder.mkdir()
        site = Site.make(folder, caller("it", by, *own.values()), more)
        with running(site) as server:
            for policy in (None, PRODUCTION, PILOT, "1.3.6.1.4.1.99999.3"):
                answer = fail_info(server.post(asked(policy), token="", **headers))
                is_granted = policy is None or policy in own
                assert answer == (-1 if is_granted else UNACCEPTED_POLICY), (own, policy)
        expected = [("it", policy) for policy in own] * 2
        assert [(r["caller"], r["policy"]) for r in site.records()] == expected


def test_quotas(tmp_path: Path) -> None:
    limited = (
        CI
        + "per_minute = 3\n"
        + caller("free", f'bearer = ["{hash_token(OTHER_TOKEN)}"]', "production")
    )
    site = Site.make(tmp_path, limited)
    with running(site) as server:
        for _ in range(3):
            assert fail_info(server.post()) == -1
        reply = server.post()
        assert reply.status_code == 429
        assert 50 <= int(reply.headers["Retry-After"]) <= 61
        for _ in range(5):
            assert fail_info(server.post(token=OTHER_TOKEN)) == -1
    # The log remembers across a restart.
    with running(site) as server:
        assert server.post().status_code == 429
        assert fail_info(server.post(token=OTHER_TOKEN)) == -1
    assert sum(r["caller"] == "ci" for r in site.records()) == 3
