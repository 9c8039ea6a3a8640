"""Uploads: signed containers over the air to a device, and the device's verdict.

    verdict = upload(container, Target.parse("greenhouse.local"), password=ask)

`upload` returns only if the device said that it accepted the container.
"""

from platformio_secureota.ota.handshake import Password
from platformio_secureota.ota.inquiry import ask_status
from platformio_secureota.ota.invitation import Form, ImageKind, TransportDigest
from platformio_secureota.ota.session import Verdict, upload
from platformio_secureota.ota.settings import Connection, Settings, Timeouts, Wait
from platformio_secureota.ota.states import State
from platformio_secureota.ota.status import Status
from platformio_secureota.ota.target import DEFAULT_PORT, Target

__all__ = [
    "DEFAULT_PORT",
    "Connection",
    "Form",
    "ImageKind",
    "Password",
    "Settings",
    "State",
    "Status",
    "Target",
    "Timeouts",
    "TransportDigest",
    "Verdict",
    "Wait",
    "ask_status",
    "upload",
]
