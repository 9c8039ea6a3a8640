"""Requests: a key never leaves its machine or its card, and gets what the admin gives."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from hierarchies import DEVELOPMENT, NOW, START, Company, openssl_verdict, signed, verdict
from platformio_secureota import Reason, Refused, Unusable
from platformio_secureota.hierarchy import Node, Order, Profile, Request
from platformio_secureota.hierarchy import request as requests
from platformio_secureota.identity import SigningIdentity

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.utils import Buffer


@pytest.fixture
def own(tmp_path: Path) -> Company:
    return Company.make(tmp_path / "pki")


def certify_request(company: Company, request: bytes, name: str = "Joan") -> Node:
    order = Order(name, Profile.SIGNER)
    issuer = company.identity("development")
    source = Request.parse(request)
    return company.tree.add(order, source, under=company["development"], issuer=issuer, now=START)


def test_a_denied_key_is_not_certified_again(own: Company) -> None:
    key = own.identity("Fred").key
    own.tree.deny(own["Fred"], comment="lost", now=NOW)
    own.renew("Fred")  # a new key may be
    assert bytes.fromhex(own["Fred"].fingerprint) not in own.tree.denied_keys()
    with pytest.raises(Refused) as refusal:
        certify_request(own, requests.make(key, name="Fred again"))
    assert refusal.value.reason is Reason.Denied


def test_a_key_has_one_name(own: Company) -> None:
    for name in ("Fred", "myCorp"):
        with pytest.raises(Refused, match=name) as refusal:
            certify_request(own, requests.make(own.identity(name).key, name="Joan"))
        assert refusal.value.reason is Reason.RequestUnusable
    old = own.identity("Fred").key
    own.renew("Fred")
    with pytest.raises(Refused, match="Fred"):  # also one of the past
        certify_request(own, requests.make(old, name="Joan"))


class CardKey(ec.EllipticCurvePrivateKey):
    """A key that can sign and show its public half, and nothing else: as one on a card."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.signatures = 0

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._key.curve

    @property
    def key_size(self) -> int:
        return self._key.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._key.public_key()

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        self.signatures += 1
        return self._key.sign(data, signature_algorithm)

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        raise NotImplementedError

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        raise NotImplementedError

    def private_bytes(self, *arguments: object) -> bytes:
        raise NotImplementedError

    def __copy__(self) -> CardKey:
        return self

    def __deepcopy__(self, memo: object) -> CardKey:
        return self


def test_keys_on_cards_request_certify_and_sign(own: Company) -> None:
    signer_key, authority_key = CardKey(), CardKey()
    authority = own.tree.add(
        Order("build", Profile.AUTHORITY),
        Request.parse(requests.make(authority_key, name="build")),
        under=own["myCorp"],
        issuer=own.identity("myCorp"),
        now=START,
    )
    assert not authority.key_file.exists()
    member = own.tree.add(
        Order("robot", Profile.SIGNER),
        Request.parse(requests.make(signer_key, name="robot")),
        under=authority,
        issuer=SigningIdentity(authority_key, authority.certificate, authority.chain),
        now=START,
    )
    identity = SigningIdentity(signer_key, member.certificate, member.chain)
    assert verdict(signed(identity), [own.anchor("myCorp")]) == "accepted"
    assert (authority_key.signatures, signer_key.signatures) == (2, 2)


def test_what_a_request_asks_for_is_shown_and_not_given(own: Company) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "myCorp\x1b[2J")])
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("evil.example")]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    shown = "\n".join(Request.parse(csr).asks_for)
    assert "ca=True" in shown
    assert "evil.example" in shown
    assert "basicConstraints, critical" in shown
    assert "\x1b" not in shown
    member = certify_request(own, csr)
    fred = own["Fred"].certificate
    assert [e.oid for e in member.certificate.extensions] == [e.oid for e in fred.extensions]
    assert member.certificate.subject.rfc4514_string() == "CN=Joan"
    assert member.profile is Profile.SIGNER
    assert member.policies == (DEVELOPMENT,)


def bad_request(kind: str) -> bytes:
    good = requests.make(ec.generate_private_key(ec.SECP256R1()), name="x")
    body = x509.load_pem_x509_csr(good).public_bytes(serialization.Encoding.DER)
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    der_form = serialization.Encoding.DER
    return {
        "empty": b"",
        "rubbish": b"rubbish",
        "rubbish in PEM": b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"
        b"-----END CERTIFICATE REQUEST-----\n",
        "cut": body[:-1],
        "more": body + b"\0",
        "no proof": body[:-1] + bytes([body[-1] ^ 1]),
        "Ed25519": builder.sign(ed25519.Ed25519PrivateKey.generate(), None).public_bytes(der_form),
        "P-521": builder.sign(
            ec.generate_private_key(ec.SECP521R1()), hashes.SHA512()
        ).public_bytes(der_form),
        "RSA-1024": builder.sign(
            rsa.generate_private_key(65537, 1024), hashes.SHA256()
        ).public_bytes(der_form),
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "empty",
        "rubbish",
        "rubbish in PEM",
        "cut",
        "more",
        "no proof",
        "Ed25519",
        "P-521",
        "RSA-1024",
    ],
)
def test_requests_that_are_refused(kind: str) -> None:
    with pytest.raises(Unusable) as error:
        Request.parse(bad_request(kind))
    assert error.value.reason is Reason.RequestUnusable


def test_a_request_that_openssl_made(own: Company, tmp_path: Path) -> None:
    command = "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=robot"
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "robot.csr")]
    subprocess.run(["openssl", *command.split(), *files], check=True, capture_output=True)
    member = certify_request(own, (tmp_path / "robot.csr").read_bytes(), "robot")
    assert openssl_verdict(member, purpose="timestampsign", folder=tmp_path) == "OK"
