"""Inviting a device until it answers.

The RedWax form goes first; a device that knows only the stock form stays silent at it and is then
invited in that form.  What it takes is the signed container either way.  A device that says that
it can't take an upload now is asked again until the time for invitations is over.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Union

from platformio_secureota.errors import Reason, Refused, SecureOTAError, Unusable
from platformio_secureota.ota import refusal
from platformio_secureota.ota.invitation import (
    DIRECT,
    Accepted,
    Challenge,
    Form,
    Invitation,
    parse_answer,
)
from platformio_secureota.ota.settings import Connection

if TYPE_CHECKING:
    from platformio_secureota.ota.contact import Contact
    from platformio_secureota.ota.settings import Settings
    from platformio_secureota.ota.target import Target

_PAUSES = (0.6, 0.9, 1.2)
"""Seconds between the first invitations; the last one repeats.  A sleeping radio misses some."""

_PATIENT_PAUSES = (3.0,)
"""The same where the device has answered before: a nonce at a time."""

_REDWAX_SHARE = 0.4
"""Part of the time for invitations after which the stock form takes over."""

_BUSY_PAUSE = 1.0
"""Seconds until a device that can't take an upload now is asked again."""

_SETTLE = 0.15
"""Seconds for a newer nonce to arrive, where several invitations are on their way."""

PASSING = {Reason.Busy, Reason.TooManyAttempts, Reason.NotConfirmedYet}
"""Refusals that time may cure."""

Outcome = Union[Accepted, Challenge, socket.socket]
"""The device's answer; or its connection, where its yes got lost on the way."""


class Inviter:
    """Says the same invitation until it is answered."""

    def __init__(
        self, contact: Contact, invitation: Invitation, target: Target, *, settings: Settings
    ) -> None:
        """Prepare."""
        self.form = Form.REDWAX
        """The form that the device has answered."""
        self.only: Form | None = None
        """The one form to try; None: one after the other."""
        if settings.connection is Connection.DIRECT:
            # The other form has no direct mode.
            self.only = Form.REDWAX
        self._contact = contact
        self._invitation = invitation
        self._target = target
        self._seconds = settings.timeouts.invitation
        self._answered = False
        self._sent = 0

    def invite(self, *, direct: bool) -> Outcome:
        """Invite.  Refused with the device's Reason, Unusable(NoAnswer)."""
        pauses = _PATIENT_PAUSES if self._answered else _PAUSES
        again_at = started = time.monotonic()
        stock_at, end = started + self._seconds * _REDWAX_SHARE, started + self._seconds
        self._sent = 0
        passing: Refused | None = None
        while (now := time.monotonic()) < end:
            if now >= again_at:
                again_at = now + pauses[min(self._sent, len(pauses) - 1)]
                if now < stock_at:
                    again_at = min(again_at, stock_at)
                self._say(direct=direct, stock_is_due=now >= stock_at)
            outcome = self._hear(min(again_at, end) - now, direct=direct)
            if isinstance(outcome, Refused):
                # With somebody else, who may be done in a moment; or with us, its yes being lost.
                passing, again_at = outcome, time.monotonic() + _BUSY_PAUSE
            elif outcome is not None:
                return outcome
        raise passing or self._no_answer()

    def _say(self, *, direct: bool, stock_is_due: bool) -> None:
        if not self._answered:
            self.form = self.only or (Form.STOCK if stock_is_due else Form.REDWAX)
        self._contact.say(self._invitation.encode(self.form, keys=DIRECT if direct else {}))
        self._sent += 1

    def _hear(self, seconds: float, *, direct: bool) -> Outcome | Refused | None:
        # None: nothing came, or nothing that answers this.  A refusal that stays is raised.
        arrival = self._contact.wait(max(0.0, seconds))
        if not isinstance(arrival, bytes):
            return arrival
        answer = parse_answer(arrival)
        if isinstance(answer, Accepted) and answer.door and not direct:
            # To an earlier invitation, which this one has replaced.
            return None
        self._answered = True
        if isinstance(answer, Challenge):
            return self._newest(answer)
        if isinstance(answer, Accepted):
            return answer
        refused = refusal.refused(answer.text)
        if refused.reason not in PASSING:
            raise refused
        return refused

    def _newest(self, challenge: Challenge) -> Outcome:
        # Each invitation that arrives makes a new nonce, and only the last one counts.
        while self._sent > 1:
            arrival = self._contact.wait(_SETTLE)
            if isinstance(arrival, socket.socket):
                return arrival
            newer = parse_answer(arrival) if arrival is not None else None
            if not isinstance(newer, Challenge):
                break
            challenge = newer
        return challenge

    def _no_answer(self) -> SecureOTAError:
        where = f"{self._target.host}, UDP port {self._target.port}"
        if self._contact.nobody_home:
            detail = f"{where}: the host is there, but nothing listens on that port"
            return Unusable(
                Reason.NoAnswer, detail, hint="check the port, and that the firmware has OTA"
            )
        return Unusable(
            Reason.NoAnswer,
            f"{where}, within {self._seconds:g} s",
            hint="check that the device is on, in this network, and that its loop() calls handle()",
        )
