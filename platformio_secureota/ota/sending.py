"""Sending a container over a connection, whichever way that came about, until the verdict."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, SecureOTAError, Unusable
from platformio_secureota.ota import refusal
from platformio_secureota.ota.handshake import NotReached
from platformio_secureota.ota.invitation import Rejected, parse_answer
from platformio_secureota.ota.states import State
from platformio_secureota.ota.transfer import Progress, Transfer

if TYPE_CHECKING:
    import socket

    from platformio_secureota.ota.contact import Contact
    from platformio_secureota.ota.handshake import OnState
    from platformio_secureota.ota.settings import Settings

# The device drops who comes from another address than the invitation did, and a middlebox may take
# a connection that leads nowhere.  A device acknowledges each read, so it has read nothing.
_LEADS_NOWHERE = {
    Reason.ConnectionLost: "was closed before it had said a word",
    Reason.TimedOut: "took bytes, and not a word came back",
}


class Sender:
    """A container and who is told of its way."""

    def __init__(
        self,
        container: bytes,
        contact: Contact,
        *,
        settings: Settings,
        progress: Progress,
        on_state: OnState,
    ) -> None:
        """Prepare."""
        self._container = container
        self._contact = contact
        self._timeouts = settings.timeouts
        self._progress = progress
        self._on_state = on_state

    def send(self, connection: socket.socket, *, direct: bool) -> float:
        """Send; return the seconds that it took if the device accepted.  The caller closes.

        Refused with the device's Reason; NotReached where a direct connection led nowhere;
        Unusable for every other doubt.
        """
        self._enter(State.SENDING)
        started = time.monotonic()
        transfer = Transfer(
            connection,
            self._container,
            timeouts=self._timeouts,
            progress=self._progress,
            on_sent=lambda: self._enter(State.VERDICT),
        )
        try:
            ok_line_end = transfer.run()
        except Unusable as error:
            # Some devices close the connection first and then say why, by UDP.
            self._raise_late_refusal(cause=error)
            if direct and error.reason in _LEADS_NOWHERE and not transfer.heard:
                raise NotReached(
                    f"the connection to it {_LEADS_NOWHERE[error.reason]}",
                    hint="something between the two may stand in the way; choose --connection=back",
                ) from error
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
