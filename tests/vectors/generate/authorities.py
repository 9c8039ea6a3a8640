"""Check 18: the certificates of authorities below the anchor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import NULL, explicit, integer, oid, sequence, tlv
from certificates import (
    ANY_PURPOSE,
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
    extension,
    key_usage,
    purposes,
)
from corpus import Case
from parties import (
    FRED,
    PRODUCT,
    PRODUCTION,
)
from tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

UNKNOWN = "1.3.6.1.4.1.13762.9.1"


def cases() -> Iterator[Case]:
    yield from authorities()


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
