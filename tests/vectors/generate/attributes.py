"""Checks 9 to 12: the attributes that the signature covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import NULL, explicit, integer, octets, oid, sequence, set_as_is, utc_time
from corpus import Case
from keys import digest_algorithm
from parties import PRODUCT, STRANGER
from tokens import (
    CONTENT_TYPE,
    ID_CT_TST_INFO,
    ID_DATA,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    Token,
    attribute,
    digest_of,
    ess_cert_id,
    signing_certificate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certificates import Piece

GOOD = Token()
UNKNOWN = "1.3.6.1.4.1.13762.9"
DIGEST = octets(digest_of("sha256", GOOD.content_octets))
OTHER_DIGEST = octets(bytes(32))


def cases() -> Iterator[Case]:
    yield from presence()
    yield from repetition()
    yield from content_type()
    yield from message_digest()


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
        "by-sha1": ("is SHA-1's", octets(digest_of("sha1", content))),
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
