"""Check 2: what BER or a careless encoder would write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import (
    FALSE,
    TRUE,
    bits,
    explicit,
    in_pieces,
    inside,
    integer,
    octets,
    oid,
    sequence,
    utf8,
    with_indefinite_length,
    with_long_length,
)
from certificates import (
    BASIC_CONSTRAINTS,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    SUBJECT_ALT_NAME,
    TIME_STAMPING,
)
from corpus import Case
from keys import digest_algorithm
from parties import PRODUCT, PRODUCTION
from tokens import (
    MESSAGE_DIGEST,
    Token,
    attribute,
    digest_of,
    ess_cert_id,
    signing_certificate_v2,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = Token()
UNKNOWN = "1.3.6.1.4.1.13762.9.1"


def cases() -> Iterator[Case]:
    yield from default_values()
    yield from strings()
    yield from certificate_encodings()


def default_values() -> Iterator[Case]:
    yield Case(
        "2-ordering-explicit-false",
        "The ordering is there and FALSE, its default.",
        GOOD.but(tst={"ordering": FALSE}),
        "NotDer",
    )
    extensions = explicit(1, sequence(oid(UNKNOWN), FALSE, octets(b"")))
    yield Case(
        "2-tst-extension-critical-explicit-false",
        "An extension of the TSTInfo says critical FALSE, the default.",
        GOOD.but(tst={"extensions": extensions}),
        "NotDer",
    )
    extensions = explicit(1, sequence(oid(UNKNOWN), b"\x01\x01\x01", octets(b"")))
    yield Case(
        "2-tst-extension-critical-is-01",
        "An extension of the TSTInfo says critical as BER writes it: 01.",
        GOOD.but(tst={"extensions": extensions}),
        "NotDer",
    )
    ess = ess_cert_id(PRODUCT.der, algorithm=digest_algorithm("sha256"))
    yield Case(
        "2-ess-algorithm-explicit-sha256",
        "The ESSCertIDv2 names SHA-256, its default.",
        GOOD.but(attributes={"signing_certificate_v2": signing_certificate_v2(ess)}),
        "NotDer",
    )
    signers = {
        "critical-explicit-false": (
            "An extension of the signer's certificate says critical FALSE, the default.",
            {"names": sequence(oid(SUBJECT_ALT_NAME), FALSE, octets(sequence()))},
        ),
        "ca-explicit-false": (
            "The signer's basicConstraints say cA FALSE, the default.",
            {"constraints": sequence(oid(BASIC_CONSTRAINTS), TRUE, octets(sequence(FALSE)))},
        ),
    }
    for name, (sentence, changes) in signers.items():
        token = Token(PRODUCT.but(extensions=changes))
        yield Case(f"2-certificate-{name}", sentence, token, "NotDer")
    version = {"version": explicit(0, integer(0)), "extensions": None}
    issuer = PRODUCTION.but(fields=version)
    yield Case(
        "2-certificate-version-explicit-v1",
        "An authority's certificate says version v1, the default.",
        Token(PRODUCT.but(issuer=issuer)),
        "NotDer",
    )


def strings() -> Iterator[Case]:
    yield Case(
        "2-content-in-pieces",
        "The eContent is a constructed OCTET STRING.",
        GOOD.but(content={"content": inside(in_pieces)}),
        "NotDer",
    )
    yield Case(
        "2-signature-in-pieces",
        "The signature is a constructed OCTET STRING.",
        GOOD.but(signer_info={"signature": in_pieces}),
        "NotDer",
    )
    digest = in_pieces(octets(digest_of("sha256", GOOD.content_octets)))
    yield Case(
        "2-message-digest-in-pieces",
        "The messageDigest is a constructed OCTET STRING, and signed so.",
        GOOD.but(attributes={"message_digest": attribute(MESSAGE_DIGEST, digest)}),
        "NotDer",
    )
    yield Case(
        "2-gen-time-in-pieces",
        "The genTime is a constructed GeneralizedTime.",
        GOOD.but(tst={"gen_time": in_pieces}),
        "NotDer",
    )
    yield Case(
        "2-status-text-in-pieces",
        "The status text is a constructed UTF8String.",
        GOOD.but(status={"text": sequence(in_pieces(utf8("granted")))}),
        "NotDer",
    )
    yield Case(
        "2-trailing-rubbish-in-content",
        "Behind the TSTInfo, within eContent and signed, stand bytes that are no encoding.",
        GOOD.but(tst_info=lambda der: der + b"\xff\xff\xff"),
        "NotDer",
    )


def certificate_encodings() -> Iterator[Case]:
    def signer(name: str, sentence: str, **changes: object) -> Case:
        return Case(f"2-certificate-{name}", sentence, Token(PRODUCT.but(**changes)), "NotDer")

    yield signer(
        "serial-leading-zero",
        "The signer's serial number has a needless zero octet, also where the token names it.",
        fields={"serial": b"\x02\x02\x00\x05"},
    )
    yield signer(
        "length-not-minimal",
        "The signer's certificate has a length that is too long, and its hash is bound.",
        change=with_long_length,
    )
    value = with_long_length(sequence(oid(TIME_STAMPING)), 1)
    yield signer(
        "eku-length-not-minimal",
        "The contents of the signer's EKU extension are BER.",
        extensions={"eku": sequence(oid(EXTENDED_KEY_USAGE), TRUE, octets(value))},
    )
    yield signer(
        "key-usage-padding-bits",
        "The unused bits of the signer's keyUsage are not zero.",
        extensions={"usage": sequence(oid(KEY_USAGE), TRUE, octets(bits(b"\xff", 7)))},
    )
    yield signer(
        "key-usage-trailing-zero-bits",
        "The signer's keyUsage ends with bits that are not set: a list of named bits does not.",
        extensions={"usage": sequence(oid(KEY_USAGE), TRUE, octets(bits(b"\x80", 0)))},
    )
    value = sequence(b"\x01\x01\x01")
    issuer = PRODUCTION.but(
        extensions={"constraints": sequence(oid(BASIC_CONSTRAINTS), TRUE, octets(value))}
    )
    yield Case(
        "2-certificate-ca-is-01",
        "An authority's cA is TRUE as BER writes it: 01.",
        Token(PRODUCT.but(issuer=issuer)),
        "NotDer",
    )
    yield Case(
        "2-unrelated-certificate-is-ber",
        "A certificate that nobody needs has an indefinite length.",
        GOOD.but(bag=(PRODUCT, PRODUCTION, with_indefinite_length(PRODUCTION.der))),
        "NotDer",
    )
