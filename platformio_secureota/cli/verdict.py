"""An upload's outcome in words: what the device accepted, and what it runs now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platformio_secureota.cli import console
from platformio_secureota.ota import Form
from platformio_secureota.ota.auth import PasswordForm

if TYPE_CHECKING:
    from platformio_secureota.ota import Verdict

UNKNOWN = "whether it runs the new image can't be told: its firmware does not know that question"


def weaknesses(verdict: Verdict) -> list[str]:
    """What was weak about it, a line each."""
    found = []
    if verdict.password_form in {PasswordForm.MD5, PasswordForm.STORED_MD5}:
        found.append(f"the password was shown in a weak form: {verdict.password_form.value}")
    if verdict.form is Form.STOCK:
        found.append(
            "the device answered the stock invitation only: if its firmware checks no signatures, "
            "it takes anybody's image"
        )
    return found


def warn(verdict: Verdict) -> None:
    """Say what was weak about it."""
    for line in weaknesses(verdict):
        console.warn(line)


def running(verdict: Verdict) -> str:
    """What the device said that it runs; `verdict.status` is there."""
    status = verdict.status
    if status is None or status.image is None:
        return "can't tell which image it runs"
    state = "confirmed"
    if not status.confirmed:
        state = "pending: a restart now would bring the previous one back"
    if verdict.password_form is None:
        return f"runs the new image, {state} (it has no password that would vouch for that)"
    return f"runs the new image, {state}"
