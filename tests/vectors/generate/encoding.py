"""Checks 1 and 2: the whole input, lengths, primitive values, depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import (
    NULL,
    bits,
    explicit,
    implicit,
    inside,
    nested,
    octets,
    sequence,
    split,
    with_indefinite_length,
    with_long_length,
)
from corpus import Case, container
from keys import digest_algorithm
from parties import IMAGE
from tokens import (
    Token,
    attribute,
    digest_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = Token()
UNKNOWN = "1.3.6.1.4.1.13762.9.1"


def cases() -> Iterator[Case]:
    yield from whole_input()
    yield from lengths()
    yield from primitives()
    yield from depth()


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
        GOOD.but(content_info={"content": inside(with_indefinite_length)}),
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
