"""Checks 3 and 5 to 7: granted, SignedData, of a timestamp, one signer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import (
    bits,
    explicit,
    implicit,
    integer,
    named_bits,
    octets,
    oid,
    sequence,
    set_as_is,
)
from corpus import Case
from parties import OWN, PRODUCT, STRANGER
from tokens import CONTENT_TYPE, ID_CT_TST_INFO, ID_DATA, Token, attribute, status_text

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = Token()
REJECTION, WAITING, REVOCATION_WARNING, REVOCATION_NOTIFICATION = 2, 3, 4, 5


def cases() -> Iterator[Case]:
    yield from statuses()
    yield from content_types()
    yield from signed_data()
    yield from signer_infos()


def statuses() -> Iterator[Case]:
    def not_granted(name: str, sentence: str, token: Token) -> Case:
        return Case(f"3-{name}", sentence, token, "NotGranted")

    text = status_text("no")
    fail_info = named_bits(0)
    yield not_granted(
        "rejection",
        "The status is rejection, with a text and a failInfo, and there is no token.",
        GOOD.but(
            status={"status": integer(REJECTION), "text": text, "fail_info": fail_info},
            response={"token": None},
        ),
    )
    names = {
        REJECTION: "rejection",
        WAITING: "waiting",
        REVOCATION_WARNING: "revocation-warning",
        REVOCATION_NOTIFICATION: "revocation-notification",
    }
    for value, name in names.items():
        yield not_granted(
            f"{name}-with-token",
            f"The status is {name} ({value}), and a good token stands there all the same.",
            GOOD.but(status={"status": integer(value)}),
        )
    for value in (-1, 6, 256, 257, 1 << 32, 1 << 64):
        yield not_granted(
            f"status-{value}",
            f"The status is {value}: no such status, whatever is left of it in fewer bits.",
            GOOD.but(status={"status": integer(value)}),
        )
    yield not_granted(
        "granted-without-token",
        "The status is granted, and there is no token.",
        GOOD.but(response={"token": None}),
    )
    yield not_granted(
        "granted-with-mods-without-token",
        "The status is grantedWithMods, and there is no token.",
        GOOD.but(status={"status": integer(1)}, response={"token": None}),
    )
    yield not_granted(
        "granted-with-fail-info",
        "The status is granted, and a failInfo says badAlg.",
        GOOD.but(status={"fail_info": fail_info}),
    )
    yield not_granted(
        "granted-with-empty-fail-info",
        "The status is granted, and a failInfo has no bit set.",
        GOOD.but(status={"fail_info": bits(b"")}),
    )
    yield not_granted(
        "granted-with-mods-and-fail-info",
        "The status is grantedWithMods, with a text and a failInfo.",
        GOOD.but(status={"status": integer(1), "text": text, "fail_info": fail_info}),
    )


def content_types() -> Iterator[Case]:
    names = {
        "data": "1.2.840.113549.1.7.1",
        "enveloped-data": "1.2.840.113549.1.7.3",
        "digested-data": "1.2.840.113549.1.7.5",
        "authenticated-data": "1.2.840.113549.1.9.16.1.2",
        "tst-info": "1.2.840.113549.1.9.16.1.4",
        "longer-than-signed-data": "1.2.840.113549.1.7.2.1",
    }
    for name, dotted in names.items():
        yield Case(
            f"5-{name}",
            f"The ContentInfo's type is {dotted}, and its content a good SignedData.",
            GOOD.but(content_info={"type": oid(dotted)}),
            "NotSignedData",
        )


def signed_data() -> Iterator[Case]:
    def not_timestamp(name: str, sentence: str, token: Token) -> Case:
        return Case(f"6-{name}", sentence, token, "NotTimestampToken")

    for version in (0, 1, 2, 4, 5, 259):
        yield not_timestamp(
            f"version-{version}",
            f"The SignedData's version is {version}.",
            GOOD.but(signed_data={"version": integer(version)}),
        )
    names = {
        "data": "1.2.840.113549.1.7.1",
        "code-signature": "1.3.6.1.4.1.311.2.1.4",
        "ct-receipt": "1.2.840.113549.1.9.16.1.1",
    }
    for name, dotted in names.items():
        signed = attribute(CONTENT_TYPE, oid(dotted))
        yield not_timestamp(
            f"content-type-{name}",
            f"A signature of another kind ({name}), consistent in itself, over a TSTInfo.",
            GOOD.but(content={"type": oid(dotted)}, attributes={"content_type": signed}),
        )
    yield not_timestamp(
        "content-type-data-attribute-tst-info",
        "The eContentType is data, while the signed attribute says TSTInfo.",
        GOOD.but(content={"type": ID_DATA}),
    )
    yield not_timestamp(
        "content-absent",
        "The eContent is absent (a detached signature).",
        GOOD.but(content={"content": None}),
    )


def signer_infos() -> Iterator[Case]:
    def unsupported(name: str, sentence: str, token: Token) -> Case:
        return Case(f"7-{name}", sentence, token, "SignerInfoUnsupported")

    yield unsupported(
        "no-signer", "There is no SignerInfo.", GOOD.but(signed_data={"signer_infos": set_as_is()})
    )
    good, strangers = GOOD.signer_info_der, Token(STRANGER).signer_info_der
    for name, infos, what in (
        ("same-twice", (good, good), "The same SignerInfo is there twice."),
        ("stranger-first", (strangers, good), "A stranger signs first, the good signer second."),
        ("stranger-second", (good, strangers), "The good signer signs first, a stranger second."),
    ):
        token = GOOD.but(signed_data={"signer_infos": set_as_is(*infos)})
        yield unsupported(f"two-signers-{name}", what, token)
    for version in (0, 2, 3, 257):
        yield unsupported(
            f"version-{version}",
            f"The SignerInfo's version is {version}, the signer named by issuer and serial.",
            GOOD.but(signer_info={"version": integer(version)}),
        )
    key_identifier = implicit(0, bytes(range(20)))
    for version in (1, 3):
        yield unsupported(
            f"key-identifier-version-{version}",
            f"The signer is named by subjectKeyIdentifier, the version is {version}.",
            GOOD.but(signer_info={"version": integer(version), "sid": key_identifier}),
        )
    yield Case(
        "7-sid-of-three",
        "The signer's name has a third field.",
        GOOD.but(
            signer_info={"sid": sequence(PRODUCT.issuer_name, PRODUCT.serial_number, integer(1))}
        ),
        "Malformed",
    )
    yield Case(
        "7-sid-explicit",
        "The signer's issuer and serial number are wrapped in [0].",
        GOOD.but(
            signer_info={"sid": explicit(0, sequence(PRODUCT.issuer_name, PRODUCT.serial_number))}
        ),
        "Malformed",
    )
    yield Case(
        "16-signer-unknown",
        "The token names a signer whose certificate neither travels along nor is an anchor.",
        GOOD.but(bag=()),
        "SignerNotFound",
    )
    for name, sid, what in (
        ("serial", sequence(PRODUCT.issuer_name, integer(PRODUCT.serial + 1)), "serial number"),
        ("issuer", sequence(OWN.issuer_name, PRODUCT.serial_number), "issuer"),
        ("subject", sequence(PRODUCT.subject, PRODUCT.serial_number), "issuer (its own subject)"),
    ):
        yield Case(
            f"16-sid-wrong-{name}",
            f"The token names the signer with another {what}.",
            GOOD.but(signer_info={"sid": sid}),
            "SignerNotFound",
        )
    yield Case(
        "6-content-type-is-longer",
        "The eContentType begins like id-ct-TSTInfo and goes on.",
        GOOD.but(content={"type": oid("1.2.840.113549.1.9.16.1.4.1")}),
        "NotTimestampToken",
    )
    yield Case(
        "6-content-wrapped-twice",
        "The OCTET STRING of eContent holds another one, which holds the TSTInfo.",
        GOOD.but(tst_info=octets),
        "Malformed",
    )
    yield Case(
        "6-content-type-twice-in-content",
        "The EncapsulatedContentInfo names its type twice.",
        GOOD.but(content={"type": ID_CT_TST_INFO * 2}),
        "UnexpectedField",
    )
