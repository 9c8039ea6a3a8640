"""Check 8: algorithms that are on the list, and agree with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import NULL, explicit, integer, octets, oid, sequence, set_as_is, set_of
from corpus import Case
from cryptography.hazmat.primitives.asymmetric import padding, rsa
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
from parties import DIRECT, PRODUCT
from tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = Token()
RSA = DIRECT.but(name="RSA signer", key_name="rsa2048", serial=1004)
RSA_GOOD = Token(RSA)


def cases() -> Iterator[Case]:
    yield from digests()
    yield from signatures()
    yield from contradictions()


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
