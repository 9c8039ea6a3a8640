"""Check 8: public keys of signers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import NULL, bits, integer, octets, oid, sequence
from corpus import Case
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from keys import (
    EC_PUBLIC_KEY,
    RSA_ENCRYPTION,
    RSA_PSS,
    key,
)
from parties import DIRECT
from tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certificates import Certificate

RSA = DIRECT.but(name="RSA signer", key_name="rsa2048", serial=1004)


def cases() -> Iterator[Case]:
    yield from signer_keys()


def signer_with(name: str, key_name: str, spki: bytes | None = None) -> Certificate:
    fields = {} if spki is None else {"spki": spki}
    return DIRECT.but(name=name, key_name=key_name, serial=1006, fields=fields)


def key_not_allowed(name: str, sentence: str, signer: Certificate) -> Case:
    return Case(f"8-key-{name}", sentence, Token(signer), "KeyNotAllowed")


def signer_keys() -> Iterator[Case]:
    keys = {
        "rsa1024": "The signer's RSA key has 1,024 bits.",
        "rsa2047": "The signer's RSA key has 2,047 bits.",
        "rsa4098": "The signer's RSA key has 4,098 bits.",
        "rsa8192": "The signer's RSA key has 8,192 bits.",
        "rsa2048-exponent-3": "The signer's RSA key has the exponent 3.",
        "p224": "The signer's key is on P-224.",
        "p521": "The signer's key is on P-521.",
        "secp256k1": "The signer's key is on secp256k1.",
    }
    for name, sentence in keys.items():
        yield key_not_allowed(name, sentence, signer_with(name, name))
    modulus, _, _ = key("rsa2048").rsa_numbers
    for name, exponent, what in (
        ("huge-exponent", equivalent_exponent(), "as long as the modulus, and equivalent to 65537"),
        ("exponent-1", 1, "1: every signature is its own padding"),
    ):
        spki = rsa_spki(integer(modulus), integer(exponent))
        sentence = f"The signer's RSA exponent is {what}."
        yield key_not_allowed(name, sentence, signer_with(name, "rsa2048", spki))
    negative = b"\x02" + split_length(modulus)
    yield key_not_allowed(
        "negative-modulus",
        "The signer's RSA modulus lacks the zero octet that makes it positive.",
        signer_with("negative modulus", "rsa2048", rsa_spki(negative, integer(65537))),
    )
    pss_key = sequence(sequence(oid(RSA_PSS)), bits(rsa_public_key(integer(modulus))))
    yield key_not_allowed(
        "for-pss",
        "The signer's RSA key is marked as one for PSS.",
        signer_with("PSS key", "rsa2048", pss_key),
    )
    yield from odd_points()


def split_length(modulus: int) -> bytes:
    return b"\x82\x01\x00" + modulus.to_bytes(256, "big")


def rsa_public_key(modulus: bytes, exponent: bytes = integer(65537)) -> bytes:
    return sequence(modulus, exponent)


def rsa_spki(modulus: bytes, exponent: bytes) -> bytes:
    return sequence(RSA_ENCRYPTION, bits(rsa_public_key(modulus, exponent)))


def equivalent_exponent() -> int:
    """An exponent that verifies what 65537 verifies: congruent modulo the group's exponent."""
    private = key("rsa2048").private
    assert isinstance(private, rsa.RSAPrivateKey)
    numbers = private.private_numbers()
    return 65537 + (numbers.p - 1) * (numbers.q - 1)


def ec_spki(point: bytes, parameters: bytes = oid("1.2.840.10045.3.1.7")) -> bytes:
    return sequence(sequence(oid(EC_PUBLIC_KEY), parameters), bits(point))


def odd_points() -> Iterator[Case]:
    private = key("product-1").private
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    public = private.public_key()
    formats = serialization.PublicFormat
    point = public.public_bytes(serialization.Encoding.X962, formats.UncompressedPoint)
    compressed = public.public_bytes(serialization.Encoding.X962, formats.CompressedPoint)
    beyond = b"\x04" + b"\xff" * 64
    points = {
        "compressed": ("compressed", ec_spki(compressed)),
        "hybrid": ("in hybrid form", ec_spki(bytes([6 + (point[-1] & 1)]) + point[1:])),
        "at-infinity": ("the point at infinity", ec_spki(b"\x00")),
        "off-the-curve": (
            "not on the curve",
            ec_spki(point[:-1] + bytes([point[-1] ^ 1])),
        ),
        "beyond-the-field": ("made of coordinates that are no field elements", ec_spki(beyond)),
        "all-zero": ("made of zeros", ec_spki(b"\x04" + bytes(64))),
        "too-long": ("one byte too long", ec_spki(point + b"\x00")),
        "too-short": ("one byte too short", ec_spki(point[:-1])),
        "empty": ("empty", ec_spki(b"")),
    }
    for name, (what, spki) in points.items():
        signer = signer_with(f"point {name}", "product-1", spki)
        yield key_not_allowed(f"point-{name}", f"The signer's point is {what}.", signer)
    curves = {
        "curve-absent": ("no curve", b""),
        "curve-null": ("a NULL for a curve (implicitlyCA)", NULL),
        "curve-explicit": ("a curve by its parameters", explicit_p256()),
        "curve-p384-for-p256": ("the name of another curve", oid("1.3.132.0.34")),
    }
    for name, (what, parameters) in curves.items():
        signer = signer_with(name, "product-1", ec_spki(point, parameters))
        yield key_not_allowed(name, f"The signer's key has {what}.", signer)


def explicit_p256() -> bytes:
    """SpecifiedECDomain of P-256, with its true numbers (SEC 2, 2.4.2)."""
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    x = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
    y = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
    n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    field = sequence(oid("1.2.840.10045.1.1"), integer(prime))
    curve = sequence(octets((prime - 3).to_bytes(32, "big")), octets(b.to_bytes(32, "big")))
    base = octets(b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big"))
    return sequence(integer(1), field, curve, base, integer(n), integer(1))
