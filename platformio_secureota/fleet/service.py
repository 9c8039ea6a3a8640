"""Bringing one image to one device of many, by the same upload that a single one gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from platformio_secureota import ota
from platformio_secureota.fleet.result import Done

if TYPE_CHECKING:
    from platformio_secureota.fleet.device import Device
    from platformio_secureota.fleet.rollout import Watcher


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
        """`settings`: what holds for all; `password`: of a device, asked for when it wants it."""
        self._container = container
        self._kind = kind
        self._settings = settings
        self._password = password

    def __call__(self, device: Device, watcher: Watcher) -> Done:
        """Update it.  Refused and Unusable as `ota.upload`."""
        verdict = ota.upload(
            self._container,
            device.target,
            kind=self._kind,
            password=self._password(device),
            progress=watcher.progress,
            on_state=watcher.state,
            settings=device.settings(self._settings),
        )
        return Done(verdict)
