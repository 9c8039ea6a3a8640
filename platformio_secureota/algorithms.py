"""The algorithms that may take part in a token, and nothing else (check 8).

SHA-1 appears once: ESSCertID version 1 names a certificate by it, which proves nothing by itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key

from platformio_secureota import der
from platformio_secureota.errors import Reason, Refused

RSA, ECDSA = "RSA", "ECDSA"

_DIGESTS = {
    der.oid_contents("2.16.840.1.101.3.4.2.1"): "sha256",
    der.oid_contents("2.16.840.1.101.3.4.2.2"): "sha384",
    der.oid_contents("2.16.840.1.101.3.4.2.3"): "sha512",
}
_SIGNATURES = {
    der.oid_contents("1.2.840.113549.1.1.11"): (RSA, "sha256"),
    der.oid_contents("1.2.840.113549.1.1.12"): (RSA, "sha384"),
    der.oid_contents("1.2.840.113549.1.1.13"): (RSA, "sha512"),
    der.oid_contents("1.2.840.10045.4.3.2"): (ECDSA, "sha256"),
    der.oid_contents("1.2.840.10045.4.3.3"): (ECDSA, "sha384"),
    der.oid_contents("1.2.840.10045.4.3.4"): (ECDSA, "sha512"),
}
_RSA_ENCRYPTION = der.oid_contents("1.2.840.113549.1.1.1")
_EC_PUBLIC_KEY = der.oid_contents("1.2.840.10045.2.1")
_CURVE_POINT_SIZES = {
    der.oid_contents("1.2.840.10045.3.1.7"): 1 + 2 * 32,  # P-256
    der.oid_contents("1.3.132.0.34"): 1 + 2 * 48,  # P-384
}
_UNCOMPRESSED_POINT = 0x04
_NULL = b"\x05\x00"

SHA256_SIZE = 32
"""Bytes."""

MIN_RSA_BITS, MAX_RSA_BITS = 2048, 4096
"""Below: too weak.  Above: a stranger's key could keep a device busy for minutes."""

RSA_EXPONENT = 65537

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True)
class AlgorithmIdentifier:
    """SEQUENCE { algorithm, parameters ANY OPTIONAL } (RFC 5280 4.1.1.2)."""

    algorithm: bytes
    """Contents of the OBJECT IDENTIFIER."""
    parameters: bytes | None
    """The whole encoding of the parameters."""

    @classmethod
    def read(cls, reader: der.Reader) -> AlgorithmIdentifier:
        """Take one off a reader."""
        fields = der.Reader(reader.read(der.SEQUENCE))
        algorithm = fields.read(der.OBJECT_IDENTIFIER)
        parameters = None if fields.at_end() else fields.read_any()[2]
        fields.expect_end(Reason.Malformed)
        return cls(algorithm, parameters)

    def __str__(self) -> str:
        """The dotted form of the algorithm."""
        return der.oid_text(self.algorithm)


def digest_name(identifier: AlgorithmIdentifier) -> str:
    """`hashlib` name of an allowed digest algorithm."""
    name = _DIGESTS.get(identifier.algorithm)
    if name is None or identifier.parameters not in (None, _NULL):
        raise Refused(Reason.AlgorithmNotAllowed, f"digest {identifier}")
    return name


def is_sha256(identifier: AlgorithmIdentifier) -> bool:
    """Whether this names SHA-256; its parameters are absent or NULL (RFC 5754 2)."""
    is_allowed = identifier.algorithm in _DIGESTS and identifier.parameters in (None, _NULL)
    return is_allowed and _DIGESTS[identifier.algorithm] == "sha256"


def signature_names(identifier: AlgorithmIdentifier) -> tuple[str, str]:
    """(family, digest name) of an allowed signature algorithm that names its digest."""
    names = _SIGNATURES.get(identifier.algorithm)
    if names is None:
        raise Refused(Reason.AlgorithmNotAllowed, f"signature {identifier}")
    # RFC 4055 5: RSA has NULL parameters; RFC 5758 3.2: ECDSA has none.
    if identifier.parameters != (_NULL if names[0] == RSA else None):
        raise Refused(Reason.AlgorithmNotAllowed, f"parameters of signature {identifier}")
    return names


