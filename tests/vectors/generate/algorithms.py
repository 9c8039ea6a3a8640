"""Check 8: algorithms and keys that are on the list, and agree with each other."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from asn1 import NULL, bits, explicit, integer, octets, oid, sequence, set_as_is, set_of
from certificates import Certificate
from corpus import Case
from keys import (
    EC_PUBLIC_KEY,
    ED25519,
    HASHES,
    RSA_ENCRYPTION,
    RSA_PSS,
    digest_algorithm,
    ecdsa_signature,
    key,
    rsa_signature,
)
from parties import DIRECT, PRODUCT, PRODUCTION, ROOT, authority
from tokens import Token

GOOD = Token()
RSA = DIRECT.but(name="RSA signer", key_name="rsa2048", serial=1004)
RSA_GOOD = Token(RSA)


def cases() -> Iterator[Case]:
    yield from digests()
    yield from signatures()
    yield from contradictions()
    yield from signer_keys()
    yield from authority_keys()
    yield from certificate_signatures()


def not_allowed(name: str, sentence: str, token: Token) -> Case:
    return Case(f"8-{name}", sentence, token, "AlgorithmNotAllowed")


def digests() -> Iterator[Case]:
    for digest in ("sha1", "sha224", "md5"):
        for kind, signer in (("ecdsa", PRODUCT), ("rsa", RSA)):
            if (kind, digest) == ("ecdsa", "md5"):
                continue  # there is no such signature algorithm
            yield not_allowed(
                f"{kind}-{digest}",
                f"The signer digests with {digest} throughout.",
                Token(signer, digest=digest),
            )
    for digest in ("sha512-256", "sha3-256"):
        other = digest_algorithm(digest)
        yield not_allowed(
            f"digest-{digest}",
            f"The signer's digest algorithm is {digest}, which is not on the list.",
            GOOD.but(
                signer_info={"digest_algorithm": other},
                signed_data={"digest_algorithms": set_of(other)},
            ),
        )
    for name, parameters in (("octets", octets(b"")), ("sequence", sequence())):
        yield not_allowed(
            f"digest-parameters-{name}",
            "The signer's digest algorithm has parameters that are not NULL.",
            GOOD.but(signer_info={"digest_algorithm": digest_algorithm("sha256", parameters)}),
        )
    yield not_allowed(
        "sha1-digest-under-sha256-signature",
        "The digest algorithm is SHA-1, the signature algorithm ecdsa-with-SHA256.",
        GOOD.but(
            signer_info={"digest_algorithm": digest_algorithm("sha1")},
            signed_data={"digest_algorithms": set_of(digest_algorithm("sha1"))},
        ),
    )


def signatures() -> Iterator[Case]:
    labels = {
        "ecdsa-with-sha1": ecdsa_signature("sha1"),
        "ecdsa-parameters-null": ecdsa_signature("sha256", NULL),
        "ec-public-key": sequence(oid(EC_PUBLIC_KEY), oid("1.2.840.10045.3.1.7")),
        "ecdsa-with-specified": sequence(oid("1.2.840.10045.4.3"), digest_algorithm("sha256")),
        "ed25519": ED25519,
        "dsa-with-sha256": sequence(oid("2.16.840.1.101.3.4.3.2")),
        "digest-as-signature": digest_algorithm("sha256"),
    }
    for name, label in labels.items():
        yield not_allowed(
            f"signature-{name}",
            f"A good ECDSA signature is labelled {name}.",
            GOOD.but(signer_info={"signature_algorithm": label}),
        )
    labels = {
        "sha1-with-rsa": rsa_signature("sha1"),
        "md5-with-rsa": rsa_signature("md5"),
        "rsa-parameters-absent": rsa_signature("sha256", b""),
        "rsa-encryption-parameters-absent": sequence(oid("1.2.840.113549.1.1.1")),
        "rsa-parameters-octets": rsa_signature("sha256", octets(b"")),
        "pss": sequence(oid(RSA_PSS), pss_parameters()),
        "pss-without-parameters": sequence(oid(RSA_PSS)),
    }
    for name, label in labels.items():
        yield not_allowed(
            f"signature-{name}",
            f"A good RSA PKCS #1 signature is labelled {name}.",
            RSA_GOOD.but(signer_info={"signature_algorithm": label}),
        )
    signed = set_as_is(*RSA_GOOD.attribute_list)
    yield Case(
        "15-pss-labelled-pkcs1",
        "An RSA-PSS signature, good as such, is labelled PKCS #1.",
        RSA_GOOD.but(signer_info={"signature": octets(pss_signature(signed))}),
        "SignatureInvalid",
    )
    ed25519 = DIRECT.but(name="Ed25519 signer", key_name="ed25519", serial=1005)
    yield not_allowed("ed25519", "The signer's key is Ed25519, and signs well.", Token(ed25519))


def pss_parameters() -> bytes:
    mask = sequence(oid("1.2.840.113549.1.1.8"), digest_algorithm("sha256"))
    return sequence(
        explicit(0, digest_algorithm("sha256")), explicit(1, mask), explicit(2, integer(0))
    )


def pss_signature(message: bytes) -> bytes:
    """RSA-PSS without a salt: the same each time."""
    signer = key("rsa2048").private
    assert isinstance(signer, rsa.RSAPrivateKey)
    return signer.sign(message, padding.PSS(padding.MGF1(HASHES["sha256"]), 0), HASHES["sha256"])


def contradictions() -> Iterator[Case]:
    def mismatch(name: str, sentence: str, token: Token) -> Case:
        return Case(f"8-{name}", sentence, token, "AlgorithmMismatch")

    yield mismatch(
        "signature-names-other-digest",
        "The digest algorithm is SHA-256, the signature algorithm ecdsa-with-SHA384.",
        GOOD.but(signer_info={"signature_algorithm": ecdsa_signature("sha384")}),
    )
    yield mismatch(
        "rsa-signature-names-other-digest",
        "The digest algorithm is SHA-256, the signature algorithm sha512WithRSAEncryption.",
        RSA_GOOD.but(signer_info={"signature_algorithm": rsa_signature("sha512")}),
    )
    yield mismatch(
        "digest-not-announced",
        "SignedData announces SHA-512 alone, the signer uses SHA-256.",
        GOOD.but(signed_data={"digest_algorithms": set_of(digest_algorithm("sha512"))}),
    )
    yield mismatch(
        "no-digest-announced",
        "SignedData announces no digest algorithm.",
        GOOD.but(signed_data={"digest_algorithms": set_of()}),
    )
    yield mismatch(
        "rsa-label-on-ec-key",
        "The signature algorithm is RSA's, the signer's key is on P-256.",
        GOOD.but(signer_info={"signature_algorithm": rsa_signature("sha256")}),
    )
    yield mismatch(
        "rsa-encryption-label-on-ec-key",
        "The signature algorithm is rsaEncryption, the signer's key is on P-256.",
        GOOD.but(signer_info={"signature_algorithm": RSA_ENCRYPTION}),
    )
    yield mismatch(
        "ecdsa-label-on-rsa-key",
        "The signature algorithm is ECDSA's, the signer's key is RSA.",
        RSA_GOOD.but(signer_info={"signature_algorithm": ecdsa_signature("sha256")}),
    )


def signer_with(name: str, key_name: str, spki: bytes | None = None) -> Certificate:
    fields = {} if spki is None else {"spki": spki}
    return DIRECT.but(name=name, key_name=key_name, serial=1006, fields=fields)


def signer_keys() -> Iterator[Case]:
    def key_not_allowed(name: str, sentence: str, signer: Certificate) -> Case:
        return Case(f"8-key-{name}", sentence, Token(signer), "KeyNotAllowed")

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
    yield from odd_points(key_not_allowed)


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


def odd_points(key_not_allowed: object) -> Iterator[Case]:
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
        yield key_not_allowed(  # type: ignore[operator]
            f"point-{name}", f"The signer's point is {what}.", signer
        )
    curves = {
        "curve-absent": ("no curve", b""),
        "curve-null": ("a NULL for a curve (implicitlyCA)", NULL),
        "curve-explicit": ("a curve by its parameters", explicit_p256()),
        "curve-p384-for-p256": ("the name of another curve", oid("1.3.132.0.34")),
    }
    for name, (what, parameters) in curves.items():
        signer = signer_with(name, "product-1", ec_spki(point, parameters))
        yield key_not_allowed(  # type: ignore[operator]
            name, f"The signer's key has {what}.", signer
        )


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


def authority_keys() -> Iterator[Case]:
    for name, what in (
        ("rsa1024", "1,024 bits"),
        ("rsa8192", "8,192 bits"),
        ("rsa2048-exponent-3", "the exponent 3"),
        ("p521", "a curve that is not on the list"),
    ):
        issuer = authority(f"authority {name}", name, ROOT, serial=104)
        yield Case(
            f"8-authority-key-{name}",
            f"The key of an authority below the anchor has {what}.",
            Token(PRODUCT.but(issuer=issuer)),
            "KeyNotAllowed",
        )
    for name, root, signer in (
        ("p384-root", "root-p384", "product-1"),
        ("rsa2048-root", "root-rsa2048", "product-1"),
        ("rsa4096-root", "root-rsa4096", "rsa2048"),
        ("rsa-below-p256", "root", "rsa3072"),
        ("p384-below-rsa4096", "root-rsa4096", "p384"),
    ):
        anchor = authority(f"root {name}", root, serial=105)
        middle = authority(f"middle {name}", "production", anchor, serial=106)
        token = Token(Certificate(f"signer {name}", signer, middle, 1007))
        yield Case(
            f"8-mixed-{name}",
            f"A path of different algorithms: {name}.",
            token,
            anchors=(anchor,),
        )
    for digest in ("sha384", "sha512"):
        issuer = PRODUCTION.but(digest=digest)
        yield Case(
            f"8-certificates-signed-with-{digest}",
            f"The certificates of the path are signed with {digest}, the token with SHA-256.",
            Token(PRODUCT.but(issuer=issuer, digest=digest)),
        )


def certificate_signatures() -> Iterator[Case]:
    yield not_allowed(
        "signer-certificate-sha1",
        "The signer's certificate is signed with SHA-1.",
        Token(PRODUCT.but(digest="sha1")),
    )
    yield not_allowed(
        "authority-certificate-sha1",
        "An authority's certificate below the anchor is signed with SHA-1.",
        Token(PRODUCT.but(issuer=PRODUCTION.but(digest="sha1"))),
    )
    rsa_root = authority("RSA root", "root-rsa2048", serial=107)
    for digest in ("md5", "sha1"):
        yield Case(
            f"8-signer-certificate-rsa-{digest}",
            f"The signer's certificate is signed with {digest}WithRSAEncryption.",
            Token(DIRECT.but(issuer=rsa_root, digest=digest)),
            "AlgorithmNotAllowed",
            anchors=(rsa_root,),
        )
    null = ecdsa_signature("sha256", NULL)
    yield not_allowed(
        "certificate-ecdsa-parameters-null",
        "The algorithm of the signer's certificate is ECDSA with NULL parameters.",
        Token(PRODUCT.but(fields={"algorithm": null}, outer_algorithm=null)),
    )
    ed25519_root = authority("Ed25519 authority", "ed25519", ROOT, serial=108)
    yield not_allowed(
        "certificate-signed-by-ed25519",
        "An authority below the anchor signs with Ed25519.",
        Token(DIRECT.but(issuer=ed25519_root)),
    )
    for name, changes in (
        ("inner", {"fields": {"algorithm": ecdsa_signature("sha384")}}),
        ("outer", {"outer_algorithm": ecdsa_signature("sha384")}),
    ):
        yield Case(
            f"8-certificate-two-algorithms-{name}",
            f"The {name} algorithm of the signer's certificate names SHA-384, the other SHA-256.",
            Token(PRODUCT.but(**changes)),
            "AlgorithmMismatch",
        )
    rsa_label = rsa_signature("sha256")
    yield Case(
        "8-certificate-rsa-label-under-ec-issuer",
        "The signer's certificate says RSA, its issuer's key is on P-256.",
        Token(PRODUCT.but(fields={"algorithm": rsa_label}, outer_algorithm=rsa_label)),
        "AlgorithmMismatch",
    )
    weak = ROOT.but(digest="sha1", label="myCorp-sha1")
    yield Case(
        "18-anchor-signed-with-sha1",
        "The anchor's own certificate is signed with SHA-1: nobody asks, an anchor is a name and "
        "a key.",
        Token(DIRECT.but(issuer=weak)),
        anchors=(weak,),
    )
    garbled = ROOT.but(change_signature=lambda _: b"\x00", label="myCorp-unsigned")
    yield Case(
        "18-anchor-signature-is-nothing",
        "The anchor's own signature is one zero byte: nobody asks.",
        Token(DIRECT.but(issuer=garbled)),
        anchors=(garbled,),
    )
