"""One upload to one device, from the invitation to the verdict."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platformio_secureota import container as containers
from platformio_secureota.errors import Reason, SecureOTAError, Unusable
from platformio_secureota.ota import refusal
from platformio_secureota.ota.contact import Contact
from platformio_secureota.ota.handshake import Handshake, NotReached
from platformio_secureota.ota.invitation import ImageKind, Invitation, Rejected, parse_answer
from platformio_secureota.ota.inviting import Inviter
from platformio_secureota.ota.settings import Connection, Settings
from platformio_secureota.ota.states import State
from platformio_secureota.ota.target import Target, resolve
from platformio_secureota.ota.transfer import Progress, Transfer

if TYPE_CHECKING:
    import socket

    from platformio_secureota.ota.auth import PasswordForm
    from platformio_secureota.ota.handshake import OnState, Password
    from platformio_secureota.ota.invitation import Form


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

    Refused: it is not a container (nothing was sent then), we would have to show the password in
    a weak form, or the device said no.  Unusable: it did not come to a verdict.
    """
    parsed = containers.parse(container)
    chosen = settings or Settings()
    address = resolve(target)
    with Contact(
        address,
        host_address=chosen.host_address,
        host_port=chosen.host_port,
        listen=chosen.connection is not Connection.DIRECT,
    ) as contact:
        invitation = Invitation(
            kind=kind,
            port=contact.port,
            container=container,
            token_size=len(parsed.token),
            digest=chosen.transport_digest,
        )
        inviter = Inviter(contact, invitation, target, settings=chosen)
        handshake = Handshake(
            contact, inviter, password=password, settings=chosen, on_state=on_state
        )
        sender = _Sender(container, contact, settings=chosen, progress=progress, on_state=on_state)
        direct, seconds = _deliver(handshake, sender, chosen.connection)
        return Verdict(
            ip=address.ip,
            size=len(container),
            seconds=seconds,
            form=inviter.form,
            direct=direct,
            password_form=handshake.password_form,
        )


def _deliver(handshake: Handshake, sender: _Sender, way: Connection) -> tuple[bool, float]:
    # Returns whether it went the direct way, and the seconds that it took.
    if way is not Connection.BACK:
        try:
            connection, direct = handshake.connect(direct=True)
            return direct, sender.send(connection, direct=direct)
        except NotReached as error:
            if way is Connection.DIRECT:
                raise
            handshake.not_reached = error.why
    connection, direct = handshake.connect(direct=False)
    return direct, sender.send(connection, direct=direct)


class _Sender:
    # Sends the container over one connection and returns if the device accepted it.

    def __init__(
        self,
        container: bytes,
        contact: Contact,
        *,
        settings: Settings,
        progress: Progress,
        on_state: OnState,
    ) -> None:
        self._container = container
        self._contact = contact
        self._timeouts = settings.timeouts
        self._progress = progress
        self._on_state = on_state

    def send(self, connection: socket.socket, *, direct: bool) -> float:
        self._enter(State.SENDING)
        started = time.monotonic()
        transfer = Transfer(
            connection,
            self._container,
            timeouts=self._timeouts,
            progress=self._progress,
            on_sent=lambda: self._enter(State.VERDICT),
        )
        with connection:
            try:
                ok_line_end = transfer.run()
            except Unusable as error:
                # Some devices close the connection first and then say why, by UDP.
                self._raise_late_refusal(cause=error)
                if direct and error.reason is Reason.ConnectionLost and not transfer.heard:
                    raise _cut_off() from error
                raise
            # Deployed signed receivers write "OK\r\n" when the last byte is in, and compare the
            # digest after that: what they find then, they say by UDP.
            if ok_line_end == b"\r\n":
                self._raise_late_refusal(cause=None)
        return time.monotonic() - started

    def _enter(self, state: State) -> None:
        if self._on_state is not None:
            self._on_state(state)

    def _raise_late_refusal(self, *, cause: SecureOTAError | None) -> None:
        deadline = time.monotonic() + self._timeouts.late_refusal
        while (rest := deadline - time.monotonic()) > 0:
            arrival = self._contact.wait(rest)
            if isinstance(arrival, bytes):
                answer = parse_answer(arrival)
                if isinstance(answer, Rejected):
                    raise refusal.refused(answer.text) from cause
            elif arrival is not None:
                arrival.close()


def _cut_off() -> NotReached:
    # The device drops who comes from another address than the invitation did, and a middlebox
    # may take a connection that leads nowhere.
    return NotReached(
        "the connection to it was closed before it had said a word",
        hint="something between the two may change addresses; choose --connection=back",
    )
