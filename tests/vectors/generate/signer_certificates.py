"""Check 19: what a signer's certificate may say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import NULL, TRUE, integer, octets, oid, sequence, tlv
from certificates import (
    ANY_PURPOSE,
    BASIC_CONSTRAINTS,
    CODE_SIGNING,
    CRL_SIGN,
    DECIPHER_ONLY,
    DIGITAL_SIGNATURE,
    KEY_AGREEMENT,
    KEY_CERT_SIGN,
    KEY_ENCIPHERMENT,
    NAME_CONSTRAINTS,
    NON_REPUDIATION,
    SERVER_AUTH,
    SUBJECT_ALT_NAME,
    TIME_STAMPING,
    Piece,
    basic_constraints,
    extension,
    key_usage,
    policies,
    purposes,
)
from corpus import Case
from parties import OWN, PRODUCT
from tokens import POLICY, Token

if TYPE_CHECKING:
    from collections.abc import Iterator

UNKNOWN = "1.3.6.1.4.1.13762.9.1"
EMAIL_PROTECTION, OCSP_SIGNING = "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.9"


def cases() -> Iterator[Case]:
    yield from extended_key_usage()
    yield from usage()
    yield from constraints()
    yield from critical_extensions()


def signed_by(**extensions: Piece) -> Token:
    return Token(PRODUCT.but(extensions=extensions))


def extended_key_usage() -> Iterator[Case]:
    bad = {
        "absent": ("is absent", None),
        "not-critical": ("is not critical", purposes(TIME_STAMPING, critical=False)),
        "and-code-signing": ("adds codeSigning", purposes(TIME_STAMPING, CODE_SIGNING)),
        "behind-server-auth": ("names serverAuth first", purposes(SERVER_AUTH, TIME_STAMPING)),
        "and-any-purpose": ("adds anyExtendedKeyUsage", purposes(TIME_STAMPING, ANY_PURPOSE)),
        "code-signing": ("says codeSigning", purposes(CODE_SIGNING)),
        "server-auth": ("says serverAuth", purposes(SERVER_AUTH)),
        "email-protection": ("says emailProtection", purposes(EMAIL_PROTECTION)),
        "ocsp-signing": ("says OCSPSigning, one number beyond", purposes(OCSP_SIGNING)),
        "any-purpose": ("says anyExtendedKeyUsage", purposes(ANY_PURPOSE)),
        "twice": ("says timeStamping twice", purposes(TIME_STAMPING, TIME_STAMPING)),
        "longer": ("begins like timeStamping and goes on", purposes(TIME_STAMPING + ".1")),
    }
    for name, (what, piece) in bad.items():
        yield Case(
            f"19-eku-{name}",
            f"The signer's extKeyUsage {what}.",
            signed_by(eku=piece),
            "WrongPurpose",
        )
    own = OWN.but(label="own-key-without-eku", extensions={"eku": None})
    yield Case(
        "19-eku-absent-in-the-anchor",
        "The signer is itself the anchor, and has no extKeyUsage.",
        Token(own),
        "WrongPurpose",
        anchors=(own,),
    )


def usage() -> Iterator[Case]:
    bad = {
        "key-encipherment": (DIGITAL_SIGNATURE, KEY_ENCIPHERMENT),
        "key-encipherment-alone": (KEY_ENCIPHERMENT,),
        "key-agreement": (NON_REPUDIATION, KEY_AGREEMENT),
        "key-agreement-alone": (KEY_AGREEMENT,),
        "key-cert-sign": (DIGITAL_SIGNATURE, KEY_CERT_SIGN),
        "crl-sign": (DIGITAL_SIGNATURE, CRL_SIGN),
        "crl-sign-alone": (CRL_SIGN,),
        "decipher-only": (DIGITAL_SIGNATURE, DECIPHER_ONLY),
        "decipher-only-alone": (DECIPHER_ONLY,),
        "everything": tuple(range(9)),
    }
    for name, numbers in bad.items():
        yield Case(
            f"19-key-usage-{name}",
            f"The signer's keyUsage has the bits {', '.join(map(str, numbers))}; only 0 and 1 "
            "are for signatures.",
            signed_by(usage=key_usage(*numbers)),
            "WrongKeyUsage",
        )
    good = {
        "absent": ("is absent", None),
        "not-critical": ("is not critical", key_usage(DIGITAL_SIGNATURE, critical=False)),
        "non-repudiation": ("is nonRepudiation", key_usage(NON_REPUDIATION)),
        "both": (
            "is digitalSignature and nonRepudiation",
            key_usage(DIGITAL_SIGNATURE, NON_REPUDIATION),
        ),
    }
    for name, (what, piece) in good.items():
        sentence = f"The signer's keyUsage {what}."
        yield Case(f"19-key-usage-{name}", sentence, signed_by(usage=piece))


def constraints() -> Iterator[Case]:
    authority = {"constraints": basic_constraints(ca=True)}
    yield Case(
        "19-signer-is-ca",
        "The signer's certificate says CA:TRUE.",
        signed_by(**authority),
        "SignerIsCa",
    )
    yield Case(
        "19-signer-is-ca-not-critical",
        "The signer's certificate says CA:TRUE, not critically.",
        signed_by(constraints=basic_constraints(ca=True, critical=False)),
        "SignerIsCa",
    )
    yield Case(
        "19-signer-is-ca-with-path-len-0",
        "The signer's certificate says CA:TRUE with a pathLen of 0.",
        signed_by(constraints=basic_constraints(ca=True, path_len=0)),
        "SignerIsCa",
    )
    own = OWN.but(label="own-key-ca", extensions=authority)
    yield Case(
        "19-signer-is-ca-and-the-anchor",
        "A self-signed CA:TRUE certificate, as the deployed key generator makes it, signs by "
        "itself.",
        Token(own),
        "SignerIsCa",
        anchors=(own,),
    )
    yield Case(
        "19-constraints-absent",
        "The signer's certificate has no basicConstraints.",
        signed_by(constraints=None),
    )
    yield Case(
        "19-constraints-not-critical",
        "The signer's basicConstraints say CA:FALSE, not critically.",
        signed_by(constraints=basic_constraints(ca=False, critical=False)),
    )
    value = sequence(integer(0))
    yield Case(
        "19-path-len-without-ca",
        "The signer's basicConstraints have a pathLen and no CA:TRUE.",
        signed_by(constraints=sequence(oid(BASIC_CONSTRAINTS), TRUE, octets(value))),
        "Malformed",
    )


def critical_extensions() -> Iterator[Case]:
    constraint = sequence(tlv(0xA0, sequence(tlv(0x82, b"example"))))
    unknown = {
        "unknown": ("an extension that nobody knows", extension(UNKNOWN, NULL, critical=True)),
        "name-constraints": (
            "nameConstraints",
            extension(NAME_CONSTRAINTS, constraint, critical=True),
        ),
        "inhibit-any-policy": (
            "inhibitAnyPolicy",
            extension("2.5.29.54", integer(0), critical=True),
        ),
        "key-identifier": (
            "subjectKeyIdentifier, which is never critical",
            extension("2.5.29.14", octets(bytes(20)), critical=True),
        ),
    }
    for name, (what, piece) in unknown.items():
        yield Case(
            f"18-signer-critical-{name}",
            f"The signer's certificate has a critical extension: {what}.",
            signed_by(more=piece),
            "CertificateExtensionUnknown",
        )
    good = {
        "unknown-extension": ("an unknown extension", extension(UNKNOWN, NULL)),
        "unknown-extension-of-rubbish": (
            "an unknown extension whose value is no encoding",
            extension(UNKNOWN, b"\xff\xff"),
        ),
        "critical-policies": ("critical certificatePolicies", policies(POLICY, critical=True)),
        "critical-alternative-name": (
            "a critical subjectAltName, which is read (30)",
            extension(SUBJECT_ALT_NAME, sequence(tlv(0x82, b"tsa.example")), critical=True),
        ),
        "qc-statements": (
            "qcStatements, as qualified authorities have them",
            extension("1.3.6.1.5.5.7.1.3", sequence(sequence(oid("0.4.0.1862.1.1")))),
        ),
    }
    for name, (what, piece) in good.items():
        yield Case(
            f"18-signer-{name}", f"The signer's certificate has {what}.", signed_by(more=piece)
        )
    for count in (32, 33):
        many = {f"x{number}": extension(f"{UNKNOWN}.{number}", NULL) for number in range(count - 3)}
        yield Case(
            f"18-signer-{count}-extensions",
            f"The signer's certificate has {count} extensions.",
            signed_by(**many),
            None if count == 32 else "Malformed",
        )
