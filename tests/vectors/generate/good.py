"""Tokens that are good all over: each algorithm, each shape that real authorities make."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from asn1 import NULL, bits, explicit, integer, octets, oid, sequence, set_as_is, set_of, utc_time
from certificates import SUBJECT_ALT_NAME, Certificate, authority, extension, name_part
from corpus import AnchorFile, Case
from keys import RSA_ENCRYPTION, digest_algorithm, ecdsa_signature, key
from parties import DIRECT, OWN, PRODUCT, PRODUCTION, ROOT, STRANGER, STRANGERS_ROOT, pem
from tokens import Token, attribute, in_der_order, status_text

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = {
    "p256": "product-1",
    "p384": "p384",
    "rsa2048": "rsa2048",
    "rsa3072": "rsa3072",
    "rsa4096": "rsa4096",
}


def cases() -> Iterator[Case]:
    yield from algorithms()
    yield from bags()
    yield from statuses()
    yield from sizes()


def own(kind: str) -> Certificate:
    """A self-signed signing certificate for a kind of key."""
    return dataclasses.replace(OWN, name=f"own {kind} key", key_name=KINDS[kind])


def algorithms() -> Iterator[Case]:
    for kind in KINDS:
        for digest in ("sha256", "sha384", "sha512"):
            yield Case(
                f"good-{kind}-{digest}",
                f"A self-signed {kind} key that is the anchor signs with {digest}.",
                Token(own(kind), digest=digest),
                anchors=(own(kind),),
                check="8",
            )
    yield Case(
        "good-rsa-encryption",
        "The signature algorithm is rsaEncryption: the digest stands in digestAlgorithm alone.",
        Token(own("rsa2048"), signer_info={"signature_algorithm": RSA_ENCRYPTION}),
        anchors=(own("rsa2048"),),
        check="8",
    )
    yield Case(
        "good-digest-parameters-null",
        "Every digest algorithm has NULL parameters, as older signers write them.",
        Token(
            signer_info={"digest_algorithm": digest_algorithm("sha256", NULL)},
            signed_data={"digest_algorithms": set_of(digest_algorithm("sha256", NULL))},
        ),
        check="8",
    )
    several = (digest_algorithm(name) for name in ("sha512", "sha1", "sha256", "md5"))
    yield Case(
        "good-several-digest-algorithms",
        "SignedData announces four digest algorithms, the signer's among them, in no order.",
        Token(signed_data={"digest_algorithms": set_as_is(*several)}),
        check="8",
    )


def bags() -> Iterator[Case]:
    yield Case("good-company", "Signer, one authority, anchor.", Token(), check="18")
    yield Case(
        "good-directly-below-the-root",
        "Signer and anchor, no authority between them.",
        Token(DIRECT),
        check="18",
    )
    rsa_root = authority("RSA root", "root-rsa2048", serial=107)
    yield Case(
        "good-rsa2048-below-rsa2048",
        "Signer and anchor, both RSA of 2,048 bits.",
        Token(Certificate("RSA signer", "rsa2048", rsa_root, 1004)),
        anchors=(rsa_root,),
        check="18",
    )
    yield Case(
        "good-root-travels-along",
        "The anchor's certificate lies among the others: harmless.",
        Token(bag=in_der_order(PRODUCT, PRODUCTION, ROOT)),
        check="17",
    )
    yield Case(
        "good-bag-reversed",
        "The certificates stand in the order root, authority, signer.",
        Token(bag=(ROOT, PRODUCTION, PRODUCT)),
        check="16",
    )
    yield Case(
        "good-unrelated-certificates",
        "Certificates of somebody else stand before, between and behind those of the path.",
        Token(bag=(STRANGERS_ROOT, PRODUCTION, STRANGER, PRODUCT, OWN)),
        check="16",
    )
    yield Case(
        "good-no-certificates",
        "No certificate travels along: the signer is an anchor.",
        Token(OWN, bag=()),
        anchors=(OWN,),
        check="17",
    )
    yield Case(
        "good-empty-bag",
        "The certificates field is there and empty.",
        Token(OWN, bag=(), signed_data={"certificates": explicit(0)}),
        anchors=(OWN,),
        check="17",
    )
    yield Case(
        "good-signer-twice",
        "The signer's certificate travels twice.",
        Token(bag=in_der_order(PRODUCT, PRODUCTION, PRODUCT)),
        check="16",
    )
    yield Case(
        "good-crl",
        "A certificate revocation list travels along; a device without a clock does not read it.",
        Token(signed_data={"crls": explicit(1, crl())}),
        check="17",
    )
    yield Case(
        "good-anchors-in-pem",
        "The anchor is the second certificate of a PEM file.",
        Token(),
        anchors=(AnchorFile("two.pem", pem(STRANGERS_ROOT) + pem(ROOT)),),
        check="17",
    )
    noisy = b"Subject: CN = myCorp\r\n" + pem(ROOT).replace(b"\n", b"\r\n") + b"\r\nthe end\r\n"
    yield Case(
        "good-anchor-in-pem-with-text",
        "The anchor is a PEM file with lines of text around it and CR LF line ends.",
        Token(),
        anchors=(AnchorFile("noisy.pem", noisy),),
        check="17",
    )
    others = [STRANGERS_ROOT.but(serial=n, label=f"other-{n}") for n in range(1, 8)]
    yield Case(
        "good-eight-anchors",
        "The right anchor is the last of eight.",
        Token(),
        anchors=(*others, ROOT),
        check="17",
    )
    yield Case(
        "good-same-anchor-twice",
        "The same anchor is there twice.",
        Token(),
        anchors=(ROOT, ROOT),
        check="17",
    )
    yield Case(
        "good-second-anchor",
        "Two anchors, and the path leads to the second.",
        Token(),
        anchors=(STRANGERS_ROOT, ROOT),
        check="17",
    )
    yield Case(
        "good-usual-extensions",
        "Certificates with key identifiers, CRL and OCSP addresses and a subjectAltName.",
        Token(with_usual_extensions()),
        check="18",
    )


def crl() -> bytes:
    """An empty revocation list of the root."""
    tbs = sequence(
        integer(1),
        ecdsa_signature("sha256"),
        ROOT.subject,
        utc_time("260501000000Z"),
        utc_time("270501000000Z"),
    )
    signature = key("root").sign(tbs, "sha256")
    return sequence(tbs, ecdsa_signature("sha256"), bits(signature))


def with_usual_extensions() -> Certificate:
    address = b"\x86\x18http://ca.example/ca.crl"
    points = sequence(sequence(explicit(0, explicit(0, address))))
    access = sequence(sequence(oid("1.3.6.1.5.5.7.48.1"), address))
    more = {
        "subject key identifier": extension("2.5.29.14", octets(bytes(20))),
        "authority key identifier": extension(
            "2.5.29.35", sequence(b"\x80\x14" + bytes(range(20)))
        ),
        "crl distribution points": extension("2.5.29.31", points),
        "authority information access": extension("1.3.6.1.5.5.7.1.1", access),
        "names": extension(SUBJECT_ALT_NAME, sequence(b"\x82\x0btsa.example")),
    }
    return PRODUCT.but(extensions=more)


def statuses() -> Iterator[Case]:
    yield Case(
        "3-granted-with-mods",
        "The status is grantedWithMods: what was modified is checked anyway.",
        Token(status={"status": integer(1)}),
    )
    for size in (1, 2048, 2049, 8192):
        yield Case(
            f"3-status-text-{size}",
            f"The status text has {size} bytes.",
            Token(status={"text": status_text("x" * size)}),
        )
    yield Case(
        "3-status-texts",
        "Five status texts, one of them empty.",
        Token(status={"text": status_text("Operation okay", "", "très bien", "好", "👍")}),
    )


def sizes() -> Iterator[Case]:
    shortest = OWN.but(name="a", serial=1)
    yield Case(
        "1-token-of-few-bytes",
        "A token as short as one of P-256 comes: no certificate, a name of one letter, ESSCertID.",
        Token(shortest, bag=(), ess="v1", tst={"serial": integer(1), "policy": oid("1.2")}),
        anchors=(shortest,),
    )
    nobody = OWN.but(label="nobody", fields={"subject": sequence(), "issuer": sequence()})
    yield Case(
        "1-token-without-names",
        "The issuer's name is empty: shorter than any real token.",
        Token(nobody, bag=(), ess="v1", tst={"serial": integer(1), "policy": oid("1.2")}),
        anchors=(nobody,),
        check="1",
    )
    yield Case(
        "1-token-of-16384-bytes",
        "A token of exactly 16 KiB, filled up by its status text.",
        padded(16384),
    )
    yield Case(
        "1-token-of-16385-bytes",
        "A token of one byte more than 16 KiB.",
        padded(16385),
        "TokenTooLarge",
    )
    filler = attribute("1.3.6.1.4.1.13762.9.1", octets(bytes(12000)))
    yield Case(
        "1-large-unsigned-attribute",
        "A token of more than 12 KiB, most of it one unsigned attribute.",
        Token(signer_info={"unsigned": explicit(1, filler)}),
    )
    long_name = sequence(*(name_part("2.5.4.11", f"{number:064}") for number in range(40)))
    wordy = OWN.but(label="wordy", fields={"subject": long_name, "issuer": long_name})
    yield Case(
        "1-long-names",
        "The signer's name has 40 parts of 64 letters.",
        Token(wordy),
        anchors=(wordy,),
    )


def padded(size: int) -> Token:
    """A good token of exactly this size."""
    length = size
    while True:
        token = Token(status={"text": status_text("." * length)})
        surplus = len(token.der) - size
        if surplus == 0:
            return token
        length -= surplus
