"""What a device says when it refuses, turned into an error of ours.

The text comes from whoever holds the device's address: it is shown, never obeyed.
"""

from __future__ import annotations

import re

from platformio_secureota.errors import Reason, Refused

MAX_TEXT = 160
"""Characters of a device's text that are shown: two lines of a terminal."""

_NAMED = re.compile(r"([A-Za-z0-9]{1,40})(?::\s*(.*))?")

# The names that devices know, which are the first ones.  One of the host's own names (KeyMissing,
# say) in the mouth of a device would point at the wrong machine.
_ALL = list(Reason)
_DEVICE_REASONS = {reason.value: reason for reason in _ALL[: _ALL.index(Reason.OutOfMemory) + 1]}

_HINTS = {
    Reason.NotTrusted: "sign with a key whose certificate is a trust anchor of the device",
    Reason.NotSigned: "sign the image with `secureota sign`",
    Reason.NoTrustAnchor: "upload firmware that has a trust anchor by cable",
    Reason.NotAuthorized: "set SECUREOTA_PASSWORD to the device's password",
    Reason.Busy: "try again in a moment",
    Reason.OlderThanFloor: "sign the image again: the device runs something newer",
    Reason.ImageTooLarge: "choose a partition table with larger slots, or a smaller image",
    Reason.TransportDigestMismatch: "try again",
    Reason.ConnectionLost: "try again",
    Reason.TimedOut: "try again, nearer to the access point",
}


def legible(text: bytes) -> str:
    """Make a device's text fit to be shown: one line of printable ASCII, bounded."""
    printable = (chr(byte) if 0x20 < byte < 0x7F else " " for byte in text)  # noqa: PLR2004 - ASCII
    line = " ".join("".join(printable).split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 3] + "..."


def named(name: str) -> Reason | None:
    """Return the Reason that a device calls so."""
    return _DEVICE_REASONS.get(name)


def refused(text: bytes, *, unnamed: Reason = Reason.DeviceRefused) -> Refused:
    """Make the error for a refusal.  `unnamed` is for text that names no Reason of ours."""
    line = legible(text)
    match = _NAMED.fullmatch(line)
    reason = named(match.group(1)) if match else None
    if match is None or reason is None:
        detail = f"the device says: {line}" if line else "the device says nothing legible"
        return Refused(unnamed, detail, hint=_HINTS.get(unnamed, ""))
    sentence = (match.group(2) or "").rstrip(".")
    # Our own devices say the Reason's sentence, and perhaps more in brackets.
    more = sentence.removeprefix(reason.sentence).strip()
    detail = f"the device says: {more.strip('()')}" if more else "said by the device"
    return Refused(reason, detail, hint=_HINTS.get(reason, ""))
