"""Check 13: the attributes that bind the signing certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import NULL, integer, octets, oid, printable, sequence
from certificates import Certificate, Piece, common_name
from corpus import Case
from keys import digest_algorithm
from parties import DIRECT, FRED, OWN, PRODUCT, PRODUCTION, ROOT, STRANGER
from tokens import (
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    Token,
    attribute,
    digest_of,
    directory_name,
    ess_cert_id,
    issuer_serial,
    signing_certificate,
    signing_certificate_v2,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = Token()


def cases() -> Iterator[Case]:
    yield from binding_v2()
    yield from binding_of_both_kinds()
    yield from issuer_serials()


def with_attributes(**changes: Piece) -> Token:
    return GOOD.but(attributes=changes)


def bound_by(*ids: bytes, more: bytes = b"") -> Token:
    return with_attributes(signing_certificate_v2=signing_certificate_v2(*ids, more=more))


def binding_v2() -> Iterator[Case]:
    def mismatch(name: str, sentence: str, token: Token) -> Case:
        return Case(f"13-{name}", sentence, token, "SigningCertificateMismatch")

    own = ess_cert_id(PRODUCT.der)
    yield Case(
        "13-no-binding",
        "No attribute binds the signing certificate.",
        GOOD.but(ess="none"),
        "NoSigningCertificate",
    )
    yield mismatch(
        "v2-binds-stranger",
        "The signingCertificateV2 binds another certificate.",
        bound_by(ess_cert_id(STRANGER.der)),
    )
    yield mismatch(
        "v2-binds-issuer",
        "The signingCertificateV2 binds the signer's issuer.",
        bound_by(ess_cert_id(PRODUCTION.der)),
    )
    yield mismatch(
        "v2-signer-second",
        "The signer's certificate is bound second, its issuer's first: the first counts.",
        bound_by(ess_cert_id(PRODUCTION.der), own),
    )
    digest = digest_of("sha256", PRODUCT.der)
    yield mismatch(
        "v2-hash-of-31-octets",
        "The hash of the certificate lacks its last octet.",
        bound_by(sequence(octets(digest[:-1]))),
    )
    yield mismatch(
        "v2-hash-of-33-octets",
        "The hash of the certificate has an octet too many.",
        bound_by(sequence(octets(digest + b"\x00"))),
    )
    yield mismatch(
        "v2-hash-empty", "The hash of the certificate is empty.", bound_by(sequence(octets(b"")))
    )
    yield mismatch(
        "v2-hash-of-key",
        "The hash is the key's, not the certificate's.",
        bound_by(ess_cert_id(PRODUCT.key.spki)),
    )
    yield mismatch(
        "v2-sha1-hash-without-algorithm",
        "The signingCertificateV2 holds a SHA-1 hash and names no algorithm.",
        bound_by(ess_cert_id(PRODUCT.der, digest="sha1")),
    )
    yield mismatch(
        "v2-says-sha384-hash-is-sha256",
        "The signingCertificateV2 names SHA-384 and holds a SHA-256 hash.",
        bound_by(ess_cert_id(PRODUCT.der, algorithm=digest_algorithm("sha384"))),
    )
    for name in ("sha1", "md5", "sha224"):
        ess = ess_cert_id(PRODUCT.der, digest=name, algorithm=digest_algorithm(name))
        yield Case(
            f"13-v2-by-{name}",
            f"The signingCertificateV2 names {name}, and its hash fits.",
            bound_by(ess),
            "AlgorithmNotAllowed",
        )
    for name in ("sha384", "sha512"):
        ess = ess_cert_id(PRODUCT.der, digest=name, algorithm=digest_algorithm(name))
        yield Case(f"13-v2-by-{name}", f"The signingCertificateV2 uses {name}.", bound_by(ess))
    yield Case(
        "13-v2-sha256-with-null",
        "The signingCertificateV2 names SHA-256 with NULL parameters: not the default, so DER.",
        bound_by(ess_cert_id(PRODUCT.der, algorithm=digest_algorithm("sha256", NULL))),
    )
    yield Case(
        "13-v2-whole-chain",
        "The signingCertificateV2 binds the signer, its issuer and the root.",
        bound_by(own, ess_cert_id(PRODUCTION.der), ess_cert_id(ROOT.der)),
    )
    policies = sequence(sequence(oid("1.2.3")))
    yield Case(
        "13-v2-with-policies",
        "The signingCertificateV2 has the optional policies.",
        bound_by(own, more=policies),
    )
    yield Case(
        "13-v2-without-ids",
        "The signingCertificateV2 binds nothing.",
        bound_by(),
        "Malformed",
    )
    empty = attribute(SIGNING_CERTIFICATE_V2, sequence())
    yield Case(
        "13-v2-empty",
        "The signingCertificateV2 is an empty SEQUENCE.",
        with_attributes(signing_certificate_v2=empty),
        "Malformed",
    )
    yield Case(
        "13-v2-id-of-four",
        "The ESSCertIDv2 has a field too many.",
        bound_by(ess_cert_id(PRODUCT.der, more=issuer_serial(PRODUCT) + NULL)),
        "Malformed",
    )
    yield Case(
        "13-v2-second-id-is-an-integer",
        "Behind the right ESSCertIDv2 stands an INTEGER.",
        bound_by(own, integer(1)),
        "Malformed",
    )


def binding_of_both_kinds() -> Iterator[Case]:
    v1 = ess_cert_id(PRODUCT.der, digest="sha1")
    strangers_v1 = ess_cert_id(STRANGER.der, digest="sha1")
    yield Case("13-v1", "Only signingCertificate (SHA-1) binds the signer.", GOOD.but(ess="v1"))
    yield Case("13-both", "Both attributes bind the signer.", GOOD.but(ess="both"))
    required = {"require_ess_v2": True}
    yield Case(
        "13-v1-where-v2-is-required",
        "Only signingCertificate (SHA-1) binds the signer, and the setting asks for version 2.",
        GOOD.but(ess="v1"),
        "SigningCertificateV2Required",
        options=required,
    )
    for ess in ("v2", "both"):
        yield Case(
            f"13-{ess}-where-v2-is-required",
            f"The setting asks for version 2, and the token has it ({ess}).",
            GOOD.but(ess=ess),
            options=required,
        )
    yield Case(
        "13-none-where-v2-is-required",
        "The setting asks for version 2, and no attribute binds the signer.",
        GOOD.but(ess="none"),
        "NoSigningCertificate",
        options=required,
    )
    yield Case(
        "13-both-v1-binds-stranger",
        "Version 2 binds the signer, version 1 somebody else.",
        GOOD.but(ess="both", attributes={"signing_certificate": signing_certificate(strangers_v1)}),
        "SigningCertificateMismatch",
    )
    yield Case(
        "13-both-v2-binds-stranger",
        "Version 1 binds the signer, version 2 somebody else.",
        GOOD.but(
            ess="both",
            attributes={
                "signing_certificate_v2": signing_certificate_v2(ess_cert_id(STRANGER.der))
            },
        ),
        "SigningCertificateMismatch",
    )
    yield Case(
        "13-v1-binds-stranger",
        "The signingCertificate binds another certificate.",
        GOOD.but(ess="v1", attributes={"signing_certificate": signing_certificate(strangers_v1)}),
        "SigningCertificateMismatch",
    )
    yield Case(
        "13-v1-holds-sha256",
        "The signingCertificate of version 1 holds a SHA-256 hash.",
        GOOD.but(
            ess="v1",
            attributes={"signing_certificate": signing_certificate(ess_cert_id(PRODUCT.der))},
        ),
        "SigningCertificateMismatch",
    )
    yield Case(
        "13-v1-whole-chain",
        "The signingCertificate binds the signer, its issuer and the root.",
        GOOD.but(
            ess="v1",
            attributes={
                "signing_certificate": signing_certificate(
                    v1,
                    ess_cert_id(PRODUCTION.der, digest="sha1"),
                    ess_cert_id(ROOT.der, digest="sha1"),
                )
            },
        ),
    )
    empty = attribute(SIGNING_CERTIFICATE, sequence(sequence()))
    yield Case(
        "13-v1-without-ids",
        "The signingCertificate binds nothing.",
        GOOD.but(ess="v1", attributes={"signing_certificate": empty}),
        "Malformed",
    )


def issuer_serials() -> Iterator[Case]:
    def bound_with(more: bytes) -> Token:
        return bound_by(ess_cert_id(PRODUCT.der, more=more))

    def like(certificate: Certificate, serial: bytes) -> bytes:
        return sequence(sequence(directory_name(certificate.issuer_name)), serial)

    yield Case(
        "13-issuer-serial",
        "The ESSCertIDv2 names issuer and serial number too.",
        bound_with(issuer_serial(PRODUCT)),
    )
    yield Case(
        "13-v1-issuer-serial",
        "The ESSCertID of version 1 names issuer and serial number too.",
        GOOD.but(
            ess="v1",
            attributes={
                "signing_certificate": signing_certificate(
                    ess_cert_id(PRODUCT.der, digest="sha1", more=issuer_serial(PRODUCT))
                )
            },
        ),
    )
    for name, more, what in (
        ("wrong-serial", like(PRODUCT, integer(1)), "another serial number"),
        ("wrong-issuer", like(FRED, PRODUCT.serial_number), "another issuer"),
        ("issuer-of-other-string-type", printable_issuer(), "its issuer in another string type"),
    ):
        yield Case(
            f"13-{name}",
            f"The hash is right, but the ESSCertIDv2 names {what}.",
            bound_with(more),
            "SigningCertificateMismatch",
        )
    uri = sequence(sequence(b"\x86\x04urn:"), PRODUCT.serial_number)
    yield Case(
        "13-issuer-is-a-uri",
        "The ESSCertIDv2 names the issuer by an address.",
        bound_with(uri),
        "Malformed",
    )
    two = directory_name(PRODUCT.issuer_name) + directory_name(OWN.issuer_name)
    yield Case(
        "13-two-issuers",
        "The ESSCertIDv2 names two issuers, the first of them right.",
        bound_with(sequence(sequence(two), PRODUCT.serial_number)),
        "Malformed",
    )
    yield Case(
        "16-bound-certificate-is-not-the-named-one",
        "The token names one certificate of the signer's, and binds another of the same key.",
        Token(PRODUCT, bag=(PRODUCT, DIRECT, PRODUCTION)).but(
            attributes={"signing_certificate_v2": signing_certificate_v2(ess_cert_id(DIRECT.der))}
        ),
        "SigningCertificateMismatch",
    )


def printable_issuer() -> bytes:
    name = common_name("production", string=printable)
    return sequence(sequence(directory_name(name)), PRODUCT.serial_number)
