"""The corpus's keys: fixed, public, worth nothing.

`python tests/vectors/generate/keys.py` makes those that are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Callable, Union

from asn1 import NULL, oid, sequence
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

FOLDER = Path(__file__).resolve().parents[1] / "keys"

PrivateKey = Union[ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey]

HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),  # noqa: S303 - what verifiers must refuse
    "sha1": hashes.SHA1(),  # noqa: S303 - the same
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}

_DIGESTS = {
    "md5": "1.2.840.113549.2.5",
    "sha1": "1.3.14.3.2.26",
    "sha224": "2.16.840.1.101.3.4.2.4",
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
    "sha512-256": "2.16.840.1.101.3.4.2.6",
    "sha3-256": "2.16.840.1.101.3.4.2.8",
}
_RSA_SIGNATURES = {
    "md5": "1.2.840.113549.1.1.4",
    "sha1": "1.2.840.113549.1.1.5",
    "sha224": "1.2.840.113549.1.1.14",
    "sha256": "1.2.840.113549.1.1.11",
    "sha384": "1.2.840.113549.1.1.12",
    "sha512": "1.2.840.113549.1.1.13",
}
_ECDSA_SIGNATURES = {
    "sha1": "1.2.840.10045.4.1",
    "sha224": "1.2.840.10045.4.3.1",
    "sha256": "1.2.840.10045.4.3.2",
    "sha384": "1.2.840.10045.4.3.3",
    "sha512": "1.2.840.10045.4.3.4",
}

RSA_ENCRYPTION = sequence(oid("1.2.840.113549.1.1.1"), NULL)
RSA_PSS = "1.2.840.113549.1.1.10"
EC_PUBLIC_KEY = "1.2.840.10045.2.1"
ED25519 = sequence(oid("1.3.101.112"))


def digest_algorithm(name: str, parameters: bytes = b"") -> bytes:
    """AlgorithmIdentifier of a digest."""
    return sequence(oid(_DIGESTS[name]), parameters)


def rsa_signature(digest: str, parameters: bytes = NULL) -> bytes:
    """AlgorithmIdentifier of <digest>WithRSAEncryption."""
    return sequence(oid(_RSA_SIGNATURES[digest]), parameters)


def ecdsa_signature(digest: str, parameters: bytes = b"") -> bytes:
    """AlgorithmIdentifier of ecdsa-with-<digest>."""
    return sequence(oid(_ECDSA_SIGNATURES[digest]), parameters)


@dataclass(frozen=True)
class Key:
    """A private key of the corpus."""

    private: PrivateKey

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def signature_algorithm(self, digest: str) -> bytes:
        """AlgorithmIdentifier of what `sign` does."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return rsa_signature(digest)
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return ecdsa_signature(digest)
        return ED25519

    def sign(self, message: bytes, digest: str) -> bytes:
        """Always the same signature for the same message: RFC 6979, PKCS #1 v1.5, RFC 8032."""
        key = self.private
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(message, padding.PKCS1v15(), HASHES[digest])
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(message, ec.ECDSA(HASHES[digest], deterministic_signing=True))
        return key.sign(message)

    @property
    def rsa_numbers(self) -> tuple[int, int, int]:
        """(modulus, private exponent, size in octets), to make paddings by hand."""
        assert isinstance(self.private, rsa.RSAPrivateKey)
        numbers = self.private.private_numbers()
        size = (self.private.key_size + 7) // 8
        return numbers.public_numbers.n, numbers.d, size


@cache
def key(name: str) -> Key:
    """The key in keys/<name>.pem."""
    data = (FOLDER / f"{name}.pem").read_bytes()
    # Checks of a key that we know, done in each run, would take most of its time.
    private = serialization.load_pem_private_key(
        data, password=None, unsafe_skip_rsa_key_validation=True
    )
    assert isinstance(
        private, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey)
    )
    return Key(private)


def _rsa(bits: int, exponent: int = 65537) -> Callable[[], PrivateKey]:
    return lambda: rsa.generate_private_key(exponent, bits)


def _ec(curve: ec.EllipticCurve) -> Callable[[], PrivateKey]:
    return lambda: ec.generate_private_key(curve)


P256 = ec.SECP256R1()
KEYS: dict[str, Callable[[], PrivateKey]] = {
    # authorities
    "root": _ec(P256),
    "production": _ec(P256),
    "engineering": _ec(P256),
    "development": _ec(P256),
    "root-p384": _ec(ec.SECP384R1()),
    "root-rsa2048": _rsa(2048),
    "root-rsa4096": _rsa(4096),
    **{f"level-{number}": _ec(P256) for number in range(1, 8)},
    # signers
    "product-1": _ec(P256),
    "fred": _ec(P256),
    "p384": _ec(ec.SECP384R1()),
    "rsa2048": _rsa(2048),
    "rsa3072": _rsa(3072),
    "rsa4096": _rsa(4096),
    # somebody else
    "stranger": _ec(P256),
    "strangers-root": _ec(P256),
    "stranger-rsa2048": _rsa(2048),
    # keys that are not allowed
    "rsa1024": _rsa(1024),
    "rsa2047": _rsa(2047),
    "rsa4098": _rsa(4098),
    "rsa8192": _rsa(8192),
    "rsa2048-exponent-3": _rsa(2048, 3),
    "p224": _ec(ec.SECP224R1()),
    "p521": _ec(ec.SECP521R1()),
    "secp256k1": _ec(ec.SECP256K1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def make_missing() -> None:
    """Write the keys that are not there yet."""
    for name, generate in KEYS.items():
        path = FOLDER / f"{name}.pem"
        if not path.exists():
            pem = generate().private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            path.write_bytes(pem)


if __name__ == "__main__":
    make_missing()
