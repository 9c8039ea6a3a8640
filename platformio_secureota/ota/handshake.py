"""Getting a device to connect: the invitation, the password, and the wait.

    invite       RedWax form first; a device that knows only the stock form stays silent at it and
                 is then invited in that form.  What it fetches is the signed container either way.
    authenticate where the device asks for it
    wait         for the device to connect to this computer

Each state has a time-out, an error and a hint of its own.
"""

from __future__ import annotations

import enum
import socket
import time
from typing import TYPE_CHECKING, Callable, Optional, Union

from platformio_secureota.errors import Reason, Refused, SecureOTAError, Unusable
from platformio_secureota.ota import auth, refusal
from platformio_secureota.ota.invitation import (
    Accepted,
    Challenge,
    Form,
    Invitation,
    Rejected,
    parse_answer,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platformio_secureota.ota.auth import PasswordForm
    from platformio_secureota.ota.contact import Contact
    from platformio_secureota.ota.invitation import Answer
    from platformio_secureota.ota.settings import Settings
    from platformio_secureota.ota.target import Target

_PAUSES = (0.6, 0.9, 1.2)
"""Seconds between the first invitations; the last one repeats.  A sleeping radio misses some."""

_PATIENT_PAUSES = (3.0,)
"""The same where the device has answered before: a nonce at a time."""

_REDWAX_SHARE = 0.4
"""Part of the time for invitations after which the stock form takes over."""

_BUSY_PAUSE = 1.0
"""Seconds until a busy device is asked again."""

_SETTLE = 0.15
"""Seconds for a newer nonce to arrive, where several invitations are on their way."""

_MAX_ATTEMPTS = 3
"""Invitations that may end in a challenge whose answer gets no answer."""

Password = Union[str, Callable[[], Optional[str]], None]
"""The device's password, or who to ask for it, once and only if the device wants it."""


class State(enum.Enum):
    """Where an upload stands; the value says it in words."""

    INVITING = "inviting the device"
    AUTHENTICATING = "authenticating"
    WAITING = "waiting for the device to connect"
    SENDING = "sending"


class Handshake:
    """One device, from the first invitation to its connection."""

    def __init__(
        self,
        contact: Contact,
        invitation: Invitation,
        target: Target,
        *,
        password: Password,
        settings: Settings,
        on_state: Callable[[State], None] | None,
    ) -> None:
        """Prepare; `on_state` is told of every state that is entered."""
        self.form = Form.REDWAX
        """The form that the device answered."""
        self.password_form: PasswordForm | None = None
        """How the password was shown; None if the device did not ask."""
        self._contact = contact
        self._invitation = invitation
        self._target = target
        self._password = password
        self._settings = settings
        self._timeouts = settings.timeouts
        self._on_state = on_state

    def _enter(self, state: State) -> None:
        if self._on_state is not None:
            self._on_state(state)

    def connect(self) -> socket.socket:
        """Invite the device and return its connection."""
        outcome = self._invite()
        if isinstance(outcome, Challenge):
            outcome = self._authenticate(outcome)
        if isinstance(outcome, socket.socket):
            # Its yes got lost on the way, but here it is.
            return outcome
        return self._wait_for_connection()

    def _invite(self, pauses: Sequence[float] = _PAUSES) -> Accepted | Challenge | socket.socket:
        self._enter(State.INVITING)
        total = self._timeouts.invitation
        redwax_until = total * _REDWAX_SHARE
        started = time.monotonic()
        sent = 0
        busy: Refused | None = None
        while (elapsed := time.monotonic() - started) < total:
            self.form = Form.REDWAX if elapsed < redwax_until else Form.STOCK
            end = redwax_until if self.form is Form.REDWAX else total
            pause = min(pauses[min(sent, len(pauses) - 1)], end - elapsed)
            self._contact.say(self._invitation.encode(self.form))
            sent += 1
            arrival = self._contact.wait(pause)
            if isinstance(arrival, socket.socket):
                return arrival
            if arrival is None:
                continue
            answer = self._newest(parse_answer(arrival), several=sent > 1)
            if not isinstance(answer, Rejected):
                return answer
            busy = refusal.refused(answer.text)
            if busy.reason is not Reason.Busy:
                raise busy
            # With somebody else, who may be done in a moment; or with us, its yes having got lost.
            arrival = self._contact.wait(min(_BUSY_PAUSE, total))
            if isinstance(arrival, socket.socket):
                return arrival
        raise busy or self._no_answer()

    def _newest(self, answer: Answer, *, several: bool) -> Answer | socket.socket:
        # Each invitation that arrives makes a new nonce, and only the last one counts.
        while several and isinstance(answer, Challenge):
            arrival = self._contact.wait(_SETTLE)
            if isinstance(arrival, socket.socket):
                return arrival
            newer = parse_answer(arrival) if isinstance(arrival, bytes) else None
            if not isinstance(newer, Challenge):
                break
            answer = newer
        return answer

    def _no_answer(self) -> SecureOTAError:
        where = f"{self._target.host}, UDP port {self._target.port}"
        if self._contact.nobody_home:
            detail = f"{where}: the host is there, but nothing listens on that port"
            return Unusable(
                Reason.NoAnswer, detail, hint="check the port, and that the firmware has OTA"
            )
        return Unusable(
            Reason.NoAnswer,
            f"{where}, within {self._timeouts.invitation:g} s",
            hint="check that the device is on, in this network, and that its loop() calls handle()",
        )

    def _authenticate(self, challenge: Challenge) -> Accepted | socket.socket:
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
                if tried == len(forms):
                    raise refused
            # Silence, or another form to try: a new nonce is needed for either.
            unanswered = 0
            renewed = self._invite(_PATIENT_PAUSES)
            if not isinstance(renewed, Challenge):
                return renewed
            challenge = renewed
        raise refused or Unusable(
            Reason.NoAnswer,
            f"{self._target.host} asked for the password and does not answer it",
            hint="try again",
        )

    def _ask_password(self) -> str:
        password = self._password() if callable(self._password) else self._password
        if not password:
            raise Unusable(
                Reason.PasswordMissing,
                hint="set SECUREOTA_PASSWORD to the device's password",
            )
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

    def _wait_for_connection(self) -> socket.socket:
        self._enter(State.WAITING)
        deadline = time.monotonic() + self._timeouts.connection
        while (rest := deadline - time.monotonic()) > 0:
            arrival = self._contact.wait(rest)
            if isinstance(arrival, socket.socket):
                return arrival
            if arrival is not None:
                self._hear_while_waiting(parse_answer(arrival))
        port = self._invitation.port
        raise Unusable(
            Reason.NoConnection,
            f"the device said yes but could not reach this computer on TCP {port}",
            hint=f"allow TCP {port} in the firewall, or fix the port with --host-port",
        )

    @staticmethod
    def _hear_while_waiting(answer: Answer) -> None:
        # A second yes or nonce answers an invitation that was sent twice, and so does "busy": it
        # is busy connecting to us.
        if isinstance(answer, Rejected):
            refused = refusal.refused(answer.text)
            if refused.reason is not Reason.Busy:
                raise refused
