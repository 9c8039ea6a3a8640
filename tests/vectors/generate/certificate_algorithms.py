"""Check 8: the keys and signatures of authorities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import NULL
from certificates import Certificate
from corpus import Case
from keys import (
    ecdsa_signature,
    rsa_signature,
)
from parties import DIRECT, PRODUCT, PRODUCTION, ROOT, authority
from tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

RSA = DIRECT.but(name="RSA signer", key_name="rsa2048", serial=1004)


def cases() -> Iterator[Case]:
    yield from authority_keys()
    yield from certificate_signatures()


def not_allowed(name: str, sentence: str, token: Token) -> Case:
    return Case(f"8-{name}", sentence, token, "AlgorithmNotAllowed")


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
