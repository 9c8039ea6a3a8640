"""Check 20: dates along the path, judged at genTime."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1 import generalized_time, utc_time
from corpus import Case
from parties import DIRECT, OWN, PRODUCT, PRODUCTION, ROOT
from tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = utc_time("260601120000Z")
BEFORE_NOON, AFTER_NOON = utc_time("260601115959Z"), utc_time("260601120001Z")


def cases() -> Iterator[Case]:
    yield from validity()
    yield from validity_of_the_anchor()
    yield from years()


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
    root = ROOT.but(label="myCorp-since-2010", not_before=utc_time("100101000000Z"))
    past = PRODUCT.but(
        not_before=utc_time("150101000000Z"),
        not_after=utc_time("160101000000Z"),
        issuer=PRODUCTION.but(
            issuer=root,
            not_before=utc_time("140101000000Z"),
            not_after=utc_time("170101000000Z"),
        ),
    )
    yield Case(
        "20-expired-now-valid-at-gen-time",
        "Signer and authority have expired since; at genTime they were valid.",
        Token(past, gen_time="20150601120000Z"),
        anchors=(root,),
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
