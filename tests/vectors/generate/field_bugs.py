"""Bugs that deployed verifiers had, one case for each: named for what went wrong there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import NULL, explicit, integer, octets, oid, sequence, utc_time
from certificates import CODE_SIGNING, purposes
from corpus import Case
from parties import OWN, PRODUCT, PRODUCTION, ROOT, STRANGER, STRANGERS_ROOT
from tokens import Token, flipped, status_text

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = Token()


def cases() -> Iterator[Case]:
    yield Case(
        "field-token-signature-not-checked",
        "The chain is good and the digests fit, but the token's signature is nobody's.",
        GOOD.but(signer_info={"signature": octets(sequence(integer(1), integer(1)))}),
        "SignatureInvalid",
        check="15",
    )
    yield Case(
        "field-leaf-picked-by-position",
        "The good signer's certificate stands first and is judged; a stranger, further back, "
        "signed.",
        Token(STRANGER, bag=(PRODUCT, PRODUCTION, ROOT, STRANGER)),
        "NotTrusted",
        check="16",
    )
    yield Case(
        "field-leaf-picked-by-position-good",
        "The signer's certificate stands last, behind its issuer's and a stranger's.",
        GOOD.but(bag=(STRANGER, PRODUCTION, PRODUCT)),
        check="16",
    )
    root = ROOT.but(label="myCorp-since-2010", not_before=utc_time("100101000000Z"))
    past = PRODUCT.but(
        not_before=utc_time("150101000000Z"),
        not_after=utc_time("160101000000Z"),
        issuer=PRODUCTION.but(issuer=root, not_before=utc_time("140101000000Z")),
    )
    yield Case(
        "field-chain-checked-at-now",
        "The signer's certificate expired in 2016; the token is of 2015.",
        Token(past, gen_time="20150601120000Z"),
        anchors=(root,),
        check="20",
    )
    yield Case(
        "field-gen-time-before-certificate",
        "The signer's certificate began in 2026; the token says 2015 and is refused today too.",
        Token(PRODUCT.but(issuer=PRODUCTION.but(issuer=root)), gen_time="20150601120000Z"),
        "CertificateNotValidAtGenTime",
        anchors=(root,),
        check="20",
    )
    yield Case(
        "field-embedded-root-trusted",
        "The token brings the stranger's own root, which is in order by itself.",
        Token(STRANGER, bag=(STRANGER, STRANGERS_ROOT)),
        "NotTrusted",
        check="17",
    )
    yield Case(
        "field-purpose-not-checked",
        "A code-signing certificate of the same authority signs a token.",
        Token(PRODUCT.but(extensions={"eku": purposes(CODE_SIGNING)})),
        "WrongPurpose",
        check="19",
    )
    yield Case(
        "field-status-not-checked",
        "The status is rejection, and a good token stands there.",
        GOOD.but(status={"status": integer(2), "text": status_text("rejected")}),
        "NotGranted",
        check="3",
    )
    yield Case(
        "field-sha256-binding-aborts",
        "The signer is bound by an ESSCertIDv2 with SHA-256, as RFC 5816 has it.",
        GOOD.but(ess="v2"),
        check="13",
    )
    yield Case(
        "field-serial-above-64-bits",
        "The serial number has 160 bits.",
        GOOD.but(tst={"serial": integer((1 << 160) - 1)}),
        check="25",
    )
    extension = sequence(oid("1.3.6.1.4.1.13762.9.1"), octets(NULL))
    yield Case(
        "field-tst-extension-aborts",
        "The TSTInfo has an extension, not critical.",
        GOOD.but(tst={"extensions": explicit(1, extension)}),
        check="29",
    )
    yield Case(
        "field-missing-binding-dereferences-null",
        "No attribute binds the signing certificate.",
        GOOD.but(ess="none"),
        "NoSigningCertificate",
        check="13",
    )
    yield Case(
        "field-status-text-overflows",
        "The status text has 2,049 bytes.",
        GOOD.but(status={"text": status_text("A" * 2049)}),
        check="3",
    )
    yield Case(
        "field-gen-time-never-compared",
        "The token is good, and older than the one that the device has accepted.",
        GOOD,
        "OlderThanFloor",
        options={"not_before": "2026-07-01T00:00:00Z"},
        check="27",
    )
    yield Case(
        "field-signature-over-nothing-else",
        "The signature is right but for its last bit.",
        Token(OWN, signer_info={"signature": flipped}),
        "SignatureInvalid",
        anchors=(OWN,),
        check="15",
    )
