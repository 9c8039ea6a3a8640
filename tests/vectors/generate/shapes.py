"""Checks 2 and 4: well-formed DER that is not a token, or holds more than one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import (
    NULL,
    TRUE,
    bits,
    explicit,
    integer,
    octets,
    oid,
    sequence,
    set_of,
    split,
)
from corpus import Case
from keys import digest_algorithm
from parties import IMAGE, PRODUCT, PRODUCTION
from tokens import (
    CONTENT_TYPE,
    ID_CT_TST_INFO,
    Token,
    attribute,
    digest_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = Token()
UNKNOWN = "1.3.6.1.4.1.13762.9.1"


def cases() -> Iterator[Case]:
    yield from extra_fields()
    yield from shapes()


def extra_fields() -> Iterator[Case]:
    more = {"more": NULL}
    tokens = {
        "response": ("the TimeStampResp", GOOD.but(response=more)),
        "status": ("the PKIStatusInfo", GOOD.but(status=more)),
        "content-info": ("the ContentInfo", GOOD.but(content_info=more)),
        "signed-data": ("the SignedData", GOOD.but(signed_data=more)),
        "encapsulated-content": ("the EncapsulatedContentInfo", GOOD.but(content=more)),
        "signer-info": ("the SignerInfo", GOOD.but(signer_info=more)),
        "tst-info": ("the TSTInfo, signed", GOOD.but(tst=more)),
        "accuracy": (
            "the accuracy, signed",
            GOOD.but(tst={"accuracy": sequence(integer(1), NULL)}),
        ),
    }
    for name, (what, token) in tokens.items():
        sentence = f"An element too many stands at the end of {what}."
        yield Case(f"4-extra-in-{name}", sentence, token, "UnexpectedField")
    yield Case(
        "4-token-twice",
        "The TimeStampResp holds two good tokens.",
        GOOD.but(response={"second": GOOD.token_der}),
        "UnexpectedField",
    )
    yield Case(
        "4-second-content",
        "The ContentInfo's [0] holds two SignedData.",
        GOOD.but(content_info={"content": lambda der: explicit(0, split(der)[1] * 2)}),
        "UnexpectedField",
    )
    yield Case(
        "4-second-econtent",
        "The eContent's [0] holds two OCTET STRINGs.",
        GOOD.but(content={"content": lambda der: explicit(0, split(der)[1] * 2)}),
        "UnexpectedField",
    )
    yield Case(
        "4-tst-info-twice",
        "Behind the TSTInfo, within eContent and signed, stands a second one.",
        GOOD.but(tst_info=lambda der: der * 2),
        "UnexpectedField",
    )


def shapes() -> Iterator[Case]:
    def malformed(name: str, sentence: str, token: Token) -> Case:
        return Case(f"2-shape-{name}", sentence, token, "Malformed")

    yield malformed(
        "no-status", "The TimeStampResp begins with the token.", GOOD.but(response={"status": None})
    )
    yield malformed(
        "status-is-a-boolean", "The status is a BOOLEAN.", GOOD.but(status={"status": TRUE})
    )
    yield malformed(
        "status-text-is-an-integer",
        "A status text is an INTEGER.",
        GOOD.but(status={"text": sequence(integer(1))}),
    )
    yield malformed("no-policy", "The TSTInfo has no policy.", GOOD.but(tst={"policy": None}))
    yield malformed(
        "no-serial", "The TSTInfo has no serial number.", GOOD.but(tst={"serial": None})
    )
    yield malformed("no-gen-time", "The TSTInfo has no genTime.", GOOD.but(tst={"gen_time": None}))
    yield malformed(
        "no-signature",
        "The SignerInfo has no signature.",
        GOOD.but(signer_info={"signature": None}),
    )
    yield malformed(
        "no-digest-algorithms",
        "The SignedData has no digestAlgorithms.",
        GOOD.but(signed_data={"digest_algorithms": None}),
    )
    yield malformed(
        "signature-is-a-bit-string",
        "The signature is a BIT STRING.",
        GOOD.but(signer_info={"signature": bits(GOOD.signature)}),
    )
    yield malformed(
        "content-is-a-sequence",
        "The eContent holds the TSTInfo itself, as PKCS #7 would.",
        GOOD.but(content={"content": explicit(0, GOOD.content_octets)}),
    )
    yield malformed(
        "empty-content",
        "The eContent is an empty OCTET STRING, and signed so.",
        GOOD.but(tst_info=lambda _: b""),
    )
    yield malformed(
        "certificates-twice",
        "The certificates field is there twice.",
        GOOD.but(signed_data={"certificates": lambda der: der * 2}),
    )
    yield malformed(
        "attribute-certificate",
        "Among the certificates lies one of another kind ([2], an attribute certificate).",
        GOOD.but(bag=(PRODUCT, PRODUCTION, explicit(2, PRODUCT.der))),
    )
    yield malformed(
        "fields-swapped",
        "Serial number and genTime have changed places, and are signed so.",
        GOOD.but(
            tst={
                "serial": None,
                "gen_time": lambda der: der + integer(5),
            }
        ),
    )
    three = sequence(split(digest_algorithm("sha256", NULL))[1], NULL)
    yield malformed(
        "algorithm-of-three",
        "The signer's digest algorithm has two parameters.",
        GOOD.but(signer_info={"digest_algorithm": three}),
    )
    imprint = sequence(digest_algorithm("sha256"), octets(digest_of("sha256", IMAGE)), NULL)
    yield malformed(
        "imprint-of-three",
        "The messageImprint has a third field.",
        GOOD.but(tst={"imprint": imprint}),
    )
    yield malformed(
        "attribute-without-values",
        "The contentType attribute has an empty set of values.",
        GOOD.but(attributes={"content_type": attribute(CONTENT_TYPE)}),
    )
    yield malformed(
        "attribute-of-three",
        "An attribute has a third field.",
        GOOD.but(
            attributes={"content_type": sequence(oid(CONTENT_TYPE), set_of(ID_CT_TST_INFO), NULL)}
        ),
    )
    yield malformed(
        "certificate-is-empty",
        "Among the certificates lies an empty SEQUENCE.",
        GOOD.but(bag=(PRODUCT, PRODUCTION, sequence())),
    )
    yield malformed(
        "signer-infos-hold-an-integer",
        "The only SignerInfo is an INTEGER.",
        GOOD.but(signed_data={"signer_infos": set_of(integer(1))}),
    )
    yield malformed(
        "tsa-field-empty", "The tsa field holds no name.", GOOD.but(tst={"tsa": explicit(0)})
    )
    yield malformed(
        "tst-extension-without-value",
        "An extension of the TSTInfo has no value.",
        GOOD.but(tst={"extensions": explicit(1, sequence(oid(UNKNOWN)))}),
    )
