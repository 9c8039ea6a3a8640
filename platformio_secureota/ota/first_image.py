"""The one image that goes out unsigned: a device's first one with SecureOTA.

A device with the stock library knows no signatures, so that its first secured image must come plain
(docs/migrate.md).  That is only for such a device: one that understands a signed upload in any form
is found out before a byte of the image is sent.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platformio_secureota import container
from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.ota.contact import Contact
from platformio_secureota.ota.handshake import Handshake
from platformio_secureota.ota.inquiry import Inquiry
from platformio_secureota.ota.invitation import Form, ImageKind, Invitation
from platformio_secureota.ota.inviting import Inviter
from platformio_secureota.ota.sending import Sender
from platformio_secureota.ota.settings import Settings
from platformio_secureota.ota.states import State
from platformio_secureota.ota.target import Target, resolve

if TYPE_CHECKING:
    from platformio_secureota.ota.handshake import OnState, Password
    from platformio_secureota.ota.status import Status
    from platformio_secureota.ota.target import Address
    from platformio_secureota.ota.transfer import Progress

_QUESTION = 2.5
"""Seconds for a device to show that it understands signed uploads.  One whose every answer is lost
gets the plain image, and refuses it: NotSigned."""

_MARK = Reason.OlderThanFloor.value.encode("ascii")
"""Text that is in every firmware with the library: one of its words for a refusal."""


@dataclass(frozen=True)
class FirstImage:
    """The device took it and answers as a secured one does."""

    ip: str
    seconds: float
    """From the connection to the verdict."""
    status: Status
    """What it said after the restart.  Nobody vouches for that."""


def send_first_image(
    image: bytes,
    target: Target,
    *,
    password: Password = None,
    progress: Progress = None,
    on_state: OnState = None,
    settings: Settings | None = None,
) -> FirstImage:
    """Send a plain image to a device that checks no signatures, and wait for it to come back.

    Refused: AlreadySecured; NotSigned where the image would not secure the device; what the device
    says.  Unusable: no verdict, or (NotRunning) a device that does not come back secured.
    """
    check(image)
    chosen = settings or Settings()
    address = resolve(target)
    with Inquiry(address, host_address=chosen.host_address) as inquiry:
        _refuse_secured(target, address, inquiry, chosen)
        seconds = _send(image, target, address, password, progress, on_state, chosen)
        if on_state is not None:
            on_state(State.RESTARTING)
        for status in inquiry.answers(chosen.timeouts.back):
            return FirstImage(address.ip, seconds, status)
    raise Unusable(
        Reason.NotRunning,
        f"it took the image and does not answer as a secured device, for "
        f"{chosen.timeouts.back:g} s",
        hint="see what it logs; until it answers `secureota status`, it may still take anybody's "
        "image",
    )


def check(image: bytes) -> None:
    """Refused if this is a signed image, or no firmware that checks signatures."""
    with contextlib.suppress(Refused):
        container.parse(image)
        detail = "this image is signed, and the device would not know what to do with that"
        raise Unusable(Reason.Usage, detail, hint="give the plain image that the build made")
    if _MARK not in image:
        raise Refused(
            Reason.NotSigned,
            "and this firmware would not secure the device: it was built without SecureOTA",
            hint="include SecureOTA.h in the sketch and build it again",
        )


def _refuse_secured(target: Target, address: Address, inquiry: Inquiry, settings: Settings) -> None:
    if next(iter(inquiry.answers(_QUESTION / 2)), None) is not None or _takes_containers(
        target, address, settings
    ):
        raise Refused(
            Reason.AlreadySecured,
            f"{target.host} understands signed uploads, and gets nothing else from here",
            hint="use `pio run -t upload` or `secureota upload`",
        )


def _takes_containers(target: Target, address: Address, settings: Settings) -> bool:
    # The earlier signed updater does not know the question about what runs, but answers this form,
    # whatever it says.  What it would fetch is never there: the port closes.
    timeouts = dataclasses.replace(settings.timeouts, invitation=_QUESTION)
    hasty = dataclasses.replace(settings, timeouts=timeouts)
    with Contact(address, host_address=settings.host_address) as contact:
        nothing = Invitation(ImageKind.APPLICATION, contact.port, b"?", token_size=1)
        inviter = Inviter(contact, nothing, target, settings=hasty)
        inviter.only = Form.REDWAX
        try:
            outcome = inviter.invite(direct=False)
        except Refused:
            return True
        except Unusable:
            return False
        if isinstance(outcome, socket.socket):
            outcome.close()
        return True


def _send(
    image: bytes,
    target: Target,
    address: Address,
    password: Password,
    progress: Progress,
    on_state: OnState,
    settings: Settings,
) -> float:
    with Contact(
        address, host_address=settings.host_address, host_port=settings.host_port
    ) as contact:
        invitation = Invitation(ImageKind.APPLICATION, contact.port, image, token_size=0)
        inviter = Inviter(contact, invitation, target, settings=settings)
        inviter.only = Form.STOCK
        handshake = Handshake(
            contact, inviter, password=password, settings=settings, on_state=on_state
        )
        connection, _ = handshake.connect(direct=False)
        sender = Sender(image, contact, settings=settings, progress=progress, on_state=on_state)
        with connection:
            return sender.send(connection, direct=False)
