"""What tests/evidence leaves out is still there: no change of the sources may empty an entry."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "evidence"))
from removals import REMOVALS, Edit, Removal  # noqa: E402 (found beside the evidence)


def places(edit: Edit) -> list[tuple[str, int]]:
    """Files that have the text, and how often."""
    counts = [
        (path.name, path.read_text("utf-8").count(edit.old)) for path in ROOT.glob(edit.files)
    ]
    return [(name, count) for name, count in counts if count != 0]


@pytest.mark.parametrize("removal", REMOVALS, ids=lambda removal: f"{removal.check} {removal.what}")
def test_quotes_what_is_there_once(removal: Removal) -> None:
    for edit in (*removal.python, *removal.device):
        found = places(edit)

        assert [count for _file, count in found] == [edit.count], f"{edit.old}: {found}"
