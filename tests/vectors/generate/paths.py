"""Checks 17, 18, 20, 23 and 31: from the signer to an anchor."""

from __future__ import annotations


from collections.abc import Iterator

from asn1 import NULL, TRUE, explicit, integer, octets, oid, sequence, tlv, utc_time
from certificates import (
    ANY_PURPOSE,
    BASIC_CONSTRAINTS,
    CODE_SIGNING,
    CRL_SIGN,
    DIGITAL_SIGNATURE,
    KEY_CERT_SIGN,
    NAME_CONSTRAINTS,
    SERVER_AUTH,
    TIME_STAMPING,
    Certificate,
    Piece,
    authority,
    basic_constraints,
    common_name,
    extension,
    key_usage,
    purposes,
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

GOOD = Token()
UNKNOWN = "1.3.6.1.4.1.13762.9.1"


def cases() -> Iterator[Case]:
    yield from anchors()
    yield from strangers()
    yield from depth()
    yield from authorities()
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


def authorities() -> Iterator[Case]:
    def authority_with(name: str, what: str, reason: str | None, **changes: Piece) -> Case:
        return Case(
            f"18-authority-{name}",
            f"The certificate of an authority below the anchor {what}.",
            with_issuer(extensions=changes),
            reason,
        )

    yield authority_with(
        "without-constraints", "has no basicConstraints", "CertificateNotCa", constraints=None
    )
    yield authority_with(
        "ca-false", "says CA:FALSE", "CertificateNotCa", constraints=basic_constraints(ca=False)
    )
    yield authority_with(
        "constraints-not-critical",
        "says CA:TRUE, not critically",
        None,
        constraints=basic_constraints(ca=True, critical=False),
    )
    yield authority_with(
        "without-key-cert-sign",
        "has a keyUsage without keyCertSign",
        "WrongKeyUsage",
        usage=key_usage(CRL_SIGN),
    )
    yield authority_with(
        "digital-signature-alone",
        "has the keyUsage of a signer",
        "WrongKeyUsage",
        usage=key_usage(DIGITAL_SIGNATURE),
    )
    yield authority_with(
        "many-usages",
        "has digitalSignature beside keyCertSign",
        None,
        usage=key_usage(DIGITAL_SIGNATURE, KEY_CERT_SIGN, CRL_SIGN),
    )
    yield authority_with("without-key-usage", "has no keyUsage", None, usage=None)
    constraint = sequence(tlv(0xA0, sequence(tlv(0x82, b"example"))))
    critical = {
        "unknown": (UNKNOWN, NULL),
        "name-constraints": (NAME_CONSTRAINTS, constraint),
        "policy-constraints": ("2.5.29.36", sequence(tlv(0x80, b"\x00"))),
        "policy-mappings": ("2.5.29.33", sequence(sequence(oid("1.2.3"), oid("1.2.4")))),
        "inhibit-any-policy": ("2.5.29.54", integer(0)),
    }
    for name, (kind, value) in critical.items():
        yield authority_with(
            f"critical-{name}",
            f"has a critical extension: {name}",
            "CertificateExtensionUnknown",
            more=extension(kind, value, critical=True),
        )
    yield authority_with(
        "unknown-extension",
        "has an unknown extension, not critical",
        None,
        more=extension(UNKNOWN, NULL),
    )
    yield authority_with(
        "for-time-stamping", "is for timeStamping", None, eku=purposes(TIME_STAMPING)
    )
    yield authority_with("for-any-purpose", "is for any purpose", None, eku=purposes(ANY_PURPOSE))
    yield authority_with(
        "for-several-purposes",
        "is for serverAuth and timeStamping",
        None,
        eku=purposes(SERVER_AUTH, TIME_STAMPING, critical=False),
    )
    yield authority_with(
        "for-code-signing", "is for codeSigning alone", "WrongPurpose", eku=purposes(CODE_SIGNING)
    )
    for version in (None, explicit(0, integer(1))):
        fields = {"version": version, "extensions": None}
        number = 2 if version else 1
        yield Case(
            f"18-authority-version-{number}",
            f"An authority's certificate is of version {number}: it says nothing of CA:TRUE.",
            with_issuer(fields=fields),
            "CertificateNotCa",
        )
    fred = Certificate("Fred's own authority", "stranger", FRED, 1)
    yield Case(
        "18-signer-issues-a-signer",
        "Fred, whose certificate is a signer's, issues another one.",
        Token(fred),
        "CertificateNotCa",
    )
    middle = authority("Fred's authority", "level-1", FRED)
    signer = Certificate("Fred's friend", "stranger", middle, 2)
    yield Case(
        "18-signer-issues-an-authority",
        "Fred, whose certificate is a signer's, issues an authority, and that one a signer.",
        Token(signer),
        "CertificateNotCa",
    )


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
        GOOD.but(bag=(*extra[:14], PRODUCT, PRODUCTION)),
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
        "PathTooLong",
    )
