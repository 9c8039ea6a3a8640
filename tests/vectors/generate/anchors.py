"""Check 17: anchors come from configuration alone, and limit the scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import NULL
from certificates import (
    CRL_SIGN,
    Certificate,
    authority,
    extension,
    key_usage,
)
from corpus import Case
from parties import (
    DEVELOPMENT,
    DIRECT,
    ENGINEERING,
    FRED,
    OWN,
    PRODUCT,
    PRODUCTION,
    ROOT,
    STRANGER,
    STRANGERS_ROOT,
)
from tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = Token()
UNKNOWN = "1.3.6.1.4.1.13762.9.1"


def cases() -> Iterator[Case]:
    yield from anchors()
    yield from strangers()


def anchors() -> Iterator[Case]:
    yield Case("17-no-anchor", "There is no trust anchor.", GOOD, "NoTrustAnchor", anchors=())
    yield Case(
        "17-other-anchor",
        "The only anchor is a stranger's.",
        GOOD,
        "NotTrusted",
        anchors=(STRANGERS_ROOT,),
    )
    yield Case(
        "18-fred-at-the-company",
        "Fred's token where myCorp is the anchor: two authorities between.",
        Token(FRED),
    )
    yield Case(
        "18-fred-in-development",
        "Fred's token where development, an intermediate authority, is the anchor.",
        Token(FRED),
        anchors=(DEVELOPMENT,),
    )
    yield Case(
        "18-fred-in-production",
        "Fred's token where production is the anchor: an intermediate anchor limits the scope.",
        Token(FRED),
        "NotTrusted",
        anchors=(PRODUCTION,),
    )
    yield Case(
        "18-fred-in-production-with-everything",
        "The same, with every certificate of the company along.",
        Token(FRED, bag=(FRED, DEVELOPMENT, ENGINEERING, ROOT, PRODUCTION)),
        "NotTrusted",
        anchors=(PRODUCTION,),
    )
    yield Case(
        "18-product-in-production",
        "The product's token where production is the anchor.",
        GOOD,
        anchors=(PRODUCTION,),
    )
    yield Case(
        "18-signer-is-the-anchor-not-self-signed",
        "The anchor is the signer's certificate, which the company issued.",
        GOOD,
        anchors=(PRODUCT,),
    )
    yield Case(
        "18-anchor-is-another-signer",
        "The anchor is a signer's certificate, and not this one's.",
        GOOD,
        "NotTrusted",
        anchors=(FRED,),
    )
    leaf = Certificate("issued by a signer", "fred", PRODUCT, 1011)
    yield Case(
        "18-anchor-is-a-signer-that-issues",
        "The anchor is a signer's certificate (CA:FALSE), which has issued another signer's.",
        Token(leaf, bag=(leaf,)),
        "CertificateNotCa",
        anchors=(PRODUCT,),
    )
    for name, changes, what in (
        ("without-constraints", {"constraints": None}, "no basicConstraints"),
        ("not-for-issuing", {"usage": key_usage(CRL_SIGN)}, "a keyUsage without keyCertSign"),
    ):
        anchor = ROOT.but(label=f"myCorp-{name}", extensions=changes)
        yield Case(
            f"18-anchor-{name}",
            f"The anchor's certificate has {what}.",
            Token(DIRECT.but(issuer=anchor)),
            "CertificateNotCa",
            anchors=(anchor,),
        )
    anchor = ROOT.but(label="myCorp-without-usage", extensions={"usage": None})
    yield Case(
        "18-anchor-without-key-usage",
        "The anchor's certificate has no keyUsage.",
        Token(DIRECT.but(issuer=anchor)),
        anchors=(anchor,),
    )
    anchor = ROOT.but(
        label="myCorp-unknown-extension",
        extensions={"more": extension(UNKNOWN, NULL, critical=True)},
    )
    yield Case(
        "18-anchor-with-unknown-critical-extension",
        "The anchor has a critical extension that nobody knows: an anchor is a name and a key.",
        Token(DIRECT.but(issuer=anchor)),
        anchors=(anchor,),
    )


def strangers() -> Iterator[Case]:
    yield Case(
        "17-stranger-with-embedded-root",
        "A stranger's whole chain, root and all, travels along.",
        Token(STRANGER, bag=(STRANGER, STRANGERS_ROOT)),
        "NotTrusted",
    )
    yield Case(
        "17-stranger-self-signed",
        "A stranger's self-signed certificate travels along and signs.",
        Token(OWN),
        "NotTrusted",
    )
    alike = authority("myCorp", "strangers-root", serial=100)
    signer = Certificate("product 1", "stranger", alike, 1003)
    yield Case(
        "17-embedded-root-of-the-anchors-name",
        "A stranger's root has the anchor's name and serial number; it issued the signer.",
        Token(signer, bag=(signer, alike)),
        "CertificateSignatureInvalid",
    )
    middle = authority("production", "production", alike, serial=101)
    signer = Certificate("product 1", "stranger", middle, 1001)
    yield Case(
        "17-authority-below-a-false-root",
        "An authority with the right name is issued by a root that only bears the anchor's name.",
        Token(signer, bag=(signer, middle, alike)),
        "CertificateSignatureInvalid",
    )
    yield Case(
        "17-anchor-travels-along-for-a-stranger",
        "A stranger's token carries the true anchor's certificate.",
        Token(STRANGER, bag=(STRANGER, STRANGERS_ROOT, ROOT, PRODUCTION)),
        "NotTrusted",
    )
    forged = PRODUCT.but(key_name="stranger", signed_by="stranger")
    yield Case(
        "17-signer-signed-by-itself-under-the-issuers-name",
        "A certificate that names production as its issuer is signed by its own key.",
        Token(forged),
        "CertificateSignatureInvalid",
    )
