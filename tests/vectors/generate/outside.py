"""Why judges that we did not write refuse some of the good tokens."""

from __future__ import annotations

OPENSSL, CLIENT = "openssl", "rfc3161-client"


def _openssl(why: str) -> dict[str, str]:
    return {OPENSSL: why}


def _client(why: str) -> dict[str, str]:
    return {CLIENT: why}


def _both(why: str) -> dict[str, str]:
    # rfc3161-client leaves the path to OpenSSL.
    return {OPENSSL: why, CLIENT: why}


_ORDER = _client("wants SET OF (certificates, digestAlgorithms) in DER's order")
_FIRST_ISSUER = _openssl("takes the first certificate of the issuer's name and tries no other")
_ANY_ISSUER = _client("at times: takes any one certificate of the issuer's name")
_LAST_SECOND = _both("counts the second of notAfter as expired; RFC 5280 4.1.2.5 includes it")
_ANCHOR_DATES = _both("judges the anchor's own dates")
_WHOLE_CHAIN = _client("wants a chain up to a self-signed certificate")

REFUSALS: dict[str, dict[str, str]] = {
    "good-several-digest-algorithms": _ORDER,
    "good-unrelated-certificates": _ORDER,
    "3-granted-with-mods": _client("takes the status granted alone"),
    "16-shadow-first": {**_FIRST_ISSUER, **_ORDER},
    "16-shadow-last": _ORDER,
    "field-leaf-picked-by-position-good": _ORDER,
    "18-fred-in-development": _WHOLE_CHAIN,
    "18-product-in-production": _WHOLE_CHAIN,
    "18-signer-is-the-anchor-not-self-signed": _WHOLE_CHAIN,
    "18-anchor-with-unknown-critical-extension": _both("judges the anchor's own extensions"),
    "18-self-issued-authority-does-not-count": _both(
        "takes a self-issued certificate for a self-signed one"
    ),
    "18-two-anchors-of-one-name-right-one-first": _ANY_ISSUER,
    "18-two-anchors-of-one-name-right-one-second": {**_FIRST_ISSUER, **_ANY_ISSUER},
    "18-two-authorities-of-one-name-right-one-first": _ORDER,
    "18-two-authorities-of-one-name-right-one-second": {**_FIRST_ISSUER, **_ORDER},
    "18-expired-and-renewed-authority": _ORDER,
    "18-cross-certified-authority": {**_FIRST_ISSUER, **_ORDER},
    "18-8-certificate-signatures": {**_FIRST_ISSUER, **_ORDER},
    "20-signer-ends-at": _LAST_SECOND,
    "20-authority-ends-at": _LAST_SECOND,
    "20-anchor-expired": _ANCHOR_DATES,
    "20-anchor-not-yet-valid": _ANCHOR_DATES,
    "24-nonce-negative": _client("wants a nonce that is not negative"),
    "26-gen-time-30-digits": _client("reads a fraction of 9 digits at most"),
    "26-gen-time-year-9999": _LAST_SECOND,
    "32-unsigned-no-attributes": _both("reads the unsigned attributes"),
}
"""Case to judge to reason.  Every other good token is accepted by both."""
