"""Check 18: from the signer to an anchor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import TRUE, integer, octets, oid, sequence, utc_time
from certificates import (
    BASIC_CONSTRAINTS,
    Certificate,
    authority,
    basic_constraints,
    common_name,
)
from corpus import Case
from parties import (
    DEVELOPMENT,
    DIRECT,
    ENGINEERING,
    FRED,
    PRODUCT,
    PRODUCTION,
    ROOT,
    STRANGER,
    STRANGERS_ROOT,
)
from tokens import Token, in_der_order

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = Token()


def cases() -> Iterator[Case]:
    yield from depth()
    yield from links()
    yield from choices()
    yield from work()


def below(levels: int, **first: object) -> Certificate:
    """A signer with this many authorities between it and the root."""
    issuer = ROOT
    for level in range(1, levels + 1):
        issuer = authority(f"level {level}", f"level-{level}", issuer, serial=200 + level)
        if level == 1 and first:
            issuer = issuer.but(**first)
    return Certificate("deep signer", "product-1", issuer, 1010)


def depth() -> Iterator[Case]:
    yield Case("18-authorities-0", "No authority stands between signer and anchor.", Token(DIRECT))
    for levels in (1, 2, 3, 5, 6):
        yield Case(
            f"18-authorities-{levels}",
            f"Authorities between signer and anchor: {levels}.",
            Token(below(levels)),
        )
    yield Case(
        "18-authorities-7",
        "Authorities between signer and anchor: 7, one more than the limit.",
        Token(below(7)),
        "PathTooLong",
    )
    limits = [(0, 1, None), (0, 2, "PathTooLong"), (1, 2, None), (1, 3, "PathTooLong"),
              (2, 3, None), (127, 3, None)]  # fmt: skip
    for limit, levels, reason in limits:
        first = {"constraints": basic_constraints(ca=True, path_len=limit)}
        yield Case(
            f"18-path-len-{limit}-above-{levels - 1}",
            f"An authority with pathLen {limit} stands above {levels - 1} others.",
            Token(below(levels, extensions=first)),
            reason,
        )
    for limit, levels, reason in [(0, 0, None), (0, 1, "PathTooLong"), (1, 1, None),
                                  (1, 2, "PathTooLong")]:  # fmt: skip
        anchor = ROOT.but(
            label=f"myCorp-path-len-{limit}",
            extensions={"constraints": basic_constraints(ca=True, path_len=limit)},
        )
        chain = {
            0: DIRECT.but(issuer=anchor),
            1: PRODUCT.but(issuer=PRODUCTION.but(issuer=anchor)),
            2: FRED.but(issuer=DEVELOPMENT.but(issuer=ENGINEERING.but(issuer=anchor))),
        }
        yield Case(
            f"18-anchor-path-len-{limit}-above-{levels}",
            f"The anchor's pathLen is {limit}, and {levels} authorities stand below it.",
            Token(chain[levels]),
            reason,
            anchors=(anchor,),
        )
    old = authority("production", "production", ROOT, path_len=0, serial=101)
    new = authority("production", "level-1", old, serial=102)
    yield Case(
        "18-self-issued-authority-does-not-count",
        "An authority with pathLen 0 has certified its own new key (RFC 5280 6.1.4 l).",
        Token(PRODUCT.but(issuer=new)),
    )
    negative = sequence(oid(BASIC_CONSTRAINTS), TRUE, octets(sequence(TRUE, integer(-1))))
    yield Case(
        "18-path-len-negative",
        "An authority's pathLen is -1.",
        with_issuer(extensions={"constraints": negative}),
        "Malformed",
    )


def with_issuer(**changes: object) -> Token:
    """The product's token, its issuer's certificate changed."""
    return Token(PRODUCT.but(issuer=PRODUCTION.but(**changes)))


def links() -> Iterator[Case]:
    yield Case(
        "18-authority-missing",
        "The authority between signer and anchor does not travel along.",
        GOOD.but(bag=(PRODUCT,)),
        "NotTrusted",
    )
    yield Case(
        "18-middle-of-three-missing",
        "Of two authorities the upper one does not travel along.",
        Token(FRED, bag=(FRED, DEVELOPMENT)),
        "NotTrusted",
    )
    yield Case(
        "18-issuer-names-differ",
        "The signer's certificate names another issuer than the one that signed it.",
        Token(PRODUCT.but(fields={"issuer": common_name("Production")})),
        "NotTrusted",
    )
    yield Case(
        "18-authority-signed-by-a-stranger",
        "A stranger's key signed the authority's certificate.",
        with_issuer(signed_by="strangers-root"),
        "CertificateSignatureInvalid",
    )
    yield Case(
        "18-signer-certificate-signed-by-a-stranger",
        "A stranger's key signed the signer's certificate.",
        Token(PRODUCT.but(signed_by="stranger")),
        "CertificateSignatureInvalid",
    )
    yield Case(
        "18-signer-certificate-signed-by-the-root",
        "The root signed the signer's certificate, which names production as its issuer.",
        Token(PRODUCT.but(signed_by="root")),
        "CertificateSignatureInvalid",
    )

    def flip(signature: bytes) -> bytes:
        return signature[:-1] + bytes([signature[-1] ^ 1])

    yield Case(
        "18-signer-certificate-bit-flipped",
        "One bit of the signature on the signer's certificate is flipped.",
        Token(PRODUCT.but(change_signature=flip)),
        "CertificateSignatureInvalid",
    )
    yield Case(
        "18-authority-certificate-bit-flipped",
        "One bit of the signature on the authority's certificate is flipped.",
        with_issuer(change_signature=flip),
        "CertificateSignatureInvalid",
    )
    zero = sequence(integer(0), integer(0))
    yield Case(
        "18-certificate-signature-zero",
        "The signature on the signer's certificate has r and s zero.",
        Token(PRODUCT.but(change_signature=lambda _: zero)),
        "CertificateSignatureInvalid",
    )
    yield Case(
        "18-certificate-signature-empty",
        "The signature on the signer's certificate is empty.",
        Token(PRODUCT.but(change_signature=lambda _: b"")),
        "CertificateSignatureInvalid",
    )
    yield Case(
        "18-certificate-signature-trailing-byte",
        "The signature on the signer's certificate is followed by a byte.",
        Token(PRODUCT.but(change_signature=lambda signature: signature + b"\x00")),
        "CertificateSignatureInvalid",
    )


def choices() -> Iterator[Case]:
    rolled = ROOT.but(key_name="strangers-root", label="myCorp-other-key")
    for name, order in (("first", (ROOT, rolled)), ("second", (rolled, ROOT))):
        yield Case(
            f"18-two-anchors-of-one-name-right-one-{name}",
            f"Two anchors have the same name; the {name} one's key issued the path.",
            GOOD,
            anchors=order,
        )
    wrong = PRODUCTION.but(key_name="level-1", serial=111)
    for name, bag in (
        ("first", (PRODUCT, PRODUCTION, wrong)),
        ("second", (PRODUCT, wrong, PRODUCTION)),
    ):
        yield Case(
            f"18-two-authorities-of-one-name-right-one-{name}",
            f"Two authorities have the issuer's name; the {name} one's key is the right one.",
            GOOD.but(bag=bag),
        )
    expired = PRODUCTION.but(serial=112, not_after=utc_time("260301000000Z"))
    yield Case(
        "18-expired-and-renewed-authority",
        "Two certificates of one authority travel along, the expired one first.",
        GOOD.but(bag=(PRODUCT, expired, PRODUCTION)),
    )
    strangers = STRANGERS_ROOT.but(label="cross")
    cross = PRODUCTION.but(issuer=strangers, serial=113)
    yield Case(
        "18-cross-certified-authority",
        "The authority has two certificates, one of them issued by a root that is no anchor.",
        GOOD.but(bag=(PRODUCT, cross, PRODUCTION)),
    )
    one = authority("loop one", "level-1", serial=121)
    two = authority("loop two", "level-2", one, serial=122)
    one_by_two = one.but(issuer=two)
    signer = Certificate("signer in a loop", "product-1", one_by_two, 1012)
    yield Case(
        "18-loop",
        "Two authorities certify each other, and no anchor.",
        Token(signer, bag=(signer, one_by_two, two)),
        "NotTrusted",
    )
    itself = authority("itself", "level-3", serial=123)
    signer = Certificate("signer below itself", "product-1", itself, 1013)
    yield Case(
        "18-self-signed-authority-in-the-bag",
        "The signer's issuer is self-signed, and no anchor.",
        Token(signer, bag=(signer, itself)),
        "NotTrusted",
    )


def work() -> Iterator[Case]:
    extra = [STRANGER.but(serial=300 + number) for number in range(15)]
    yield Case(
        "18-16-certificates",
        "16 certificates travel along, most of them for nothing.",
        GOOD.but(bag=in_der_order(*extra[:14], PRODUCT, PRODUCTION)),
    )
    yield Case(
        "18-17-certificates",
        "17 certificates travel along.",
        GOOD.but(bag=(*extra, PRODUCT, PRODUCTION)),
        "TooManyCertificates",
    )
    # Each wrong authority costs two checks: its own certificate is good, the signer's is not.
    wrong = [PRODUCTION.but(key_name=f"level-{n}", serial=400 + n) for n in range(1, 5)]
    yield Case(
        "18-8-certificate-signatures",
        "Three authorities of the issuer's name are tried in vain, then the right one: 8 "
        "signatures checked.",
        GOOD.but(bag=(PRODUCT, *wrong[:3], PRODUCTION)),
    )
    yield Case(
        "18-10-certificate-signatures",
        "Four authorities of the issuer's name are tried in vain, then the right one would be: 10 "
        "signatures.",
        GOOD.but(bag=(PRODUCT, *wrong, PRODUCTION)),
        "TooMuchWork",
    )
    alike = [
        authority("one name", f"level-{number % 7 + 1}", serial=500 + number)
        for number in range(15)
    ]
    signer = Certificate("signer among many", "product-1", alike[0], 1014)
    yield Case(
        "18-15-authorities-of-one-name",
        "15 self-issued authorities of one name, which might each have issued all others.",
        Token(signer, bag=(signer, *alike)),
        "TooMuchWork",
    )
