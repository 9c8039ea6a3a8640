"""Where an upload stands.  docs/upload.md has the time-out and the error of each."""

from __future__ import annotations

import enum


class State(enum.Enum):
    """A step of an upload; the value says it in words."""

    INVITING = "inviting the device"
    AUTHENTICATING = "authenticating"
    CONNECTING = "connecting to the device"
    WAITING = "waiting for the device to connect"
    SENDING = "sending"
    VERDICT = "waiting for the verdict"
    RESTARTING = "waiting for the device to run the new image"
    CONFIRMING = "waiting for the image that runs to confirm itself"
