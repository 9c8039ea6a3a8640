"""Public timestamp services, which stamp anything for anyone.

With one of them as trust anchor a device accepts whatever anybody has had stamped there: good for
playing, and for nothing else.  They are recognised by the host in a URL, by the keys and names of
services that we know, and by what this computer trusts for websites: who issues certificates to the
public sells timestamps to it too.  The list can't be whole, so its silence proves nothing.
"""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import requests.utils
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from platformio_secureota import names

if TYPE_CHECKING:
    from platformio_secureota.anchors import TrustAnchor

HOSTS = (
    "freetsa.org",
    "interop.redwax.eu",
    "psis.catcert.cat",
    "rfc3161.ai.moda",
    "rfc3161timestamp.globalsign.com",
    "sha256timestamp.ws.symantec.com",
    "teszt.e-szigno.hu",
    "time.certum.pl",
    "timestamp.acs.microsoft.com",
    "timestamp.apple.com",
    "timestamp.comodoca.com",
    "timestamp.digicert.com",
    "timestamp.entrust.net",
    "timestamp.geotrust.com",
    "timestamp.globalsign.com",
    "timestamp.identrust.com",
    "timestamp.sectigo.com",
    "timestamp.sigstage.dev",
    "timestamp.sigstore.dev",
    "timestamp.verisign.com",
    "ts.cartaodecidadao.pt",
    "ts.quovadisglobal.com",
    "ts.ssl.com",
    "tsa.baltstamp.lt",
    "tsa.belgium.be",
    "tsa.cesnet.cz",
    "tsa.demo.sk.ee",
    "tsa.izenpe.com",
    "tsa.sk.ee",
    "tsa.starfieldtech.com",
    "tsa.swisssign.net",
    "tsp.iaik.tugraz.at",
    "tss.accv.es",
    "zeitstempel.dfn.de",
)
"""Hosts of public services; what is below one of them counts too."""

KEYS = {
    "07e854f26a7cbd389927aa041bfef1b6cd21dd143818ad947dc655a9e587fe88": "IdenTrust",
    "2628494183aad1d4558983bcc7c3209abfe6c6f0fc88b0bb21ab26e785a162ad": "Belgium's government",
    "3f76fa52ea94075fb144b184fd44451f3271ffb0338994ed12dab2f05ebd0b69": "freetsa.org",
    "52c54ba340885605314daa1857c8763b94087d05c636092938d4e2d1818e99b5": "freetsa.org",
    "613b3b1dc3ca7b54cf6c8ec14fa9e5fcbc3646315576cd9fbbfbc105e0e53e44": "IdenTrust",
    "72c2c9660e31cccc2da64284d9a47ffe3b76ab60caafd54f2549696e206796b3": "interop.redwax.eu",
    "765911403693bbfdb90a8b363613fc14fda1067099dd6133c098dc21461738ac": "Certum",
    "80d6e8556060f7d88389f50f43362298eb38ed5b625f6b069996b10c489a9718": "e-Szigno",
    "9383be290189722e8b95ab3ef4382ec9b56f09fc05eabb572adfceb4a71e1ce3": "IdenTrust",
    "a96c96ddaab55095f0315c5621cd7080c74be522ba7fdeea54781aba8a33c05d": "sigstore.dev",
    "ad770540628e7d80d56dc4fe2b470287e2eb899d861e78d86f5cd83c6d8c483e": "Belgium's government",
    "ceed877f546fc1ce4c9556b5f42fa4313a586366ba888e71adfb6ed74948a014": "sigstore.dev",
    "cf07c73b16ecba6d03e45de44ea2fb865c49919fef3664af56aa93bb117c7bcc": "GlobalSign",
    "e11b61b245d0b69e7d6f7f82caab9d492a65ffd12431b32740d58d53d43f2d73": "SK ID Solutions",
    "f1617974123a486d163d41fb93685b1237f49bfbf191cf4fe8020898b267b879": "GlobalSign",
}
"""SHA-256 of the SubjectPublicKeyInfo of services' certificates, and who they are."""

