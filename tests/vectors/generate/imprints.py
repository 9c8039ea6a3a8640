"""Check 22: the imprint and the image."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from asn1 import (
    NULL,
    octets,
    sequence,
)
from corpus import Case, container
from keys import digest_algorithm
from parties import IMAGE
from tokens import Token, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certificates import Piece

GOOD = Token()
UNKNOWN = "1.3.6.1.4.1.13762.9.1"


def cases() -> Iterator[Case]:
    yield from imprints()
    yield from images()


def with_tst(**changes: Piece) -> Token:
    return GOOD.but(tst=changes)


def imprints() -> Iterator[Case]:
    def imprint(digest: str, value: bytes, parameters: bytes = b"") -> Token:
        return with_tst(imprint=sequence(digest_algorithm(digest, parameters), octets(value)))

    def not_sha256(name: str, sentence: str, token: Token) -> Case:
        return Case(f"22-imprint-{name}", sentence, token, "ImprintNotSha256")

    for digest in ("md5", "sha1", "sha224", "sha384", "sha512"):
        value = hashlib.new(digest, IMAGE).digest()
        yield not_sha256(digest, f"The imprint is the image's {digest}.", imprint(digest, value))
    sha256 = digest_of("sha256", IMAGE)
    yield not_sha256(
        "labelled-sha512", "The right SHA-256 is labelled SHA-512.", imprint("sha512", sha256)
    )
    yield not_sha256(
        "sha512-labelled-sha256",
        "A SHA-512 is labelled SHA-256.",
        imprint("sha256", digest_of("sha512", IMAGE)),
    )
    yield not_sha256(
        "of-31-octets", "The SHA-256 lacks its last octet.", imprint("sha256", sha256[:-1])
    )
    yield not_sha256(
        "of-33-octets", "The SHA-256 has an octet too many.", imprint("sha256", sha256 + b"\x00")
    )
    yield not_sha256("empty", "The imprint is empty.", imprint("sha256", b""))
    yield not_sha256(
        "with-odd-parameters",
        "The algorithm is SHA-256 with an OCTET STRING for parameters.",
        imprint("sha256", sha256, octets(b"")),
    )
    yield Case(
        "22-imprint-parameters-null",
        "The algorithm of the imprint is SHA-256 with NULL parameters.",
        imprint("sha256", sha256, NULL),
    )

    def mismatch(name: str, sentence: str, image: bytes, token: Token = GOOD) -> Case:
        return Case(f"22-{name}", sentence, container(token.der, image), "ImageMismatch")

    changed = IMAGE[:-1] + bytes([IMAGE[-1] ^ 1])
    yield mismatch("image-bit-flipped", "One bit of the image is flipped.", changed)
    first = bytes([IMAGE[0] ^ 0x80]) + IMAGE[1:]
    yield mismatch("image-first-bit-flipped", "The first bit of the image is flipped.", first)
    yield mismatch("image-one-byte-short", "The image lacks its last byte.", IMAGE[:-1])
    yield mismatch("image-one-byte-long", "The image has a byte too many.", IMAGE + b"\x00")
    yield mismatch(
        "image-of-another-token",
        "A good token stands in front of another image of the same size.",
        bytes(reversed(IMAGE)),
    )
    yield mismatch("image-is-a-zero", "The image is one zero byte.", b"\x00")
    yield mismatch(
        "imprint-of-the-digest",
        "The imprint is the digest of the image's digest.",
        IMAGE,
        imprint("sha256", digest_of("sha256", sha256)),
    )
    yield mismatch("imprint-all-zero", "The imprint is zero.", IMAGE, imprint("sha256", bytes(32)))
    yield mismatch(
        "imprint-of-nothing",
        "The imprint is that of no bytes at all.",
        IMAGE,
        imprint("sha256", digest_of("sha256", b"")),
    )
    tail = sha256[:-1] + bytes([sha256[-1] ^ 1])
    yield mismatch(
        "imprint-differs-in-the-last-bit",
        "The imprint differs from the image's digest in its last bit.",
        IMAGE,
        imprint("sha256", tail),
    )


def images() -> Iterator[Case]:
    for size in (1, 2, 4095, 4096, 4097, 65536, 1 << 20, 4 << 20):
        yield Case(
            f"22-image-of-{size}-bytes",
            f"An image of {size} bytes.",
            Token(image=b"\xe9" + bytes(size - 1)),
        )
    yield Case(
        "22-image-that-looks-like-a-container",
        "The image begins with a container's header line: only the first one counts.",
        Token(image=b"RedWax/1.00 rfc3161=5 payload=5\n0123456789"),
    )
    yield Case(
        "22-image-that-begins-with-a-newline",
        "The image begins with the byte that ends a header.",
        Token(image=b"\n\n\x00" + bytes(61)),
    )
