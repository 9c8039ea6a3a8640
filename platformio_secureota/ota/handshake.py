"""From the first invitation to a connection with the device.

    invite         inviting.py
    authenticate   where the device asks for the password
    connect        to the device, where it has said where; or
    wait           for the device to connect to this computer

Each state has a time-out, an error and a hint of its own.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Callable, Optional, Union

from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.ota import auth, refusal
from platformio_secureota.ota.invitation import Accepted, Challenge, Rejected, parse_answer
from platformio_secureota.ota.inviting import PASSING
from platformio_secureota.ota.settings import Connection
from platformio_secureota.ota.states import State

if TYPE_CHECKING:
    from platformio_secureota.ota.auth import PasswordForm
    from platformio_secureota.ota.contact import Contact
    from platformio_secureota.ota.invitation import Answer, Door
    from platformio_secureota.ota.inviting import Inviter
    from platformio_secureota.ota.settings import Settings

_MAX_ATTEMPTS = 3
"""Invitations that may end in a challenge whose answer gets no answer."""

Password = Union[str, Callable[[], Optional[str]], None]
"""The device's password, or who to ask for it, once and only if the device wants it."""

OnState = Optional[Callable[[State], None]]
"""Told of every state that is entered."""


class NotReached(Unusable):
    """The device could not be connected to.  It may still be able to connect to us."""

    def __init__(self, why: str, *, hint: str) -> None:
        """`why`: what went wrong, as a part of a sentence."""
        super().__init__(Reason.NoConnection, f"the device said yes, but {why}", hint=hint)
        self.why = why


class Handshake:
    """One device, from the first invitation to a connection."""

    def __init__(
        self,
        contact: Contact,
        inviter: Inviter,
        *,
        password: Password,
        settings: Settings,
        on_state: OnState,
    ) -> None:
        """Prepare."""
        self.password_form: PasswordForm | None = None
        """How the password was shown; None if the device did not ask."""
        self.password: str | None = None
        """The password, if the device asked for it."""
        self.not_reached = ""
        """Why an earlier, direct attempt failed."""
        self._contact = contact
        self._inviter = inviter
        self._password = password
        self._settings = settings
        self._timeouts = settings.timeouts
        self._on_state = on_state

    def _enter(self, state: State) -> None:
        if self._on_state is not None:
            self._on_state(state)

    def connect(self, *, direct: bool) -> tuple[socket.socket, bool]:
        """Invite the device; return a connection with it, and whether it was opened from here.

        `direct` offers to connect to it.  NotReached if that is taken and fails.
        """
        # What still arrives from an earlier attempt does not answer this one.
        self._contact.forget()
        outcome = self._invite(direct=direct)
        if isinstance(outcome, Challenge):
            outcome = self._authenticate(outcome, direct=direct)
        if isinstance(outcome, socket.socket):
            return outcome, False
        if outcome.door is not None and direct:
            return self._dial(outcome.door), True
        if self._settings.connection is Connection.DIRECT:
            raise NotReached(
                "its firmware knows no direct mode", hint="choose --connection=back for this device"
            )
        return self._wait_for_connection(), False

    def _invite(self, *, direct: bool) -> Accepted | Challenge | socket.socket:
        self._enter(State.INVITING)
        return self._inviter.invite(direct=direct)

    # -- the password -----------------------------------------------------------------------------

    def _authenticate(self, challenge: Challenge, *, direct: bool) -> Accepted | socket.socket:
        password = self._ask_password()
        refused: Refused | None = None
        tried = unanswered = 0
        for _ in range(_MAX_ATTEMPTS):
            self._enter(State.AUTHENTICATING)
            forms = auth.forms_for(challenge.nonce, allow_weak=self._settings.allow_weak_password)
            self.password_form = forms[min(tried, len(forms) - 1)]
            self._contact.say(auth.answer(self.password_form, password, nonce=challenge.nonce))
            unanswered += 1
            outcome = self._hear_authentication(challenge)
            if isinstance(outcome, (Accepted, socket.socket)):
                return outcome
            if isinstance(outcome, Challenge):
                # One more invitation of ours had arrived, and this nonce has replaced the other.
                challenge = outcome
                continue
            if isinstance(outcome, Rejected):
                refused = refusal.refused(outcome.text, unnamed=Reason.NotAuthorized)
                # With two answers under way, this is about the one to the old nonce.
                tried += unanswered == 1
                if refused.reason not in PASSING and tried == len(forms):
                    raise refused
            # Silence, or another form to try: a new nonce is needed for either.
            unanswered = 0
            renewed = self._invite(direct=direct)
            if not isinstance(renewed, Challenge):
                return renewed
            challenge = renewed
        raise refused or Unusable(
            Reason.NoAnswer,
            "it asked for the password and does not answer it",
            hint="try again",
        )

    def _ask_password(self) -> str:
        password = self._password() if callable(self._password) else self._password
        if not password:
            raise Unusable(
                Reason.PasswordMissing,
                hint="set SECUREOTA_PASSWORD to the device's password, or --password-file",
            )
        self.password = self._password = password
        return password

    def _hear_authentication(self, challenge: Challenge) -> Answer | socket.socket | None:
        deadline = time.monotonic() + self._timeouts.authentication
        while (rest := deadline - time.monotonic()) > 0:
            arrival = self._contact.wait(rest)
            outcome = parse_answer(arrival) if isinstance(arrival, bytes) else arrival
            # The same nonce again answers an invitation that was sent twice.
            if outcome != challenge:
                return outcome
        return None

    # -- the connection ---------------------------------------------------------------------------

    def _dial(self, door: Door) -> socket.socket:
        self._enter(State.CONNECTING)
        try:
            connection = self._contact.dial(door.port, seconds=self._timeouts.direct)
            connection.sendall(door.key())
        except OSError as cause:
            seconds = f"no answer within {self._timeouts.direct:g} s"
            why = seconds if isinstance(cause, socket.timeout) else cause.strerror
            raise NotReached(
                f"this computer could not reach it on TCP {door.port} ({why})",
                hint=f"allow TCP {door.port} on the way to the device, or --connection=back",
            ) from cause
        return connection

    def _wait_for_connection(self) -> socket.socket:
        self._enter(State.WAITING)
        deadline = time.monotonic() + self._timeouts.connection
        while (rest := deadline - time.monotonic()) > 0:
            arrival = self._contact.wait(rest)
            if isinstance(arrival, socket.socket):
                return arrival
            if arrival is not None:
                self._hear_while_waiting(parse_answer(arrival))
        port = self._contact.port
        detail = f"the device said yes but could not reach this computer on TCP {port}"
        hint = f"allow TCP {port} in the firewall, or fix the port with --host-port"
        if self.not_reached:
            detail += f", and {self.not_reached}"
            hint = "allow one of the two in the firewall; --host-port fixes the first"
        raise Unusable(Reason.NoConnection, detail, hint=hint)

    @staticmethod
    def _hear_while_waiting(answer: Answer) -> None:
        # A second yes or nonce answers an invitation that was sent twice, and so does "busy": it
        # is busy connecting to us.
        if isinstance(answer, Rejected):
            refused = refusal.refused(answer.text)
            if refused.reason is not Reason.Busy:
                raise refused
