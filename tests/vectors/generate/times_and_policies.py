"""Checks 20, 23 and 31: dates, policies and the deny-list, along the path."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from asn1 import NULL, generalized_time, octets, oid, sequence, utc_time
from certificates import (
    ANY_POLICY,
    CERTIFICATE_POLICIES,
    Certificate,
    Piece,
    policies,
)
from corpus import Case
from parties import DIRECT, OWN, PRODUCT, PRODUCTION, ROOT, STRANGER
from tokens import POLICY, Token

GOOD = Token()
OTHER = "1.3.6.1.4.1.13762.4"
NOON = utc_time("260601120000Z")
BEFORE_NOON, AFTER_NOON = utc_time("260601115959Z"), utc_time("260601120001Z")


def cases() -> Iterator[Case]:
    yield from validity()
    yield from validity_of_the_anchor()
    yield from years()
    yield from policy()
    yield from deny()


def with_issuer(**changes: object) -> Token:
    """The product's token, its issuer's certificate changed."""
    return Token(PRODUCT.but(issuer=PRODUCTION.but(**changes)))


def validity() -> Iterator[Case]:
    invalid = "CertificateNotValidAtGenTime"
    dates = {
        "ends-before": ({"not_after": BEFORE_NOON}, "ended a second before genTime", invalid),
        "ends-at": ({"not_after": NOON}, "ends in the second of genTime", None),
        "begins-after": ({"not_before": AFTER_NOON}, "begins a second after genTime", invalid),
        "begins-at": ({"not_before": NOON}, "begins in the second of genTime", None),
        "ended-long-ago": (
            {"not_before": utc_time("100101000000Z"), "not_after": utc_time("110101000000Z")},
            "ended years before genTime",
            invalid,
        ),
        "ends-before-it-begins": (
            {"not_before": utc_time("270101000000Z"), "not_after": utc_time("250101000000Z")},
            "ends before it begins",
            invalid,
        ),
    }
    for name, (changes, what, reason) in dates.items():
        yield Case(
            f"20-signer-{name}",
            f"The signer's certificate {what}.",
            Token(PRODUCT.but(**changes)),
            reason,
        )
        yield Case(
            f"20-authority-{name}",
            f"The certificate of an authority below the anchor {what}.",
            with_issuer(**changes),
            reason,
        )
    half = Token(PRODUCT.but(not_after=NOON), gen_time="20260601120000.5Z")
    yield Case(
        "20-signer-ends-half-a-second-before",
        "The signer's certificate ended half a second before genTime.",
        half,
        invalid,
    )
    past = PRODUCT.but(
        not_before=utc_time("150101000000Z"),
        not_after=utc_time("160101000000Z"),
        issuer=PRODUCTION.but(
            not_before=utc_time("140101000000Z"), not_after=utc_time("170101000000Z")
        ),
    )
    yield Case(
        "20-expired-now-valid-at-gen-time",
        "Signer and authority have expired since; at genTime they were valid.",
        Token(past, gen_time="20150601120000Z"),
        options={"now": "2026-06-01T12:00:00Z"},
    )
    yield Case(
        "20-valid-now-not-yet-at-gen-time",
        "The signer is valid now; at genTime its certificate did not exist.",
        Token(gen_time="20200601120000Z"),
        "CertificateNotValidAtGenTime",
        options={"now": "2026-06-01T12:00:00Z"},
    )


def validity_of_the_anchor() -> Iterator[Case]:
    for name, changes in (
        ("expired", {"not_after": BEFORE_NOON}),
        ("not-yet-valid", {"not_before": AFTER_NOON}),
    ):
        anchor = ROOT.but(label=f"myCorp-{name}", **changes)
        yield Case(
            f"20-anchor-{name}",
            f"The anchor is {name.replace('-', ' ')} at genTime: its own dates do not count.",
            Token(DIRECT.but(issuer=anchor)),
            anchors=(anchor,),
        )
        own = OWN.but(label=f"own-key-{name}", **changes)
        yield Case(
            f"20-anchor-that-signs-{name}",
            f"The signer, itself the anchor, is {name.replace('-', ' ')} at genTime: a signer's "
            "dates count.",
            Token(own),
            "CertificateNotValidAtGenTime",
            anchors=(own,),
        )


def years() -> Iterator[Case]:
    good = {
        "utc-time-49": (utc_time("260101000000Z"), utc_time("491231235959Z"), "20491231235958Z"),
        "utc-time-50": (utc_time("500101000000Z"), utc_time("491231235959Z"), "19500101000001Z"),
        "utc-time-00": (utc_time("991231235959Z"), utc_time("000101000001Z"), "20000101000000Z"),
        "year-2050": (
            utc_time("260101000000Z"),
            generalized_time("20500101000001Z"),
            "20500101000000Z",
        ),
        "no-end": (
            utc_time("260101000000Z"),
            generalized_time("99991231235959Z"),
            "29990101000000Z",
        ),
    }
    for name, (not_before, not_after, gen_time) in good.items():
        own = OWN.but(label=f"own-key-{name}", not_before=not_before, not_after=not_after)
        yield Case(
            f"20-{name}",
            f"A signer's dates at a turn of the notation ({name}), and a genTime between them.",
            Token(own, gen_time=gen_time),
            anchors=(own,),
        )
    own = OWN.but(
        label="own-key-1950",
        not_before=utc_time("500101000000Z"),
        not_after=utc_time("510101000000Z"),
    )
    yield Case(
        "20-utc-time-50-is-1950",
        "The signer's certificate is valid in 1950, written as UTCTime 50; genTime is in 2050.",
        Token(own, gen_time="20500601000000Z"),
        "CertificateNotValidAtGenTime",
        anchors=(own,),
    )


def policy() -> Iterator[Case]:
    required = {"policy": [POLICY]}

    def signer(*names: str) -> dict[str, Piece]:
        return {"policies": policies(*names)}

    def case(
        name: str, sentence: str, token: Token, reason: str | None = None, **more: object
    ) -> Case:
        options = more.pop("options", required)
        return Case(f"23-{name}", sentence, token, reason, options=options, **more)  # type: ignore[arg-type]

    asserting = PRODUCT.but(extensions=signer(POLICY))
    refused = "PolicyNotAccepted"
    yield case(
        "signer-asserts-it", "The signer's certificate asserts the policy.", Token(asserting)
    )
    yield case(
        "one-of-two-required",
        "Two policies are accepted, and the token names the second.",
        Token(asserting),
        options={"policy": [OTHER, POLICY]},
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
        refused,
    )
    yield case(
        "signer-asserts-another",
        "The token names the policy, the signer's certificate asserts another: a development "
        "signer who claims production's policy.",
        Token(PRODUCT.but(extensions=signer(OTHER))),
        refused,
    )
    yield case(
        "signer-asserts-a-longer-one",
        "The signer's certificate asserts a policy that begins like the required one.",
        Token(PRODUCT.but(extensions=signer(POLICY + ".1"))),
        refused,
    )
    yield case(
        "token-names-another",
        "The signer's certificate asserts the policy, the token names another.",
        Token(asserting, tst={"policy": oid(OTHER)}),
        refused,
    )
    yield case(
        "token-names-another-that-is-asserted",
        "The token names another policy, and the signer's certificate asserts both.",
        Token(PRODUCT.but(extensions=signer(POLICY, OTHER)), tst={"policy": oid(OTHER)}),
        refused,
    )
    for name, longer in (("a-longer-one", POLICY + ".0"), ("a-shorter-one", POLICY[:-2])):
        yield case(
            f"token-names-{name}",
            f"The token names {name.replace('-', ' ')} than the one required.",
            Token(PRODUCT.but(extensions=signer(longer)), tst={"policy": oid(longer)}),
            refused,
        )
    yield case(
        "token-names-any-policy",
        "The token names anyPolicy, and so does the signer's certificate.",
        Token(PRODUCT.but(extensions=signer(ANY_POLICY)), tst={"policy": oid(ANY_POLICY)}),
        refused,
    )
    yield from policy_of_others(case, asserting)
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


def policy_of_others(case: object, asserting: Certificate) -> Iterator[Case]:
    def under(*names: str) -> Token:
        issuer = PRODUCTION.but(extensions={"policies": policies(*names)})
        return Token(asserting.but(issuer=issuer))

    make = case
    refused = "PolicyNotAccepted"
    assert callable(make)
    yield make("authority-asserts-it", "Signer and authority assert the policy.", under(POLICY))
    yield make("authority-asserts-any", "The authority asserts anyPolicy.", under(ANY_POLICY))
    yield make(
        "authority-asserts-another",
        "The signer's certificate asserts the policy, its authority's another one.",
        under(OTHER),
        refused,
    )
    anchor = ROOT.but(label="myCorp-other-policy", extensions={"policies": policies(OTHER)})
    yield make(
        "anchor-asserts-another",
        "The anchor's certificate asserts another policy: an anchor is a name and a key.",
        Token(asserting.but(issuer=anchor, serial=1020)),
        anchors=(anchor,),
    )
    own = OWN.but(label="own-key-with-policy", extensions={"policies": policies(POLICY)})
    yield make(
        "own-key-asserts-it",
        "The signer is itself the anchor, and its certificate asserts the policy.",
        Token(own),
        anchors=(own,),
    )
    yield make(
        "own-key-asserts-nothing",
        "The signer is itself the anchor, and its certificate asserts no policy.",
        Token(OWN),
        refused,
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
        GOOD.but(bag=(STRANGER, PRODUCT, PRODUCTION)),
        options=denying(digest(STRANGER)),
    )
    yield Case(
        "31-certificate-hash",
        "The deny-list holds the hash of the signer's certificate, not of its key: it denies "
        "nothing.",
        GOOD,
        options=denying(hashlib.sha256(PRODUCT.der).hexdigest()),
    )
