"""Bringing one image to one device of many, by the same upload that a single one gets.

A device that runs the image already is left alone: it is asked, and nothing has to be remembered
here of an earlier attempt.  One that does not know the question is sent the image again, which
changes nothing there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from platformio_secureota import container as containers
from platformio_secureota import ota
from platformio_secureota.errors import SecureOTAError
from platformio_secureota.fleet.result import Done
from platformio_secureota.image import Image

if TYPE_CHECKING:
    from platformio_secureota.fleet.device import Device
    from platformio_secureota.fleet.rollout import Watcher

_ASKING = 1.5
"""Seconds for an answer about what runs: two questions, as one may get lost."""


class Service:
    """One image; called for each device."""

    def __init__(
        self,
        container: bytes,
        *,
        kind: ota.ImageKind,
        settings: ota.Settings,
        password: Callable[[Device], ota.Password],
    ) -> None:
        """`settings`: what holds for all; `password`: of a device, asked for when it wants it.

        Refused for what is no container.
        """
        self.digest = Image(containers.parse(container).image).digest
        """SHA-256 of the image."""
        self._container = container
        self._kind = kind
        self._settings = settings
        self._password = password

    def __call__(self, device: Device, watcher: Watcher) -> Done:
        """Update it.  Refused and Unusable as `ota.upload`."""
        settings = device.settings(self._settings)
        running = self._running(device, settings)
        if running is not None:
            return Done(None, running)
        verdict = ota.upload(
            self._container,
            device.target,
            kind=self._kind,
            password=self._password(device),
            progress=watcher.progress,
            on_state=watcher.state,
            settings=settings,
        )
        application = self._kind is ota.ImageKind.APPLICATION
        waited = application and settings.wait is not ota.Wait.NO
        return Done(verdict, verdict.status, waited=waited)

    def _running(self, device: Device, settings: ota.Settings) -> ota.Status | None:
        # What the device says, if that is that it has the image.
        if self._kind is not ota.ImageKind.APPLICATION:
            return None
        try:
            status, vouched = ota.ask_status(
                device.target, password=self._password(device), timeout=_ASKING, settings=settings
            )
        except SecureOTAError:
            # The upload finds the same out, and says it better.
            return None
        # A device with a password has to prove what it says: whoever answers first in its place
        # could keep it from its update.
        believed = vouched or not status.proof
        settled = status.confirmed or settings.wait is not ota.Wait.CONFIRMED
        return status if believed and settled and status.image == self.digest else None
