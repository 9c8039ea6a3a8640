"""Public services are recognised, and private authorities are let be."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from authorities import Authority, anchor_of
from platformio_secureota import TrustAnchor, pki, public_tsas
from platformio_secureota.errors import SecureOTAError
from platformio_secureota.public_tsas import is_public_host, public_warning, why_public

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = dt.timedelta(days=1)


def certificate(
    organisation: str, *, issuer: Authority | None = None, key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation)])
    now = dt.datetime.now(dt.timezone.utc)
    above = issuer.certificate.subject if issuer else name
    return x509.CertificateBuilder(above, name, key.public_key(), 7, now - DAY, now + DAY).sign(
        issuer.key if issuer else key, hashes.SHA256()
    )


KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    "host",
    ["freetsa.org", "www.freetsa.org", "FREETSA.ORG.", "timestamp.digicert.com", "tsa.sk.ee"],
)
def test_public_hosts(host: str) -> None:
    assert is_public_host(host)


@pytest.mark.parametrize(
    "host",
    ["", "org", "notfreetsa.org", "freetsa.org.example", "localhost", "tsa.example", "sk.ee"],
)
def test_other_hosts(host: str) -> None:
    assert not is_public_host(host)


def test_hosts_and_keys_are_written_as_they_are_looked_up() -> None:
    assert all(host == host.lower().strip(".") and "." in host for host in public_tsas.HOSTS)
    assert all(len(key) == 64 and key == bytes.fromhex(key).hex() for key in public_tsas.KEYS)


def test_keys_of_ones_own_are_not_public() -> None:
    company = Authority.make("myCorp")
    assert why_public(anchor_of(company.certificate)) == ""
    assert why_public(anchor_of(pki.generate().certificate)) == ""
    assert public_warning(anchor_of(company.certificate)) == ""


def test_a_known_key(monkeypatch: pytest.MonkeyPatch) -> None:
    anchor = anchor_of(pki.generate().certificate)
    digest = anchor.certificate.spki_digest.hex()
    monkeypatch.setitem(public_tsas.KEYS, digest, "example.org")
    assert why_public(anchor) == "it is a key of example.org"
    assert "accepts firmware from anyone" in public_warning(anchor)


@pytest.mark.parametrize("organisation", ["Free TSA", "DigiCert, Inc.", "Entrust, Inc."])
def test_a_known_name(organisation: str) -> None:
    anchor = anchor_of(certificate(organisation, key=KEY))
    assert organisation in why_public(anchor)


@pytest.mark.parametrize("organisation", ["Entrusted Gardens", "My DigiCert", "Certumania", "x"])
def test_a_name_that_only_begins_so(organisation: str) -> None:
    assert why_public(anchor_of(certificate(organisation, key=KEY))) == ""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    """A system that trusts this authority for websites."""
    authority = Authority.make("Web CA")
    encoded = authority.certificate.public_bytes(serialization.Encoding.DER)
    monkeypatch.setattr(public_tsas, "_encoded_certificates", lambda: [encoded, b"rubbish"])
    public_tsas.trusted_by_this_computer.cache_clear()
    yield authority
    public_tsas.trusted_by_this_computer.cache_clear()


def test_what_the_system_trusts(store: Authority) -> None:
    assert "trusts it for websites" in why_public(anchor_of(store.certificate))
    below = certificate("below", issuer=store, key=KEY)
    assert "has issued it" in why_public(anchor_of(below))
    # The same name, another key: somebody else's.
    twin = Authority.make("Web CA")
    assert why_public(anchor_of(twin.certificate)) == ""
    forged = certificate("below", issuer=twin, key=KEY)
    assert why_public(anchor_of(forged)) == ""


def test_the_real_store_is_found_and_known_by() -> None:
    found = public_tsas.trusted_by_this_computer().by_subject
    assert len(found) > 50
    recognised = 0
    for first, *_ in found.values():
        try:
            anchor = TrustAnchor.from_der(first.public_bytes(serialization.Encoding.DER))
        except SecureOTAError:
            continue  # RSA of another exponent, an extension that we refuse
        assert why_public(anchor)
        recognised += 1
    assert recognised > 50
