"""How long the shortest useful tokens are: the table in docs/cost.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from platformio_secureota import Image, TrustAnchor, pki, sign
from platformio_secureota.tsa.local import LocalTSA

PAGE = Path(__file__).parents[2] / "docs" / "cost.md"
KINDS = ["p256", "p384", "rsa2048", "rsa3072"]

# ECDSA signatures of one key differ by a few bytes, and so does a serial number.
TOLERANCE = 8


def documented(row: str) -> dict[str, int]:
    """Bytes by kind of key."""
    line = re.search(rf"^\| {re.escape(row)} \|(.*)\|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert line is not None, f"no row {row!r} in {PAGE.name}"
    return dict(zip(KINDS, (int(cell.replace(",", "")) for cell in line[1].split("|"))))


@pytest.mark.parametrize("kind", KINDS[:3])
@pytest.mark.parametrize(
    ("certs", "row"),
    [
        ("none", "own key, `--certs none`"),
        ("all", "own key, its certificate with it"),
    ],
)
def test_is_what_the_documentation_says(kind: str, certs: str, row: str) -> None:
    identity = pki.generate(kind, name="product 1")
    anchors = [TrustAnchor.from_der(identity.anchor_der)]

    signed = sign(Image(b"firmware"), LocalTSA(identity, certs=certs), anchors=anchors)

    assert abs(len(signed.token) - documented(row)[kind]) <= TOLERANCE
