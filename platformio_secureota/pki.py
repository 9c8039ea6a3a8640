"""Keys, and the certificates that make them signers.

A signing identity is a private key with the certificate that names it, kept in one PEM file.  The
certificate says that the key makes timestamps and nothing else (RFC 3161 2.3), so that no other
certificate of an organisation can approve firmware, and this one can do nothing but that.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.identity import (
    PrivateKey,
    SigningIdentity,
    describe,
    spki,
    spki_sha256,
    to_der,
)
from platformio_secureota.keyfile import exposed_mode, load_identity, write_pem
from platformio_secureota.names import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "KINDS",
    "LIFETIME",
    "MAX_NAME",
    "MIGRATION_HINT",
    "SigningIdentity",
    "c_array",
    "c_header",
    "check_signer",
    "describe",
    "exposed_mode",
    "generate",
    "load_identity",
    "self_signed",
    "spki_sha256",
    "to_der",
    "write_pem",
]

KINDS = ("p256", "p384", "rsa2048", "rsa3072")
"""Kinds of key that `generate` makes; the first is the default."""

LIFETIME = dt.timedelta(days=20 * 365 + 5)
"""How long a certificate lasts: longer than the devices, which judge it at the token's time."""

MAX_NAME = 64
"""Characters of a common name (RFC 5280 A.1, ub-common-name)."""

_SERIAL_BITS = 63
"""Deployed readers refuse more than 64 bits, and 63 fit eight octets with the sign."""

MIGRATION_HINT = (
    "make a proper key with `secureota keygen --out NEW.pem`, put its certificate into the "
    "firmware, and install that once by serial or with the tool that made the old key"
)
"""What to do about a certificate of the old key generator: a 30-day certificate authority."""

_GENERATORS: dict[str, Callable[[], PrivateKey]] = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa2048": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "rsa3072": lambda: rsa.generate_private_key(public_exponent=65537, key_size=3072),
}


def generate(
    kind: str = KINDS[0],
    *,
    name: str = "",
    policies: Sequence[str] = (),
    lifetime: dt.timedelta = LIFETIME,
    now: dt.datetime | None = None,
) -> SigningIdentity:
    """Make a key and the self-signed certificate that makes it a signer.

    `name` becomes the common name; without one it is made of the key's fingerprint, so that two
    keys never share one.  `policies` are OBJECT IDENTIFIERs that the certificate asserts (RFC 5280
    4.2.1.4); a device that requires a policy asks for it there.  `now` must have a time zone.
    """
    if kind not in _GENERATORS:
        raise Unusable(Reason.Usage, f"key kind {kind!r} is none of {', '.join(KINDS)}")
    key = _GENERATORS[kind]()
    return self_signed(key, name=name, policies=policies, lifetime=lifetime, now=now)


def self_signed(
    key: PrivateKey,
    *,
    name: str = "",
    policies: Sequence[str] = (),
    lifetime: dt.timedelta = LIFETIME,
    now: dt.datetime | None = None,
) -> SigningIdentity:
    """Make the self-signed certificate that makes a key a signer; as `generate`, whose key it is.

    The key may be one in a token (`platformio_secureota.hsm`).
    """
    fingerprint = hashlib.sha256(spki(key.public_key())).hexdigest()
    subject = _name(name or f"SecureOTA signing key {fingerprint[:8]}")
    start = (now or dt.datetime.now(dt.timezone.utc)).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(secrets.randbelow(2**_SERIAL_BITS - 1) + 1)
        .not_valid_before(start)
        .not_valid_after(start + lifetime)
    )
    for extension, critical in _signer_extensions(policies):
        builder = builder.add_extension(extension, critical=critical)
    return SigningIdentity(key, builder.sign(key, hashes.SHA256()))


def _name(common_name: str) -> x509.Name:
    if not common_name.isprintable() or len(common_name) > MAX_NAME:
        detail = f"a name is 1 to {MAX_NAME} printable characters"
        raise Unusable(Reason.Usage, detail)
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _signer_extensions(policies: Sequence[str]) -> list[tuple[x509.ExtensionType, bool]]:
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            True,
        ),
        # RFC 3161 2.3: critical, and the only purpose.
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True),
    ]
    if policies:
        try:
            oids = [x509.ObjectIdentifier(policy) for policy in policies]
        except ValueError as cause:
            raise Unusable(Reason.Usage, f"policy: {cause}") from cause
        information = [x509.PolicyInformation(oid, None) for oid in oids]
        extensions.append((x509.CertificatePolicies(information), False))
    return extensions


def check_signer(identity: SigningIdentity, *, at: dt.datetime) -> None:
    """Refuse a certificate that no device would accept a signature of, before one is made.

    The device's own rules are applied to every token anyway; this is the earlier, clearer word.
    """
    certificate = identity.certificate
    if _is_ca(certificate):
        raise Refused(Reason.SignerIsCa, describe(certificate), hint=MIGRATION_HINT)
    if not _is_for_timestamps_alone(certificate):
        hint = "a signing certificate is made by `secureota keygen`"
        raise Refused(Reason.WrongPurpose, describe(certificate), hint=hint)
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        detail = (
            f"{describe(certificate)} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} "
            f"to {certificate.not_valid_after_utc:%Y-%m-%d}"
        )
        raise Refused(Reason.CertificateNotValidAtGenTime, detail)


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return constraints.value.ca


def _is_for_timestamps_alone(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return usage.critical and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


_BYTES_PER_LINE = 12
_C_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def c_array(der: bytes, name: str = "signing_cert") -> str:
    """Write bytes as the C array that a sketch includes.  Ends in a newline."""
    if not _C_NAME.fullmatch(name):
        raise Unusable(Reason.Usage, f"{printable(name)!r} is not a name in C")
    rows = [der[i : i + _BYTES_PER_LINE] for i in range(0, len(der), _BYTES_PER_LINE)]
    lines = ["  " + ", ".join(f"0x{octet:02x}" for octet in row) for row in rows]
    return f"const unsigned char {name}[] = {{\n" + ",\n".join(lines) + "\n};\n"


def c_header(certificates: Sequence[x509.Certificate], name: str = "signing_cert") -> str:
    """Write a C header with one array a certificate: `name`, `name`_2, `name`_3, ..."""
    parts = ["// Trust anchors: who holds one of their keys can approve firmware.\n#pragma once\n"]
    for number, certificate in enumerate(certificates, start=1):
        array = name if number == 1 else f"{name}_{number}"
        # The final stop keeps a backslash in a name from continuing the comment.
        parts.append(
            f"// {describe(certificate)}.\n"
            f"// Key (SHA-256 of SubjectPublicKeyInfo): {spki_sha256(certificate)}\n"
            f"// Use: SecureOTA.addTrustAnchor({array}, sizeof({array}));\n"
            + c_array(to_der(certificate), array)
        )
    return "\n".join(parts)
