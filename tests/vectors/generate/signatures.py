"""Checks 14 and 15: what is signed, and how the signature is written."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from asn1 import NULL, explicit, integer, octets, sequence, set_as_is, split, with_long_length
from corpus import Case
from keys import digest_algorithm, key
from parties import (
    DIRECT,
)
from tokens import (
    Token,
    attribute,
    digest_of,
    flipped,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = Token()
RSA = DIRECT.but(name="RSA signer", key_name="rsa2048", serial=1004)
RSA_GOOD = Token(RSA)

# Order of the base point: X9.62, SEC 2 2.4.2 and 2.5.1.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def cases() -> Iterator[Case]:
    yield from order_of_attributes()
    yield from what_is_signed()
    yield from ecdsa_forms()
    yield from rsa_paddings()


def order_of_attributes() -> Iterator[Case]:
    def not_sorted(name: str, sentence: str, token: Token) -> Case:
        return Case(f"14-{name}", sentence, token, "AttributesNotSorted")

    yield not_sorted(
        "reversed-and-signed-so",
        "The attributes stand in reversed order, and the signature is over that order.",
        GOOD.but(order=lambda attributes: sorted(attributes, reverse=True)),
    )
    yield not_sorted(
        "reversed-signed-in-der-order",
        "The attributes stand in reversed order; the signature is over DER's order.",
        GOOD.but(
            order=lambda attributes: sorted(attributes, reverse=True),
            signed_bytes=lambda _: set_as_is(*sorted(GOOD.attribute_list)),
        ),
    )
    yield not_sorted(
        "last-two-swapped",
        "The last two attributes have changed places, and the signature is over that order.",
        GOOD.but(order=last_two_swapped),
    )
    long_first = attribute("1.2.3", octets(bytes(200)))
    yield not_sorted(
        "sorted-by-type",
        "The attributes are sorted by type; DER sorts by the whole encoding, length first.",
        GOOD.but(
            attributes={"more": long_first},
            order=lambda a: [long_first, *sorted(one for one in a if one != long_first)],
        ),
    )


def last_two_swapped(attributes: list[bytes]) -> list[bytes]:
    *first, one, two = sorted(attributes)
    return [*first, two, one]


def what_is_signed() -> Iterator[Case]:
    def invalid(name: str, sentence: str, token: Token) -> Case:
        return Case(f"15-{name}", sentence, token, "SignatureInvalid")

    yield invalid(
        "bit-flipped",
        "One bit of the signature is flipped.",
        GOOD.but(signer_info={"signature": flipped}),
    )
    yield invalid(
        "rsa-bit-flipped",
        "One bit of the RSA signature is flipped.",
        RSA_GOOD.but(signer_info={"signature": flipped}),
    )
    yield invalid(
        "by-another-key",
        "A stranger's key signs under the signer's name and certificate.",
        GOOD.but(signature_key="stranger"),
    )
    yield invalid(
        "rsa-by-another-key",
        "A stranger's RSA key signs under the signer's name and certificate.",
        RSA_GOOD.but(signature_key="stranger-rsa2048"),
    )
    yield invalid(
        "by-the-issuer",
        "The signer's issuer signs under the signer's name.",
        GOOD.but(signature_key="production"),
    )
    yield invalid(
        "over-the-implicit-tag",
        "The signature is over the attributes as they stand on the wire, tag [0] and all.",
        GOOD.but(signed_bytes=lambda signed: b"\xa0" + signed[1:]),
    )
    yield invalid(
        "over-the-contents-alone",
        "The signature is over the attributes without tag and length.",
        GOOD.but(signed_bytes=lambda signed: split(signed)[1]),
    )
    yield invalid(
        "over-the-content",
        "The signature is over the TSTInfo, as if there were no attributes.",
        GOOD.but(signed_bytes=lambda _: GOOD.content_octets),
    )
    yield invalid(
        "over-the-digest",
        "The signature is over the digest of the attributes: hashed twice.",
        GOOD.but(signed_bytes=lambda signed: digest_of("sha256", signed)),
    )
    yield invalid(
        "of-another-token",
        "The signature is that of another good token of the same signer.",
        GOOD.but(signer_info={"signature": octets(GOOD.but(gen_time="20260602120000Z").signature)}),
    )
    yield invalid(
        "attribute-added-later",
        "An attribute was added after the token was signed.",
        GOOD.but(
            signer_info={
                "attributes": explicit(
                    0, *sorted([*GOOD.attribute_list, attribute("1.2.3.4", integer(1))])
                )
            }
        ),
    )


def ecdsa_forms() -> Iterator[Case]:
    def invalid(name: str, sentence: str, signature: bytes) -> Case:
        token = GOOD.but(signer_info={"signature": octets(signature)})
        return Case(f"15-ecdsa-{name}", sentence, token, "SignatureInvalid")

    r, s = ecdsa_numbers(GOOD.signature)
    n = P256_ORDER
    pairs = {
        "r-zero": ("r is 0", 0, s),
        "s-zero": ("s is 0", r, 0),
        "both-zero": ("r and s are 0", 0, 0),
        "both-one": ("r and s are 1", 1, 1),
        "r-is-order": ("r is the order", n, s),
        "s-is-order": ("s is the order", r, n),
        "both-are-order": ("r and s are the order", n, n),
        "r-plus-order": ("r is too large by the order", r + n, s),
        "s-plus-order": ("s is too large by the order", r, s + n),
        "r-negative": ("r is negative", r - n, s),
        "s-negative": ("s is negated", r, -s),
        "swapped": ("r and s have changed places", s, r),
    }
    for name, (what, one, two) in pairs.items():
        yield invalid(name, f"In the signature, {what}.", sequence(integer(one), integer(two)))
    plain = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    good = GOOD.signature
    forms = {
        "plain": ("is r and s one behind the other, without DER", plain),
        "empty": ("is empty", b""),
        "empty-sequence": ("is an empty SEQUENCE", sequence()),
        "r-alone": ("holds r alone", sequence(integer(r))),
        "third-number": ("holds a third number", sequence(integer(r), integer(s), integer(1))),
        "trailing-byte": ("is followed by a byte", good + b"\x00"),
        "cut": ("lacks its last byte", good[:-1]),
        "length-not-minimal": ("has a length that is too long", with_long_length(good, 1)),
        "r-leading-zero": (
            "writes r with a needless zero octet",
            sequence(_padded(integer(r)), integer(s)),
        ),
        "s-leading-zero": (
            "writes s with a needless zero octet",
            sequence(integer(r), _padded(integer(s))),
        ),
        "set": ("is a SET", b"\x31" + good[1:]),
        "in-a-bit-string": ("is wrapped in a BIT STRING", b"\x03" + octets(b"\x00" + good)[1:]),
        "huge-r": ("has an r of 1,000 octets", sequence(integer(1 << 7990), integer(s))),
    }
    for name, (what, signature) in forms.items():
        yield invalid(name, f"The signature {what}.", signature)
    yield Case(
        "15-ecdsa-other-s",
        "The signature has n - s in place of s: as valid as the original (nothing is identified "
        "by its signature).",
        GOOD.but(signer_info={"signature": octets(sequence(integer(r), integer(n - s)))}),
    )


def ecdsa_numbers(signature: bytes) -> tuple[int, int]:
    r_size = signature[3]
    r = signature[4 : 4 + r_size]
    return int.from_bytes(r, "big"), int.from_bytes(signature[6 + r_size :], "big")


def _padded(number: bytes) -> bytes:
    contents = b"\x00" + split(number)[1]
    if contents[1] == 0:
        contents = b"\x00" + contents  # the first zero is the sign, so that this one is needless
    return bytes([2, len(contents)]) + contents


def rsa_paddings() -> Iterator[Case]:
    def invalid(name: str, sentence: str, signature: bytes) -> Case:
        token = RSA_GOOD.but(signer_info={"signature": octets(signature)})
        return Case(f"15-rsa-{name}", sentence, token, "SignatureInvalid")

    modulus, _, size = key("rsa2048").rsa_numbers
    digest = hashlib.sha256(set_as_is(*RSA_GOOD.attribute_list)).digest()
    info = sequence(digest_algorithm("sha256", NULL), octets(digest))

    def padded(tail: bytes, *, kind: int = 1, filler: bytes = b"\xff") -> bytes:
        return bytes([0, kind]) + filler * (size - 3 - len(tail)) + b"\x00" + tail

    short = b"\x00\x01" + b"\xff" * 8 + b"\x00" + info
    paddings = {
        "rubbish-behind-the-digest": (
            "ends in rubbish behind a short padding (Bleichenbacher's forgery)",
            short + b"\xaa" * (size - len(short)),
        ),
        "parameters-absent": (
            "holds a DigestInfo without NULL parameters",
            padded(sequence(digest_algorithm("sha256"), octets(digest))),
        ),
        "rubbish-in-parameters": (
            "holds a DigestInfo with rubbish for parameters",
            padded(sequence(digest_algorithm("sha256", octets(bytes(20))), octets(digest))),
        ),
        "block-type-2": ("is padded as for encryption", padded(info, kind=2, filler=b"\x5a")),
        "block-type-0": ("is padded with zeros", padded(info, kind=0, filler=b"\x00")),
        "padding-not-ff": ("has one padding octet that is not FF", padded(info)),
        "says-sha384": (
            "names another digest",
            padded(sequence(digest_algorithm("sha384", NULL), octets(digest))),
        ),
        "bare-digest": ("holds the bare digest", padded(digest)),
        "digest-info-is-ber": (
            "holds a DigestInfo whose length is too long",
            padded(with_long_length(info, 1)),
        ),
    }
    for name, (what, block) in paddings.items():
        if name == "padding-not-ff":
            block = block[:20] + b"\xfe" + block[21:]  # noqa: PLW2901 - this one alone
        yield invalid(f"padding-{name}", f"The RSA signature {what}.", raw_rsa(block))
    good = int.from_bytes(RSA_GOOD.signature, "big")
    numbers = {
        "zero": ("is 0", bytes(size)),
        "one": ("is 1", (1).to_bytes(size, "big")),
        "modulus": ("is the modulus", modulus.to_bytes(size, "big")),
        "leading-zero": ("has a zero octet in front", b"\x00" + RSA_GOOD.signature),
        "plus-modulus": (
            "is too large by the modulus",
            (good + modulus).to_bytes(size + 1, "big"),
        ),
        "one-octet-short": ("lacks its last octet", RSA_GOOD.signature[:-1]),
        "empty": ("is empty", b""),
        "of-384-octets": ("has zeros in front up to 384 octets", good.to_bytes(384, "big")),
    }
    for name, (what, signature) in numbers.items():
        yield invalid(name, f"The RSA signature {what}.", signature)


def raw_rsa(block: bytes) -> bytes:
    """The private operation on a block padded by hand."""
    modulus, private, size = key("rsa2048").rsa_numbers
    return pow(int.from_bytes(block, "big"), private, modulus).to_bytes(size, "big")
