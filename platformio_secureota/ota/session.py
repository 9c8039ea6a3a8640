"""One upload to one device, from the invitation to the verdict."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from platformio_secureota import container as containers
from platformio_secureota.errors import SecureOTAError, Unusable
from platformio_secureota.ota import refusal
from platformio_secureota.ota.contact import Contact
from platformio_secureota.ota.handshake import Handshake, State
from platformio_secureota.ota.invitation import ImageKind, Invitation, Rejected, parse_answer
from platformio_secureota.ota.settings import Settings
from platformio_secureota.ota.target import Target, resolve
from platformio_secureota.ota.transfer import Progress, Transfer

if TYPE_CHECKING:
    from platformio_secureota.ota.auth import PasswordForm
    from platformio_secureota.ota.handshake import Password
    from platformio_secureota.ota.invitation import Form
    from platformio_secureota.ota.settings import Timeouts


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
    password_form: PasswordForm | None
    """How the password was shown; None where the device did not ask."""


def upload(
    container: bytes,
    target: Target,
    *,
    kind: ImageKind = ImageKind.APPLICATION,
    password: Password = None,
    progress: Progress = None,
    on_state: Callable[[State], None] | None = None,
    settings: Settings | None = None,
) -> Verdict:
    """Send a signed container to a device and return its verdict, which is yes.

    Refused: it is not a container (nothing was sent then), we would have to show the password in
    a weak form, or the device said no.  Unusable: it did not come to a verdict.
    """
    token_size = len(containers.parse(container).token)
    chosen = settings or Settings()
    address = resolve(target)
    with Contact(address, host_address=chosen.host_address, host_port=chosen.host_port) as contact:
        invitation = Invitation(
            kind=kind,
            port=contact.port,
            container=container,
            token_size=token_size,
            digest=chosen.transport_digest,
        )
        handshake = Handshake(
            contact, invitation, target, password=password, settings=chosen, on_state=on_state
        )
        with handshake.connect() as connection:
            if on_state is not None:
                on_state(State.SENDING)
            started = time.monotonic()
            transfer = Transfer(connection, container, timeouts=chosen.timeouts, progress=progress)
            _conclude(transfer, contact, chosen.timeouts)
            return Verdict(
                ip=address.ip,
                size=len(container),
                seconds=time.monotonic() - started,
                form=handshake.form,
                password_form=handshake.password_form,
            )


def _conclude(transfer: Transfer, contact: Contact, timeouts: Timeouts) -> None:
    # Returns if the device accepted.
    try:
        ok_line_end = transfer.run()
    except Unusable as error:
        # Some devices close the connection first and then say why, by UDP.
        _raise_late_refusal(contact, timeouts, cause=error)
        raise
    # Deployed signed receivers write "OK\r\n" when the last byte is in, and compare the digest
    # after that: what they find then, they say by UDP.
    if ok_line_end == b"\r\n":
        _raise_late_refusal(contact, timeouts, cause=None)


def _raise_late_refusal(
    contact: Contact, timeouts: Timeouts, *, cause: SecureOTAError | None
) -> None:
    deadline = time.monotonic() + timeouts.late_refusal
    while (rest := deadline - time.monotonic()) > 0:
        arrival = contact.wait(rest)
        if isinstance(arrival, bytes):
            answer = parse_answer(arrival)
            if isinstance(answer, Rejected):
                raise refusal.refused(answer.text) from cause
        elif arrival is not None:
            arrival.close()
