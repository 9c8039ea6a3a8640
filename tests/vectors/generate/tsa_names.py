"""Check 30: the name that the TSTInfo gives its authority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import (
    explicit,
    printable,
    sequence,
    tlv,
    utf8,
)
from certificates import alternative_names, common_name
from corpus import Case
from parties import FRED, PRODUCT
from tokens import Token, directory_name

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = Token()


def cases() -> Iterator[Case]:
    yield from tsa_names()


def tsa_names() -> Iterator[Case]:
    uri = tlv(0x86, b"https://tsa.example/")
    dns = tlv(0x82, b"tsa.example")
    mail = tlv(0x81, b"tsa@example")
    other_name = directory_name(common_name("another name of it"))
    named = PRODUCT.but(
        extensions={"names": alternative_names(dns, uri, mail, other_name)},
    )

    def token(name: bytes) -> Token:
        return Token(named, tst={"tsa": explicit(0, name)})

    yield Case(
        "30-subject",
        "The tsa field is the signer's subject.",
        token(directory_name(PRODUCT.subject)),
    )
    for name, entry in (("uri", uri), ("dns", dns), ("mail", mail), ("directory", other_name)):
        yield Case(
            f"30-alternative-name-{name}",
            f"The tsa field is an entry of the signer's subjectAltName ({name}).",
            token(entry),
        )
    wrong = {
        "stranger": ("is a stranger's name", directory_name(common_name("stranger"))),
        "issuer": ("is the issuer's name", directory_name(PRODUCT.issuer_name)),
        "other-signer": ("is another signer's name", directory_name(FRED.subject)),
        "other-string-type": (
            "is the subject in another string type",
            directory_name(common_name("product 1", string=printable)),
        ),
        "other-case": (
            "is the subject in capitals",
            directory_name(common_name("PRODUCT 1")),
        ),
        "longer": ("begins like the subject", directory_name(common_name("product 10"))),
        "other-dns": ("is a DNS name that the signer does not have", tlv(0x82, b"tsa.example.org")),
        "dns-as-uri": ("is the signer's DNS name, marked as a URI", tlv(0x86, b"tsa.example")),
        "other-capitals": ("is the signer's DNS name in capitals", tlv(0x82, b"TSA.EXAMPLE")),
        "empty-name": ("is an empty name", directory_name(sequence())),
        "bare-name": ("is the subject without the tag of a directoryName", PRODUCT.subject),
        "text": ("is plain text", utf8("product 1")),
    }
    for name, (what, entry) in wrong.items():
        yield Case(f"30-{name}", f"The tsa field {what}.", token(entry), "WrongTsaName")
    yield Case(
        "30-two-names",
        "The tsa field holds two names, the first of them right.",
        token(directory_name(PRODUCT.subject) + dns),
        "Malformed",
    )
    yield Case(
        "30-name-of-another-certificate",
        "The tsa field is in the subjectAltName of another certificate that travels along.",
        GOOD.but(
            bag=(PRODUCT, *(one for one in PRODUCT.chain[1:]), named.but(serial=9)),
            tst={"tsa": explicit(0, dns)},
        ),
        "WrongTsaName",
    )
