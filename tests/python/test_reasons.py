"""Host and device refuse with the same names, in the same order and the same words."""

from __future__ import annotations

import re
from pathlib import Path

from platformio_secureota.errors import Reason

ERROR_H = Path(__file__).parents[2] / "src" / "secureota" / "error.h"


def device_errors() -> list[tuple[str, str]]:
    """Name and sentence of each entry of the list SECUREOTA_ERRORS."""
    text = ERROR_H.read_text("utf-8")
    body = text.split("#define SECUREOTA_ERRORS(X)", 1)[1].split("enum class Error", 1)[0]
    entries = re.findall(r'X\((\w+),\s*(?:\\\s*)?"([^"]*)"\)', body)
    # Each entry was understood: an X( that the expression does not match would be lost silently.
    assert len(entries) == len(re.findall(r"\bX\(", body))
    return entries


def test_shared_reasons_are_the_devices_errors() -> None:
    reasons = list(Reason)
    shared = reasons[: reasons.index(Reason.OutOfMemory) + 1]

    assert [(reason.value, reason.sentence) for reason in shared] == device_errors()


def test_names_are_attributes_and_unique() -> None:
    assert [reason.name for reason in Reason] == [reason.value for reason in Reason]
    assert len({reason.sentence for reason in Reason}) == len(Reason)