def is_rsa_encryption(identifier: AlgorithmIdentifier) -> bool:
    """The name of RSA PKCS #1 v1.5 that leaves the digest to the SignerInfo (RFC 3370 3.2)."""
    return identifier.algorithm == _RSA_ENCRYPTION and identifier.parameters == _NULL


def key_family(spki: bytes) -> str:
    """Family of an allowed public key; Refused(KeyNotAllowed) for any other.

    SubjectPublicKeyInfo ::= SEQUENCE { algorithm, subjectPublicKey BIT STRING } (RFC 5280 4.1.2.7).
    """
    fields = der.Reader(der.Reader(spki).read(der.SEQUENCE))
    identifier = AlgorithmIdentifier.read(fields)
    key = fields.read(der.BIT_STRING)[1:]
    fields.expect_end(Reason.Malformed)
    if is_rsa_encryption(identifier):
        _check_rsa_key(key)
        return RSA
    if identifier.algorithm == _EC_PUBLIC_KEY:
        _check_ec_key(identifier.parameters or b"", key)
        return ECDSA
    raise Refused(Reason.KeyNotAllowed, f"key type {identifier}")


def _check_rsa_key(key: bytes) -> None:
    # RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017 A.1.1)
    der.check(key)
    outer = der.Reader(key)
    fields = der.Reader(outer.read(der.SEQUENCE))
    outer.expect_end(Reason.Malformed)
    modulus = der.integer(fields.read(der.INTEGER))
    exponent = der.integer(fields.read(der.INTEGER))
    fields.expect_end(Reason.Malformed)
    bits = modulus.bit_length() if modulus > 0 else 0
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS or exponent != RSA_EXPONENT:
        raise Refused(Reason.KeyNotAllowed, f"RSA of {bits} bits")
    if modulus % 2 == 0:
        raise Refused(Reason.KeyNotAllowed, "an RSA modulus is odd")


def _check_ec_key(parameters: bytes, point: bytes) -> None:
    # The curve by name (RFC 5480 2.1.1), the point uncompressed (SEC 1, 2.3.3).
    reader = der.Reader(parameters)
    curve = reader.read(der.OBJECT_IDENTIFIER) if reader.next_is(der.OBJECT_IDENTIFIER) else b""
    size = _CURVE_POINT_SIZES.get(curve)
    if size is None or len(point) != size or point[0] != _UNCOMPRESSED_POINT:
        raise Refused(Reason.KeyNotAllowed, "not a point of P-256 or P-384")


def verify_signature(spki: bytes, *, digest: str, message_digest: bytes, signature: bytes) -> bool:
    """Whether the key made the signature; one public-key operation.

    `spki` has passed `key_family`.  Refused(KeyNotAllowed) if its point is not on the curve.
    """
    algorithm = utils.Prehashed(_HASHES[digest])
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as cause:
        raise Refused(Reason.KeyNotAllowed, "the public key is not valid") from cause
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message_digest, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            if not _is_ecdsa_signature(signature):
                return False
            key.verify(signature, message_digest, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _is_ecdsa_signature(signature: bytes) -> bool:
    # ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER } (RFC 3279 2.2.3); range: the library.
    try:
        der.check(signature)
        outer = der.Reader(signature)
        fields = der.Reader(outer.read(der.SEQUENCE))
        outer.expect_end(Reason.Malformed)
        positive = der.integer(fields.read(der.INTEGER)) > 0
        positive = der.integer(fields.read(der.INTEGER)) > 0 and positive
        fields.expect_end(Reason.Malformed)
    except Refused:
        return False
    return positive


def compute_digest(name: str, data: bytes) -> bytes:
    """Digest of `data`; `name` as hashlib names it."""
    return hashlib.new(name, data).digest()
