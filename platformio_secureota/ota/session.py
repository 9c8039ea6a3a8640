"""One upload to one device, from the invitation to the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from platformio_secureota import container as containers
from platformio_secureota.image import Image
from platformio_secureota.ota.contact import Contact
from platformio_secureota.ota.fitting import Fitting
from platformio_secureota.ota.handshake import Handshake, NotReached
from platformio_secureota.ota.inquiry import Inquiry
from platformio_secureota.ota.invitation import Form, ImageKind, Invitation
from platformio_secureota.ota.inviting import Inviter
from platformio_secureota.ota.running import Watch
from platformio_secureota.ota.sending import Sender
from platformio_secureota.ota.settings import Connection, Settings, Wait
from platformio_secureota.ota.target import Target, resolve

if TYPE_CHECKING:
    from platformio_secureota.ota.auth import PasswordForm
    from platformio_secureota.ota.handshake import OnState, Password
    from platformio_secureota.ota.status import Status
    from platformio_secureota.ota.transfer import Progress


@dataclass(frozen=True)
class Verdict:
    """The device said `OK` after it had the last byte.

    The word of a device is not authenticated: whoever holds its address could have said it.
    """

    ip: str
    size: int
    """Bytes sent: the whole container."""
    seconds: float
    """From the connection to the verdict."""
    form: Form
    """The form of invitation that the device answered."""
    direct: bool
    """This computer connected to the device, not the device to it."""
    password_form: PasswordForm | None
    """How the password was shown; None where the device did not ask."""
    status: Status | None = None
    """What it said after the restart, where that was waited for and it knows the question.

    Where the password was shown, it vouches for that.
    """


def upload(
    container: bytes,
    target: Target,
    *,
    kind: ImageKind = ImageKind.APPLICATION,
    password: Password = None,
    progress: Progress = None,
    on_state: OnState = None,
    settings: Settings | None = None,
) -> Verdict:
    """Send a signed container to a device and return its verdict, which is yes.

    Refused: it is not a container, or for another product (nothing was sent then), we would have
    to show the password in a weak form, the device said no, or went back to its previous image.
    Unusable: it did not come to a verdict.
    """
    parsed = containers.parse(container)
    fitting = Fitting(parsed.image, kind)
    chosen = settings or Settings()
    address = resolve(target)
    fitting.check(address.product)
    with (
        Contact(
            address,
            host_address=chosen.host_address,
            host_port=chosen.host_port,
            listen=chosen.connection is not Connection.DIRECT,
        ) as contact,
        Inquiry(address, host_address=chosen.host_address) as inquiry,
    ):
        fitting.ask(inquiry, timeouts=chosen.timeouts, on_state=on_state)
        invitation = Invitation(
            kind=kind,
            port=contact.port,
            container=container,
            token_size=len(parsed.token),
            digest=chosen.transport_digest,
        )
        inviter = Inviter(contact, invitation, target, settings=chosen)
        if inquiry.latest is not None:
            # It has spoken the language of that form.
            inviter.only = Form.REDWAX
        handshake = Handshake(
            contact, inviter, password=password, settings=chosen, on_state=on_state
        )
        sender = Sender(container, contact, settings=chosen, progress=progress, on_state=on_state)
        direct, seconds = _deliver(handshake, sender, chosen.connection, fitting, inquiry)
        status = None
        if kind is ImageKind.APPLICATION and chosen.wait is not Wait.NO:
            status = Watch(
                inquiry,
                Image(parsed.image).digest,
                password=handshake.password,
                settings=chosen,
                on_state=on_state,
            ).run()
        return Verdict(
            ip=address.ip,
            size=len(container),
            seconds=seconds,
            form=inviter.form,
            direct=direct,
            password_form=handshake.password_form,
            status=status,
        )


def _deliver(
    handshake: Handshake, sender: Sender, way: Connection, fitting: Fitting, inquiry: Inquiry
) -> tuple[bool, float]:
    # Returns whether this computer connected, and the seconds that the transfer took.
    def attempt(*, direct: bool) -> tuple[bool, float]:
        connection, came_direct = handshake.connect(direct=direct)
        with connection:
            fitting.look_again(inquiry)
            return came_direct, sender.send(connection, direct=came_direct)

    if way is not Connection.BACK:
        try:
            return attempt(direct=True)
        except NotReached as error:
            if way is Connection.DIRECT:
                raise
            handshake.not_reached = error.why
    return attempt(direct=False)
