"""docs/faults.md says what test_faults.py sees."""

from __future__ import annotations

import re

import pytest

from emulated_device import ROOT
from fault_table import ROWS, Row
from lying_devices import LIES, Lie
from platformio_secureota import Reason

DOCUMENT = ROOT / "docs" / "faults.md"


def documented() -> dict[str, tuple[str, str, str]]:
    """Return what the page says of each fault: what is seen, the exit status, what to do."""
    rows = {}
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 4 and cells[0] != "what happens":
            assert cells[0] not in rows, "twice"
            rows[cells[0]] = (cells[1], cells[2], cells[3])
    return rows


def test_every_fault_is_there_and_no_other() -> None:
    assert list(documented()) == [row.name for row in (*ROWS, *LIES)]


@pytest.mark.parametrize("row", [*ROWS, *LIES], ids=lambda row: row.name)
def test_it_says_how_the_upload_ends(row: Row | Lie) -> None:
    seen, status, advice = documented()[row.name]
    assert status == str(row.outcome.status)
    named = [word for word in re.findall(r"`(\w+)`", seen) if word in Reason.__members__]
    if row.outcome.reason is None:
        assert "accepted" in seen or seen.startswith("the same")
    else:
        assert named[:1] == [row.outcome.reason.value]
    for words in row.outcome.says:
        if not re.search("[0-9;]", words):  # the test is less patient than the tool
            assert words in f"{seen} {advice}"
