"""Checks 23 and 31: required policies and denied keys, along the path."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from asn1 import NULL, octets, oid, sequence, utc_time
from certificates import (
    ANY_POLICY,
    CERTIFICATE_POLICIES,
    Certificate,
    Piece,
    policies,
)
from corpus import Case
from parties import OWN, PRODUCT, PRODUCTION, ROOT, STRANGER
from tokens import POLICY, Token, in_der_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GOOD = Token()
OTHER = "1.3.6.1.4.1.13762.4"


def cases() -> Iterator[Case]:
    yield from policy()
    yield from deny()


REQUIRED = {"policy": [POLICY]}
REFUSED = "PolicyNotAccepted"


def signer(*names: str) -> dict[str, Piece]:
    """Extensions that assert these policies."""
    return {"policies": policies(*names)}


ASSERTING = PRODUCT.but(extensions=signer(POLICY))


def case(
    name: str,
    sentence: str,
    token: Token,
    reason: str | None = None,
    *,
    options: Mapping[str, object] = REQUIRED,
    anchors: tuple[Certificate, ...] = (ROOT,),
) -> Case:
    return Case(f"23-{name}", sentence, token, reason, anchors, options)


def policy() -> Iterator[Case]:
    yield case(
        "signer-asserts-it", "The signer's certificate asserts the policy.", Token(ASSERTING)
    )
    yield case(
        "one-of-two-required",
        "Two policies are accepted, and the token names the second.",
        Token(ASSERTING),
        options={"policy": [OTHER, POLICY]},
    )
    yield case(
        "last-of-eight-required",
        "Eight policies are accepted, and the token names the last.",
        Token(ASSERTING),
        options={"policy": [*(f"{OTHER}.{number}" for number in range(7)), POLICY]},
    )
    for name, dotted in (
        ("first-arc-2", "2.999.1"),
        ("large-arcs", "1.3.6.1.4.1.4294967295.2147483648.1"),
    ):
        yield case(
            f"policy-{name}",
            f"The policy that is required, named and asserted is {dotted}.",
            Token(PRODUCT.but(extensions=signer(dotted)), tst={"policy": oid(dotted)}),
            options={"policy": [dotted]},
        )
    yield case(
        "signer-asserts-any",
        "The signer's certificate asserts anyPolicy.",
        Token(PRODUCT.but(extensions=signer(ANY_POLICY))),
    )
    yield case(
        "signer-asserts-several",
        "The signer's certificate asserts the policy behind another one.",
        Token(PRODUCT.but(extensions=signer(OTHER, POLICY))),
    )
    qualifier = sequence(sequence(oid("1.3.6.1.5.5.7.2.1"), b"\x16\x0chttps://cps/"))
    value = sequence(sequence(oid(POLICY), qualifier))
    qualified = {"policies": sequence(oid(CERTIFICATE_POLICIES), octets(value))}
    yield case(
        "signer-asserts-it-with-qualifiers",
        "The signer's certificate asserts the policy and says where to read it.",
        Token(PRODUCT.but(extensions=qualified)),
    )
    yield case(
        "signer-asserts-nothing",
        "The signer's certificate has no certificatePolicies.",
        GOOD,
        REFUSED,
    )
    yield case(
        "signer-asserts-another",
        "The token names the policy, the signer's certificate asserts another: a development "
        "signer who claims production's policy.",
        Token(PRODUCT.but(extensions=signer(OTHER))),
        REFUSED,
    )
    yield case(
        "signer-asserts-a-longer-one",
        "The signer's certificate asserts a policy that begins like the required one.",
        Token(PRODUCT.but(extensions=signer(POLICY + ".1"))),
        REFUSED,
    )
    yield case(
        "token-names-another",
        "The signer's certificate asserts the policy, the token names another.",
        Token(ASSERTING, tst={"policy": oid(OTHER)}),
        REFUSED,
    )
    yield case(
        "token-names-another-that-is-asserted",
        "The token names another policy, and the signer's certificate asserts both.",
        Token(PRODUCT.but(extensions=signer(POLICY, OTHER)), tst={"policy": oid(OTHER)}),
        REFUSED,
    )
    for name, longer in (("a-longer-one", POLICY + ".0"), ("a-shorter-one", POLICY[:-2])):
        yield case(
            f"token-names-{name}",
            f"The token names {name.replace('-', ' ')} than the one required.",
            Token(PRODUCT.but(extensions=signer(longer)), tst={"policy": oid(longer)}),
            REFUSED,
        )
    yield case(
        "token-names-any-policy",
        "The token names anyPolicy, and so does the signer's certificate.",
        Token(PRODUCT.but(extensions=signer(ANY_POLICY)), tst={"policy": oid(ANY_POLICY)}),
        REFUSED,
    )
    yield from policy_of_others()
    yield case(
        "nothing-required",
        "No policy is required; the certificates assert another one than the token names.",
        Token(PRODUCT.but(extensions=signer(OTHER))),
        options={},
    )
    yield case(
        "policies-malformed",
        "The signer's certificatePolicies hold an INTEGER.",
        Token(
            PRODUCT.but(
                extensions={"policies": sequence(oid(CERTIFICATE_POLICIES), octets(sequence(NULL)))}
            )
        ),
        "Malformed",
        options={},
    )


def policy_of_others() -> Iterator[Case]:
    def under(*names: str) -> Token:
        issuer = PRODUCTION.but(extensions={"policies": policies(*names)})
        return Token(ASSERTING.but(issuer=issuer))

    yield case("authority-asserts-it", "Signer and authority assert the policy.", under(POLICY))
    yield case("authority-asserts-any", "The authority asserts anyPolicy.", under(ANY_POLICY))
    yield case(
        "authority-asserts-another",
        "The signer's certificate asserts the policy, its authority's another one.",
        under(OTHER),
        REFUSED,
    )
    anchor = ROOT.but(label="myCorp-other-policy", extensions={"policies": policies(OTHER)})
    yield case(
        "anchor-asserts-another",
        "The anchor's certificate asserts another policy: an anchor is a name and a key.",
        Token(ASSERTING.but(issuer=anchor, serial=1020)),
        anchors=(anchor,),
    )
    own = OWN.but(label="own-key-with-policy", extensions={"policies": policies(POLICY)})
    yield case(
        "own-key-asserts-it",
        "The signer is itself the anchor, and its certificate asserts the policy.",
        Token(own),
        anchors=(own,),
    )
    yield case(
        "own-key-asserts-nothing",
        "The signer is itself the anchor, and its certificate asserts no policy.",
        Token(OWN),
        REFUSED,
        anchors=(OWN,),
    )


def deny() -> Iterator[Case]:
    def digest(certificate: Certificate) -> str:
        return hashlib.sha256(certificate.key.spki).hexdigest()

    def denying(*digests: str) -> dict[str, object]:
        return {"deny": list(digests)}

    for who, certificate in (("signer", PRODUCT), ("authority", PRODUCTION), ("anchor", ROOT)):
        yield Case(
            f"31-{who}",
            f"The {who}'s key is on the deny-list.",
            GOOD,
            "Denied",
            options=denying(digest(certificate)),
        )
    yield Case(
        "31-signer-that-is-the-anchor",
        "The key of the signer, itself the anchor, is on the deny-list.",
        Token(OWN),
        "Denied",
        anchors=(OWN,),
        options=denying(digest(OWN)),
    )
    yield Case(
        "31-renewed-certificate",
        "The signer has a new certificate for the key that is on the deny-list.",
        Token(PRODUCT.but(serial=2002, not_before=utc_time("260301000000Z"))),
        "Denied",
        options=denying(digest(PRODUCT)),
    )
    yield Case(
        "31-last-of-several",
        "The signer's key is the last of several on the deny-list.",
        GOOD,
        "Denied",
        options=denying(*("00" * 31 + f"{n:02x}" for n in range(7)), digest(PRODUCT)),
    )
    yield Case(
        "31-upper-case",
        "The deny-list is written in capitals.",
        GOOD,
        "Denied",
        options=denying(digest(PRODUCT).upper()),
    )
    yield Case(
        "31-unrelated",
        "A key on the deny-list belongs to a certificate that travels along for nothing.",
        GOOD.but(bag=in_der_order(STRANGER, PRODUCT, PRODUCTION)),
        options=denying(digest(STRANGER)),
    )
    yield Case(
        "31-certificate-hash",
        "The deny-list holds the hash of the signer's certificate, not of its key: it denies "
        "nothing.",
        GOOD,
        options=denying(hashlib.sha256(PRODUCT.der).hexdigest()),
    )
