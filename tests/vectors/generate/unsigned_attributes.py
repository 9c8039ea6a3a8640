"""Check 32: the attributes that nobody reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import NULL, explicit, integer, octets, sequence
from corpus import Case
from parties import PRODUCT, STRANGER
from tokens import (
    CONTENT_TYPE,
    ID_DATA,
    MESSAGE_DIGEST,
    Token,
    attribute,
    digest_of,
    ess_cert_id,
    signing_certificate_v2,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certificates import Piece

GOOD = Token()
UNKNOWN = "1.3.6.1.4.1.13762.9"
DIGEST = octets(digest_of("sha256", GOOD.content_octets))
OTHER_DIGEST = octets(bytes(32))


def cases() -> Iterator[Case]:
    yield from unsigned()


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
