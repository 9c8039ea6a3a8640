"""Checks 18 and 19: certificates that are not quite certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import NULL, TRUE, bits, explicit, generalized_time, integer, octets, oid, sequence
from certificates import (
    CODE_SIGNING,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    TIME_STAMPING,
    purposes,
)
from corpus import Case
from parties import PRODUCT
from tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterator


def cases() -> Iterator[Case]:
    yield from shapes()


def shapes() -> Iterator[Case]:
    def malformed(name: str, sentence: str, **changes: object) -> Case:
        token = Token(PRODUCT.but(**changes))
        return Case(f"18-certificate-{name}", sentence, token, "Malformed")

    yield malformed(
        "extension-twice",
        "The signer's certificate has two extKeyUsage extensions, the first of them right.",
        extensions={"more": purposes(CODE_SIGNING)},
    )
    yield malformed(
        "eku-empty", "The signer's extKeyUsage is empty.", extensions={"eku": purposes()}
    )
    value = sequence(oid(TIME_STAMPING)) + NULL
    yield malformed(
        "eku-and-more",
        "Behind the signer's extKeyUsage, in the extension's value, stands a NULL.",
        extensions={"eku": sequence(oid(EXTENDED_KEY_USAGE), TRUE, octets(value))},
    )
    yield malformed(
        "key-usage-empty",
        "The signer's keyUsage has no bit: RFC 5280 asks for one at least.",
        extensions={"usage": sequence(oid(KEY_USAGE), TRUE, octets(bits(b"")))},
    )
    yield malformed(
        "key-usage-is-octets",
        "The signer's keyUsage is an OCTET STRING.",
        extensions={"usage": sequence(oid(KEY_USAGE), TRUE, octets(octets(b"\x80")))},
    )
    yield malformed(
        "version-4",
        "The signer's certificate is of version 4.",
        fields={"version": explicit(0, integer(3))},
    )
    yield malformed(
        "extensions-in-version-1",
        "The signer's certificate is of version 1 and has extensions.",
        fields={"version": None},
    )
    yield malformed(
        "extensions-in-version-2",
        "The signer's certificate is of version 2 and has extensions.",
        fields={"version": explicit(0, integer(1))},
    )
    yield malformed(
        "extra-field",
        "The TBSCertificate has a field too many.",
        fields={"more": explicit(4, NULL)},
    )
    yield malformed(
        "date-february-30",
        "The signer's certificate begins on February 30th.",
        not_before=b"\x17\x0d260230000000Z",
    )
    yield malformed(
        "date-without-seconds",
        "The signer's notBefore has no seconds.",
        not_before=b"\x17\x0b2601010000Z",
    )
    yield malformed(
        "date-with-offset",
        "The signer's notBefore has an offset.",
        not_before=b"\x17\x11260101000000+0100",
    )
    yield malformed(
        "date-with-fraction",
        "The signer's notBefore has a fraction.",
        not_before=generalized_time("20260101000000.5Z"),
    )
    yield malformed(
        "date-is-text",
        "The signer's notBefore is a PrintableString.",
        not_before=b"\x13\x0d260101000000Z",
    )
    yield malformed(
        "three-dates",
        "The signer's validity has three dates.",
        fields={"validity": sequence(*(b"\x17\x0d260101000000Z",) * 3)},
    )
    yield Case(
        "18-certificate-unique-identifiers",
        "The signer's certificate has issuerUniqueID and subjectUniqueID, which nobody uses.",
        Token(
            PRODUCT.but(fields={"spki": lambda spki: spki + b"\x81\x02\x00\x01\x82\x02\x00\x01"})
        ),
    )
    yield Case(
        "19-certificate-version-1",
        "The signer's certificate is of version 1: no extensions, so no purpose.",
        Token(PRODUCT.but(fields={"version": None, "extensions": None})),
        "WrongPurpose",
    )
