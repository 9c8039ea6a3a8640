"""Checks 9 to 13 and 32: the attributes that the signature covers, and those that it does not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from asn1 import NULL, explicit, integer, octets, oid, sequence, set_as_is, utc_time
from certificates import Certificate, Piece, common_name
from corpus import Case
from keys import digest_algorithm
from parties import DIRECT, FRED, OWN, PRODUCT, PRODUCTION, ROOT, STRANGER
from tokens import (
    CONTENT_TYPE,
    ID_CT_TST_INFO,
    ID_DATA,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    Token,
    attribute,
    digest_of,
    directory_name,
    ess_cert_id,
    issuer_serial,
    signing_certificate,
    signing_certificate_v2,
)

GOOD = Token()
UNKNOWN = "1.3.6.1.4.1.13762.9"
DIGEST = octets(digest_of("sha256", GOOD.content_octets))
OTHER_DIGEST = octets(bytes(32))


def cases() -> Iterator[Case]:
    yield from presence()
    yield from repetition()
    yield from content_type()
    yield from message_digest()
    yield from binding_v2()
    yield from binding_of_both_kinds()
    yield from issuer_serials()
    yield from unsigned()


def with_attributes(**changes: Piece) -> Token:
    return GOOD.but(attributes=changes)


def presence() -> Iterator[Case]:
    without = GOOD.but(signed_bytes=lambda _: GOOD.content_octets, signer_info={"attributes": None})
    yield Case(
        "9-no-attributes",
        "There are no signed attributes: the signature is over the TSTInfo itself.",
        without,
        "NoSignedAttributes",
    )
    attributes = set_as_is(*GOOD.attribute_list)
    stripped = GOOD.but(
        tst_info=lambda _: attributes,
        signed_bytes=lambda _: attributes,
        signer_info={"attributes": None},
    )
    yield Case(
        "9-attributes-passed-off-as-content",
        "The attributes of a good token stand as its content: its signature fits, as RFC 5652's "
        "security considerations warn.",
        stripped,
        "NoSignedAttributes",
    )
    yield Case(
        "9-attributes-stripped",
        "The attributes of a good token were removed.",
        GOOD.but(signer_info={"attributes": None}),
        "NoSignedAttributes",
    )
    yield Case(
        "9-attributes-moved-to-unsigned",
        "The attributes were moved to the unsigned ones; the signature is over the TSTInfo.",
        without.but(signer_info={"unsigned": explicit(1, *GOOD.attribute_list)}),
        "NoSignedAttributes",
    )
    yield Case(
        "11-no-attribute-at-all",
        "The signed attributes are there and empty.",
        GOOD.but(order=lambda _: []),
        "WrongContentType",
    )
    for count in (16, 17):
        more = {f"x{n}": attribute(f"{UNKNOWN}.{n}", integer(n)) for n in range(count - 3)}
        yield Case(
            f"10-{count}-attributes",
            f"There are {count} different signed attributes.",
            with_attributes(**more),
            None if count == 16 else "UnexpectedField",
        )
    yield Case(
        "10-unknown-attribute",
        "A signed attribute of an unknown type has one value: it is not ours to judge.",
        with_attributes(more=attribute(UNKNOWN, sequence(NULL, NULL))),
    )
    yield Case(
        "10-signing-time",
        "A signingTime attribute says another time than genTime, which is the one that counts.",
        with_attributes(more=attribute(SIGNING_TIME, utc_time("990101000000Z"))),
    )
    protection = sequence(digest_algorithm("sha256"), b"\xa1\x0a" + oid("1.2.840.10045.4.3.2"))
    yield Case(
        "10-algorithm-protection",
        "A CMSAlgorithmProtection attribute (RFC 6211) is there, as modern signers write it.",
        with_attributes(more=attribute("1.2.840.113549.1.9.52", protection)),
    )


def repetition() -> Iterator[Case]:
    def repeated(name: str, sentence: str, **changes: Piece) -> Case:
        return Case(f"10-{name}", sentence, with_attributes(**changes), "AttributeRepeated")

    yield repeated(
        "message-digest-twice",
        "The same messageDigest attribute is there twice.",
        more=attribute(MESSAGE_DIGEST, DIGEST),
    )
    yield repeated(
        "message-digest-twice-first-wrong",
        "Two messageDigest attributes; the first on the wire is wrong.",
        more=attribute(MESSAGE_DIGEST, OTHER_DIGEST),
    )
    yield repeated(
        "message-digest-twice-last-wrong",
        "Two messageDigest attributes; the last on the wire is wrong.",
        more=attribute(MESSAGE_DIGEST, octets(b"\xff" * 32)),
    )
    yield repeated(
        "message-digest-two-values",
        "The messageDigest attribute has two values, one of them right.",
        message_digest=attribute(MESSAGE_DIGEST, DIGEST, OTHER_DIGEST),
    )
    yield repeated(
        "content-type-twice",
        "Two contentType attributes, one of them wrong.",
        more=attribute(CONTENT_TYPE, ID_DATA),
    )
    yield repeated(
        "content-type-two-values",
        "The contentType attribute has two values, one of them right.",
        content_type=attribute(CONTENT_TYPE, ID_CT_TST_INFO, ID_DATA),
    )
    strangers = sequence(sequence(ess_cert_id(STRANGER.der)))
    yield repeated(
        "signing-certificate-v2-twice",
        "Two signingCertificateV2 attributes; one binds a stranger.",
        more=attribute(SIGNING_CERTIFICATE_V2, strangers),
    )
    yield repeated(
        "signing-certificate-v2-two-values",
        "The signingCertificateV2 attribute has two values; one binds a stranger.",
        signing_certificate_v2=attribute(
            SIGNING_CERTIFICATE_V2, sequence(sequence(ess_cert_id(PRODUCT.der))), strangers
        ),
    )
    v1 = signing_certificate(ess_cert_id(PRODUCT.der, digest="sha1"))
    yield Case(
        "10-signing-certificate-v1-twice",
        "The signingCertificate attribute is there twice.",
        GOOD.but(ess="v1", attributes={"more": v1}),
        "AttributeRepeated",
    )
    yield repeated(
        "unknown-twice",
        "An attribute of an unknown type is there twice.",
        a=attribute(UNKNOWN, integer(1)),
        b=attribute(UNKNOWN, integer(2)),
    )
    yield repeated(
        "unknown-two-values",
        "An attribute of an unknown type has two values.",
        more=attribute(UNKNOWN, integer(1), integer(2)),
    )
    yield repeated(
        "signing-time-two-values",
        "The signingTime attribute has two values.",
        more=attribute(SIGNING_TIME, utc_time("260101000000Z"), utc_time("260102000000Z")),
    )


def content_type() -> Iterator[Case]:
    def wrong(name: str, sentence: str, piece: Piece) -> Case:
        token = with_attributes(content_type=piece)
        return Case(f"11-{name}", sentence, token, "WrongContentType")

    yield wrong("content-type-absent", "There is no contentType attribute.", None)
    yield wrong(
        "content-type-data",
        "The contentType attribute says data, while eContentType says TSTInfo.",
        attribute(CONTENT_TYPE, ID_DATA),
    )
    yield wrong(
        "content-type-signed-data",
        "The contentType attribute says signedData.",
        attribute(CONTENT_TYPE, oid("1.2.840.113549.1.7.2")),
    )
    yield wrong(
        "content-type-is-octets",
        "The contentType attribute holds the right octets in an OCTET STRING.",
        attribute(CONTENT_TYPE, b"\x04" + ID_CT_TST_INFO[1:]),
    )
    yield wrong(
        "content-type-is-longer",
        "The contentType attribute begins like id-ct-TSTInfo and goes on.",
        attribute(CONTENT_TYPE, oid("1.2.840.113549.1.9.16.1.4.1")),
    )


def message_digest() -> Iterator[Case]:
    def mismatch(name: str, sentence: str, piece: Piece) -> Case:
        token = with_attributes(message_digest=piece)
        return Case(f"12-{name}", sentence, token, "MessageDigestMismatch")

    content = GOOD.content_octets
    values = {
        "wrong": ("is wrong", OTHER_DIGEST),
        "of-31-octets": ("lacks its last octet", octets(DIGEST[2:-1])),
        "of-33-octets": ("has an octet too many", octets(DIGEST[2:] + b"\x00")),
        "empty": ("is empty", octets(b"")),
        "of-the-whole-octet-string": (
            "is over eContent's tag and length too",
            octets(digest_of("sha256", octets(content))),
        ),
        "by-sha512": ("is SHA-512's", octets(digest_of("sha512", content))),
        "by-sha1": ("is SHA-1's", octets(hashlib.new("sha1", content).digest())),
        "of-the-image": ("is the image's", octets(digest_of("sha256", GOOD.image))),
        "in-a-bit-string": ("is a BIT STRING", b"\x03" + octets(b"\x00" + DIGEST[2:])[1:]),
    }
    for name, (what, value) in values.items():
        piece = attribute(MESSAGE_DIGEST, value)
        yield mismatch(f"message-digest-{name}", f"The messageDigest attribute {what}.", piece)
    yield mismatch("message-digest-absent", "There is no messageDigest attribute.", None)
    yield Case(
        "12-content-changed",
        "The TSTInfo was changed after signing: another serial number.",
        GOOD.but(content={"content": lambda der: der.replace(b"\x5e\xc0\xde", b"\x5e\xc0\xdf")}),
        "MessageDigestMismatch",
    )


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
    name = common_name("production", string=_printable)
    return sequence(sequence(directory_name(name)), PRODUCT.serial_number)


def _printable(text: str) -> bytes:
    return b"\x13" + bytes([len(text)]) + text.encode("ascii")


def unsigned() -> Iterator[Case]:
    def with_unsigned(*attributes: bytes) -> dict[str, Piece]:
        return {"unsigned": explicit(1, *attributes)}

    contents = {
        "rubbish": ("something unknown", attribute(UNKNOWN, sequence(NULL))),
        "wrong-message-digest": ("a wrong messageDigest", attribute(MESSAGE_DIGEST, OTHER_DIGEST)),
        "wrong-content-type": ("a wrong contentType", attribute(CONTENT_TYPE, ID_DATA)),
        "strangers-binding": (
            "the binding of a stranger's certificate",
            signing_certificate_v2(ess_cert_id(STRANGER.der)),
        ),
        "another-token": (
            "a token over the signature, as archives keep it",
            attribute("1.2.840.113549.1.9.16.2.14", Token(STRANGER).token_der),
        ),
        "countersignature": (
            "a countersignature",
            attribute("1.2.840.113549.1.9.6", Token(STRANGER).signer_info_der),
        ),
        "no-attributes": ("INTEGERs instead of attributes", integer(1) + integer(2)),
    }
    for name, (what, attributes) in contents.items():
        yield Case(
            f"32-unsigned-{name}",
            f"The unsigned attributes hold {what}: nobody reads them.",
            GOOD.but(signer_info=with_unsigned(attributes)),
        )
    yield Case(
        "32-binding-only-unsigned",
        "The signingCertificateV2 attribute is right, and not signed.",
        GOOD.but(
            ess="none",
            signer_info=with_unsigned(signing_certificate_v2(ess_cert_id(PRODUCT.der))),
        ),
        "NoSigningCertificate",
    )
    yield Case(
        "32-message-digest-only-unsigned",
        "The messageDigest attribute is right, and not signed.",
        GOOD.but(
            attributes={"message_digest": None},
            signer_info=with_unsigned(attribute(MESSAGE_DIGEST, DIGEST)),
        ),
        "MessageDigestMismatch",
    )
