"""A company's certificates for tests: root, intermediate, and a signer below it."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from platformio_secureota import TrustAnchor, pki

if TYPE_CHECKING:
    from pathlib import Path

DAY = dt.timedelta(days=1)


def anchor_of(certificate: x509.Certificate) -> TrustAnchor:
    return TrustAnchor.from_der(pki.to_der(certificate))


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


@dataclass(frozen=True)
class Authority:
    """A certificate authority: its key and certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, name: str, issuer: Authority | None = None, *, days: int = 3650) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
        usage = dict.fromkeys(
            (
                "digital_signature",
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(secrets.randbits(62) + 1)  # short enough for deployed readers
            .not_valid_before(now - DAY)
            .not_valid_after(now + days * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), critical=True)
        )
        return cls(key, builder.sign(issuer.key if issuer else key, hashes.SHA256()))

    def certify(
        self, identity: pki.SigningIdentity, *chain: x509.Certificate, serial: int = 0
    ) -> pki.SigningIdentity:
        """The same key and extensions, under a certificate that this authority has signed."""
        own = identity.certificate
        builder = (
            x509.CertificateBuilder()
            .subject_name(own.subject)
            .issuer_name(self.certificate.subject)
            .public_key(own.public_key())
            .serial_number(serial or own.serial_number)
            .not_valid_before(own.not_valid_before_utc)
            .not_valid_after(own.not_valid_after_utc)
        )
        for extension in own.extensions:
            builder = builder.add_extension(extension.value, critical=extension.critical)
        certificate = builder.sign(self.key, hashes.SHA256())
        return replace(identity, certificate=certificate, chain=chain)


@dataclass(frozen=True)
class Company:
    """root > intermediate > signer."""

    root: Authority
    intermediate: Authority
    signer: pki.SigningIdentity

    @classmethod
    def make(cls, kind: str = "p256") -> Company:
        root = Authority.make("myCorp")
        intermediate = Authority.make("production", root)
        signer = intermediate.certify(
            pki.generate(kind, name="product 1"), intermediate.certificate, root.certificate
        )
        return cls(root, intermediate, signer)

    def write_anchor(self, folder: Path) -> Path:
        path = folder / "root.pem"
        path.write_bytes(pem(self.root.certificate))
        return path


def old_key_file(path: Path) -> pki.SigningIdentity:
    """A key as the old key generator made it: a self-signed authority that lasts 30 days."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old")])
    now = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - DAY)
        .not_valid_after(now + 29 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
        )
        .sign(key, hashes.SHA256())
    )
    identity = pki.SigningIdentity(key, certificate)
    pki.write_pem(path, identity)
    return identity
