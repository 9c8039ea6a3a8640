"""After the device's yes: does it run the new image, and does it stay with it?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Refused, SecureOTAError, Unusable
from platformio_secureota.ota import refusal
from platformio_secureota.ota.settings import Wait
from platformio_secureota.ota.states import State

if TYPE_CHECKING:
    from platformio_secureota.ota.handshake import OnState
    from platformio_secureota.ota.inquiry import Inquiry
    from platformio_secureota.ota.settings import Settings
    from platformio_secureota.ota.status import Status

_LEFT_AGAIN = {Reason.ImageNotConfirmed.value, Reason.ImageRejected.value}
"""What `last` says after a rollback."""


class Watch:
    """Asks a device until it runs an image, or will not."""

    def __init__(
        self,
        inquiry: Inquiry,
        digest: bytes,
        *,
        password: str | None,
        settings: Settings,
        on_state: OnState,
    ) -> None:
        """`digest`: the image's SHA-256.  `password`: answers have to prove it; None: nothing."""
        self._inquiry = inquiry
        self._digest = digest
        self._password = password
        self._settings = settings
        self._timeouts = settings.timeouts
        self._on_state = on_state
        self._before = inquiry.latest or inquiry.hear(0)

    def run(self) -> Status | None:
        """Return the device's word that it runs the image; None if it never answered about that.

        Refused: NotRunning, or NotAuthorized if no answer proves the password.  Unusable:
        NoAnswer, or NotConfirmedYet where that is waited for.
        """
        if self._before is None:
            return None
        status = self._until_running()
        if self._settings.wait is Wait.CONFIRMED and not status.confirmed:
            return self._until_confirmed()
        return status

    def _until_running(self) -> Status:
        self._enter(State.RESTARTING)
        settled_at = time.monotonic() + self._timeouts.restart
        unbelieved: SecureOTAError | None = None
        for status in self._inquiry.answers(self._timeouts.back):
            doubt = self._doubt(status)
            if doubt is None:
                return status
            # Until it restarts, the previous image answers.
            settled = time.monotonic() >= settled_at
            if settled or (doubt.reason is Reason.NotRunning and self._has_restarted(status)):
                raise doubt
            unbelieved = doubt if doubt.reason is Reason.NotAuthorized else None
        raise unbelieved or Unusable(
            Reason.NoAnswer,
            f"it accepted the image and is silent since, for {self._timeouts.back:g} s",
            hint="see what the device logs; it may have a new address, or be slow (--wait-timeout)",
        )

    def _until_confirmed(self) -> Status:
        self._enter(State.CONFIRMING)
        for status in self._inquiry.answers(self._timeouts.confirmation):
            doubt = self._doubt(status)
            if doubt is None and status.confirmed:
                return status
            if doubt is not None and doubt.reason is Reason.NotRunning:
                raise doubt
        raise Unusable(
            Reason.NotConfirmedYet,
            "it runs the new image, which did not confirm itself within "
            f"{self._timeouts.confirmation:g} s",
            hint="a restart brings the previous image back; the sketch has to say that it works",
        )

    def _doubt(self, status: Status) -> SecureOTAError | None:
        if self._password is not None:
            try:
                self._inquiry.vouch(
                    status,
                    password=self._password,
                    allow_weak=self._settings.allow_weak_password,
                )
            except Refused as error:
                return error
        # A device that can't tell which image it runs is not doubted: it said OK.
        if status.image is None or status.image == self._digest:
            return None
        return self._not_running(status)

    def _not_running(self, status: Status) -> Refused:
        why = refusal.named(status.last)
        if status.last in _LEFT_AGAIN and why is not None:
            return Refused(
                Reason.NotRunning,
                f"it went back to the previous one: {why.sentence}",
                hint="see what the device logs when the new image starts",
            )
        detail = f"it runs another one, {self._timeouts.restart:g} s after it accepted this"
        if status.last:
            detail += f"; the last that it refused: {status.last}"
        return Refused(Reason.NotRunning, detail, hint="see what the device logs when it starts")

    def _has_restarted(self, status: Status) -> bool:
        before = self._before
        if before is None:
            return False
        rolled_back = status.last in _LEFT_AGAIN and status.last != before.last
        return rolled_back or (bool(before.salt) and before.salt != status.salt)

    def _enter(self, state: State) -> None:
        if self._on_state is not None:
            self._on_state(state)
