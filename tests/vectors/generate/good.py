"""Tokens that are good all over: each algorithm, each shape that real authorities make."""

from __future__ import annotations

from collections.abc import Iterator

from corpus import Case
from parties import OWN, PRODUCT, PRODUCTION, ROOT
from tokens import Token


def cases() -> Iterator[Case]:
    yield Case(
        "good-own-key", "A self-signed signer that is the anchor.", Token(OWN), anchors=(OWN,)
    )
    yield Case("good-company", "A signer below an authority below the anchor.", Token())
