"""Who signs the seeds: keys and certificates, good ones and some that ask for work."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from platformio_secureota import pki
from platformio_secureota.identity import PrivateKey, SigningIdentity, to_der
from platformio_secureota.tsa import LocalTSA

if TYPE_CHECKING:
    from collections.abc import Sequence

START = dt.datetime(2025, 1, 1, tzinfo=dt.timezone.utc)
HOUR = dt.timedelta(hours=1)
YEARS = dt.timedelta(days=10 * 365)


def new_key(kind: str) -> PrivateKey:
    """Make a key for an authority."""
    if kind == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    if kind == "p384":
        return ec.generate_private_key(ec.SECP384R1())
    return rsa.generate_private_key(65537, int(kind[3:]))


def hash_for(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384:
    """The digest that fits a key."""
    is_p384 = isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size == 384
    return hashes.SHA384() if is_p384 else hashes.SHA256()


@dataclass(frozen=True)
class Party:
    """A key and a certificate: an authority, or (with a bag to send along) a signer."""

    key: PrivateKey
    certificate: x509.Certificate
    bag: tuple[bytes, ...] = ()

    @property
    def der(self) -> bytes:
        """The certificate."""
        return to_der(self.certificate)

    @property
    def identity(self) -> SigningIdentity:
        """What a LocalTSA signs with."""
        return SigningIdentity(self.key, self.certificate)

    @classmethod
    def alone(cls, kind: str, name: str) -> Party:
        """Make a key that is its own anchor."""
        identity = pki.generate(kind, name=name, now=START)
        return cls(identity.key, identity.certificate, (identity.certificate_der,))

    @classmethod
    def authority(cls, kind: str, name: str, issuer: Party | None = None) -> Party:
        """Make an authority; without an issuer, a root."""
        key = new_key(kind)
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=True, path_length=None), True),
            (x509.KeyUsage(**_usage("key_cert_sign", "crl_sign")), True),
        ]
        certificate = certify(key.public_key(), name, extensions, issuer, own_key=key)
        return cls(key, certificate)

    @classmethod
    def signer(cls, kind: str, name: str, issuer: Party, others: Sequence[Party]) -> Party:
        """Make a signer below an authority, who sends the certificates of others along."""
        own = pki.generate(kind, name=name, now=START)
        extensions = [(e.value, e.critical) for e in own.certificate.extensions]
        certificate = certify(own.key.public_key(), name, extensions, issuer)
        return cls(own.key, certificate, (to_der(certificate), *(o.der for o in others)))


def _usage(*names: str) -> dict[str, bool]:
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only"
    )
    return {name: name in names for name in every.split()}


def certify(
    key: object,
    name: str,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
    issuer: Party | None,
    *,
    own_key: PrivateKey | None = None,
) -> x509.Certificate:
    """Sign a certificate with the issuer's key, or with its own."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signing_key = issuer.key if issuer else own_key
    assert signing_key is not None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key)  # type: ignore[arg-type]
        .serial_number(secrets.randbits(63) | 1)
        .not_valid_before(START)
        .not_valid_after(START + YEARS)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signing_key, hash_for(signing_key))


class BagTSA(LocalTSA):
    """Sends exactly the certificates that it was given, also those that help nobody."""

    @cached_property
    def _certificates(self) -> list[bytes]:
        return list(self.chain)


def huge_public_key() -> rsa.RSAPublicKey:
    """RSA-8192 with an exponent as long. Nobody knows the private half."""
    modulus = secrets.randbits(8192) | 1 << 8191 | 1
    exponent = secrets.randbits(8191) | 1 << 8190 | 1
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def with_huge_key(issuer: Party) -> Party:
    """Make a signer whose certificate holds a huge key; the token's signature is a small one's."""
    small = Party.signer("rsa2048", "huge", issuer, [])
    return _again(small, "huge", issuer)


def below_huge_key(issuer: Party) -> Party:
    """Make a signer whose issuer has a huge key; the signer's certificate is another's work."""
    small = Party.authority("rsa2048", "huge authority", issuer)
    signer = Party.signer("p256", "below", small, [])
    return replace(signer, bag=(signer.der, _again(small, "huge authority", issuer).der))


def _again(party: Party, name: str, issuer: Party) -> Party:
    # The same certificate over a huge key.
    extensions = [(e.value, e.critical) for e in party.certificate.extensions]
    certificate = certify(huge_public_key(), name, extensions, issuer)
    return Party(party.key, certificate, (to_der(certificate),))
