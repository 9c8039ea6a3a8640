"""Check 16: the signer is the certificate that is named and bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import printable, sequence
from certificates import common_name
from corpus import Case
from parties import (
    DIRECT,
    OWN,
    PRODUCT,
    PRODUCTION,
    STRANGER,
)
from tokens import (
    Token,
    ess_cert_id,
    in_der_order,
    signing_certificate_v2,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = Token()
RSA = DIRECT.but(name="RSA signer", key_name="rsa2048", serial=1004)

# Order of the base point: X9.62, SEC 2 2.4.2 and 2.5.1.


def cases() -> Iterator[Case]:
    yield from shadows()


def shadows() -> Iterator[Case]:
    # Same issuer, same serial number, another key, and not signed by that issuer.
    shadow = PRODUCT.but(key_name="stranger", signed_by="strangers-root")
    for name, bag in (
        ("first", (shadow, PRODUCT, PRODUCTION)),
        ("last", (PRODUCT, PRODUCTION, shadow)),
    ):
        yield Case(
            f"16-shadow-{name}",
            "A certificate with the signer's issuer and serial number, but a stranger's key, "
            f"travels along ({name}).",
            GOOD.but(bag=bag),
        )
        yield Case(
            f"16-shadow-{name}-signs",
            f"The same with the stranger's signature ({name}).",
            GOOD.but(bag=bag, signature_key="stranger"),
            "SignatureInvalid",
        )
        bound = signing_certificate_v2(ess_cert_id(shadow.der))
        yield Case(
            f"16-shadow-{name}-bound-and-signs",
            f"The token binds the shadow, which signs ({name}): its certificate is a forgery.",
            GOOD.but(
                bag=bag, signature_key="stranger", attributes={"signing_certificate_v2": bound}
            ),
            "CertificateSignatureInvalid",
        )
    yield Case(
        "16-shadow-alone",
        "The shadow travels alone; the token binds the true certificate.",
        GOOD.but(bag=(shadow, PRODUCTION)),
        "SigningCertificateMismatch",
    )
    yield Case(
        "16-stranger-first",
        "A stranger's certificate stands first, and the stranger signs under the signer's name.",
        GOOD.but(bag=(STRANGER, PRODUCT, PRODUCTION), signature_key="stranger"),
        "SignatureInvalid",
    )
    yield Case(
        "16-shadow-of-an-anchor",
        "The signer is an anchor; its double with a stranger's key travels along and signs.",
        Token(OWN, bag=(OWN.but(key_name="stranger"),), signature_key="stranger"),
        "SignatureInvalid",
        anchors=(OWN,),
    )
    named = sequence(common_name("production", string=printable), PRODUCT.serial_number)
    yield Case(
        "16-sid-of-other-string-type",
        "The token names the issuer in another string type than the certificate does.",
        GOOD.but(signer_info={"sid": named}),
        "SignerNotFound",
    )
    renewed = PRODUCT.but(serial=2001)
    yield Case(
        "16-renewed-certificate",
        "Two certificates of the signer's key travel along; the token names the newer one.",
        Token(renewed, bag=in_der_order(PRODUCT, renewed, PRODUCTION)),
    )