ORGANISATIONS = (
    "Certum",
    "DigiCert",
    "Entrust",
    "Free TSA",
    "GMO GlobalSign",
    "GlobalSign",
    "IdenTrust",
    "QuoVadis",
    "SSL Corp",
    "SSL Corporation",
    "Sectigo",
    "SwissSign",
    "Unizeto Technologies",
    "sigstore.dev",
)
"""How the O of their certificates begins: services take new keys from time to time."""

_STORES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/ca-bundle.pem"),
    Path("/etc/ssl/cert.pem"),
)
"""Where systems keep what they trust, whatever SSL_CERT_FILE says."""


def is_public_host(host: str) -> bool:
    """Whether a public service is known at this host."""
    labels = host.lower().rstrip(".").split(".")
    return any(".".join(labels[start:]) in HOSTS for start in range(len(labels)))


def why_public(anchor: TrustAnchor) -> str:
    """How this anchor is known to be a public service's, in a few words; empty: it isn't known."""
    digest = anchor.certificate.spki_digest.hex()
    if digest in KEYS:
        return f"it is a key of {KEYS[digest]}"
    try:
        certificate = _load(anchor.certificate.der)
        organisations = _organisations(certificate.subject)
        return _word_of_the_store(certificate) or _word_of_the_name(organisations)
    except ValueError:
        # More liberal than our own parser it is not; what it can't read is nobody's whom we know.
        return ""


def public_warning(anchor: TrustAnchor) -> str:
    """Say out loud that this anchor is public; empty if it isn't known to be."""
    why = why_public(anchor)
    if not why:
        return ""
    return (
        f"PUBLIC TRUST ANCHOR: {names.show(anchor.certificate.subject)} ({why}). Such a service "
        "stamps anything for anyone, so a device that trusts it accepts firmware from anyone. "
        "Good for playing, never for devices that matter"
    )


def _organisations(name: x509.Name) -> list[str]:
    attributes = name.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    return [str(attribute.value) for attribute in attributes]


def _word_of_the_name(organisations: list[str]) -> str:
    for organisation in organisations:
        if any(_begins(organisation, known) for known in ORGANISATIONS):
            return f"its name is that of {names.printable(organisation)}"
    return ""


def _begins(organisation: str, known: str) -> bool:
    # With a whole word: "Entrust, Inc." is Entrust's, "Entrusted Gardens" is not.
    rest = organisation[len(known) :]
    return organisation.startswith(known) and not rest[:1].isalnum()


@dataclass(frozen=True)
class _Store:
    by_subject: dict[bytes, list[x509.Certificate]]


def _word_of_the_store(certificate: x509.Certificate) -> str:
    store = trusted_by_this_computer().by_subject
    own_key = _spki(certificate)
    for trusted in store.get(certificate.subject.public_bytes(), ()):
        if _spki(trusted) == own_key:
            return "this computer trusts it for websites"
    for issuer in store.get(certificate.issuer.public_bytes(), ()):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            continue
        return "an authority that this computer trusts for websites has issued it"
    return ""


def _load(encoded: bytes) -> x509.Certificate:
    with warnings.catch_warnings():
        # Old roots break rules of today; that is not the user's to hear about.
        warnings.simplefilter("ignore")
        return x509.load_der_x509_certificate(encoded)


def _spki(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    except (ValueError, UnsupportedAlgorithm):
        return b""


@lru_cache(maxsize=1)
def trusted_by_this_computer() -> _Store:
    """Authorities that the system, or the list that comes with Python's TLS, trusts."""
    by_subject: dict[bytes, list[x509.Certificate]] = {}
    seen: set[bytes] = set()
    for encoded in _encoded_certificates():
        if encoded in seen:
            continue
        seen.add(encoded)
        try:
            certificate = _load(encoded)
            by_subject.setdefault(certificate.subject.public_bytes(), []).append(certificate)
        except ValueError:
            continue
    return _Store(by_subject)


def _encoded_certificates() -> list[bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    for path in (*_STORES, Path(requests.utils.DEFAULT_CA_BUNDLE_PATH)):
        try:
            context.load_verify_locations(path)
        except (OSError, ssl.SSLError):
            continue
    return context.get_ca_certs(binary_form=True)
