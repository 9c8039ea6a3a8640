"""Checks 1, 2 and 4: sizes, strict DER, nothing that does not belong there."""

from __future__ import annotations

from collections.abc import Iterator

from asn1 import (
    FALSE,
    NULL,
    TRUE,
    bits,
    explicit,
    implicit,
    in_pieces,
    integer,
    nested,
    octets,
    oid,
    sequence,
    set_of,
    split,
    tlv,
    utf8,
    with_contents,
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
from corpus import Case, container
from keys import digest_algorithm
from parties import IMAGE, PRODUCT, PRODUCTION
from tokens import (
    CONTENT_TYPE,
    ID_CT_TST_INFO,
    MESSAGE_DIGEST,
    Token,
    attribute,
    digest_of,
    ess_cert_id,
    signing_certificate_v2,
    status_text,
)

GOOD = Token()
UNKNOWN = "1.3.6.1.4.1.13762.9.1"


def cases() -> Iterator[Case]:
    yield from whole_input()
    yield from lengths()
    yield from primitives()
    yield from default_values()
    yield from strings()
    yield from certificate_encodings()
    yield from depth()
    yield from extra_fields()
    yield from shapes()


def whole_input() -> Iterator[Case]:
    for name, more, what in (
        ("zero-byte", b"\x00", "a zero byte"),
        ("null", NULL, "a well-formed NULL"),
        ("second-token", GOOD.der, "a second, equally good token"),
    ):
        yield Case(
            f"1-trailing-{name}",
            f"Behind the TimeStampResp, within the announced size, stands {what}.",
            container(GOOD.der + more, IMAGE),
            "TrailingData",
        )
    for size in (1, 2, 5, len(GOOD.der) // 2, len(GOOD.der) - 1):
        yield Case(
            f"2-cut-after-{size}-bytes" if size <= 5 else f"2-cut-{len(GOOD.der) - size}-bytes",
            "The token ends early, and the header agrees with that.",
            container(GOOD.der[:size], IMAGE),
            "NotDer",
        )
    yield Case(
        "2-empty-sequence",
        "The token is an empty SEQUENCE.",
        container(sequence(), IMAGE),
        "Malformed",
    )
    yield Case(
        "2-not-asn1-at-all",
        "The token is text.",
        container(b"-----BEGIN TIMESTAMP-----\n", IMAGE),
        "NotDer",
    )
    yield Case(
        "2-set-instead-of-sequence",
        "The TimeStampResp is tagged as a SET.",
        GOOD.but(change=lambda der: b"\x31" + der[1:]),
        "Malformed",
    )


def lengths() -> Iterator[Case]:
    def not_der(name: str, sentence: str, token: Token) -> Case:
        return Case(f"2-{name}", sentence, token, "NotDer")

    yield not_der(
        "outer-length-not-minimal",
        "The TimeStampResp's length has four octets where two would do.",
        GOOD.but(change=with_long_length),
    )
    yield not_der(
        "outer-length-indefinite",
        "The TimeStampResp has an indefinite length.",
        GOOD.but(change=with_indefinite_length),
    )
    yield not_der(
        "signed-data-length-indefinite",
        "The SignedData has an indefinite length.",
        GOOD.but(content_info={"content": _inside(with_indefinite_length)}),
    )
    yield not_der(
        "tst-info-length-not-minimal",
        "The TSTInfo's length is too long, and signed so.",
        GOOD.but(tst_info=with_long_length),
    )
    yield not_der(
        "serial-length-not-minimal",
        "The serial number's length octets are 81 03.",
        GOOD.but(tst={"serial": lambda der: with_long_length(der, 1)}),
    )
    yield not_der(
        "signature-length-not-minimal",
        "The signature's length has one octet too many.",
        GOOD.but(signer_info={"signature": lambda der: with_long_length(der, 2)}),
    )
    yield not_der(
        "attribute-length-not-minimal",
        "An attribute's length is too long, and signed so.",
        GOOD.but(attributes={"message_digest": with_long_length}),
    )
    yield not_der(
        "length-of-five-octets",
        "The TimeStampResp's length has five octets.",
        GOOD.but(change=lambda der: with_long_length(der, 5)),
    )
    yield not_der(
        "length-beyond-the-end",
        "The TimeStampResp announces one byte more than there is.",
        GOOD.but(change=lambda der: _longer(der, 1)),
    )
    yield not_der(
        "length-near-4-gib",
        "The TimeStampResp announces almost 4 GiB.",
        GOOD.but(change=lambda der: b"\x30\x84\xff\xff\xff\xff" + split(der)[1]),
    )
    yield not_der(
        "inner-length-beyond-its-parent",
        "The last field of the TSTInfo reaches beyond it.",
        GOOD.but(tst={"nonce": b"\x02\x04\x01\x02"}),
    )
    yield not_der(
        "length-reserved-ff",
        "A length octet is FF, which X.690 reserves.",
        GOOD.but(change=lambda der: b"\x30\xff" + split(der)[1]),
    )


def _inside(change: object) -> object:
    # For the one value that an explicit tag wraps.
    return lambda der: with_contents(der, change(split(der)[1]))  # type: ignore[operator]


def _longer(encoding: bytes, by: int) -> bytes:
    contents = split(encoding)[1]
    return encoding[:2] + (len(contents) + by).to_bytes(2, "big") + contents


def primitives() -> Iterator[Case]:
    fields: list[tuple[str, str, dict[str, bytes]]] = [
        ("serial-leading-zero", "The serial number has a needless zero octet.",
         {"serial": b"\x02\x02\x00\x01"}),
        ("serial-leading-ones", "The negative serial number has a needless FF octet.",
         {"serial": b"\x02\x02\xff\x80"}),
        ("serial-empty", "The serial number has no octets.", {"serial": b"\x02\x00"}),
        ("version-leading-zero", "The TSTInfo's version is 00 01.",
         {"version": b"\x02\x02\x00\x01"}),
        ("nonce-leading-zero", "The nonce has a needless zero octet.",
         {"nonce": b"\x02\x03\x00\x00\x80"}),
        ("nonce-empty", "The nonce has no octets.", {"nonce": b"\x02\x00"}),
        ("accuracy-seconds-leading-zero", "The accuracy's seconds have a needless zero octet.",
         {"accuracy": sequence(b"\x02\x02\x00\x01")}),
        ("accuracy-millis-leading-zero", "The accuracy's millis have a needless zero octet.",
         {"accuracy": sequence(implicit(0, b"\x00\x01"))}),
        ("accuracy-micros-empty", "The accuracy's micros have no octets.",
         {"accuracy": sequence(implicit(1, b""))}),
        ("ordering-is-01", "The ordering is TRUE as BER writes it: 01.",
         {"ordering": b"\x01\x01\x01"}),
        ("ordering-of-two-octets", "The ordering has two octets.",
         {"ordering": b"\x01\x02\xff\xff"}),
        ("ordering-empty", "The ordering has no octets.", {"ordering": b"\x01\x00"}),
        ("policy-leading-80", "An arc of the policy begins with 80.",
         {"policy": b"\x06\x04\x2b\x80\x01\x01"}),
        ("policy-unfinished-arc", "The policy's last arc does not end.",
         {"policy": b"\x06\x03\x2b\x06\x81"}),
        ("policy-empty", "The policy has no octets.", {"policy": b"\x06\x00"}),
        ("null-with-contents", "The NULL parameters of the imprint's algorithm have contents.",
         {"imprint": sequence(digest_algorithm("sha256", b"\x05\x01\x00"),
                              octets(digest_of("sha256", IMAGE)))}),
        ("end-of-contents", "End-of-contents octets stand at the end of the TSTInfo.",
         {"more": b"\x00\x00"}),
        ("high-tag-number", "A tag number of 31 stands at the end of the TSTInfo.",
         {"more": b"\x9f\x1f\x01\x00"}),
        ("high-tag-form-of-a-low-tag", "The nonce's tag is written in the long form.",
         {"nonce": b"\x1f\x02\x01\x05"}),
        ("primitive-sequence", "The accuracy is a SEQUENCE that is not constructed.",
         {"accuracy": b"\x10\x03\x02\x01\x01"}),
        ("constructed-integer", "The serial number is constructed.",
         {"serial": b"\x22\x03\x02\x01\x05"}),
    ]  # fmt: skip
    for name, sentence, changes in fields:
        yield Case(f"2-{name}", sentence, GOOD.but(tst=changes), "NotDer")
    yield Case(
        "2-fail-info-padding-bits",
        "A failInfo's unused bits are not zero.",
        GOOD.but(status={"fail_info": bits(b"\xff", 2)}),
        "NotDer",
    )
    yield Case(
        "2-bit-string-empty",
        "A failInfo lacks the octet that counts its unused bits.",
        GOOD.but(status={"fail_info": b"\x03\x00"}),
        "NotDer",
    )
    yield Case(
        "2-bit-string-8-unused",
        "A failInfo claims eight unused bits.",
        GOOD.but(status={"fail_info": bits(b"\x00", 8)}),
        "NotDer",
    )
    yield Case(
        "2-status-leading-zero",
        "The status is 00 00.",
        GOOD.but(status={"status": b"\x02\x02\x00\x00"}),
        "NotDer",
    )
    yield Case(
        "2-signer-info-version-leading-zero",
        "The SignerInfo's version is 00 01.",
        GOOD.but(signer_info={"version": b"\x02\x02\x00\x01"}),
        "NotDer",
    )


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
        GOOD.but(content={"content": _inside(in_pieces)}),
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


def depth() -> Iterator[Case]:
    # Unsigned attributes lie 9 levels deep: their values begin on the 10th.
    for levels in (31, 32, 33, 400):
        value = nested(levels - 9)
        token = GOOD.but(signer_info={"unsigned": explicit(1, attribute(UNKNOWN, value))})
        yield Case(
            f"2-depth-{levels}",
            f"An unsigned attribute holds structures nested down to level {levels} of the token.",
            token,
            None if levels <= 31 else "NotDer",
        )
    for levels in (31, 32):
        token = GOOD.but(tst={"tsa": explicit(0, nested(levels - 2))})
        yield Case(
            f"2-depth-of-tst-info-{levels}",
            f"The TSTInfo nests {levels} levels deep in its tsa field, which names nobody.",
            token,
            "WrongTsaName" if levels <= 31 else "NotDer",
        )


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
                "serial": lambda der: b"",
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
