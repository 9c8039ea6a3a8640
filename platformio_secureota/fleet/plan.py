"""The order: canaries first, one after the other, and then all the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platformio_secureota.fleet.device import Device


@dataclass(frozen=True)
class Plan:
    """Who comes when."""

    canaries: tuple[Device, ...]
    rest: tuple[Device, ...]


def plan(devices: Sequence[Device]) -> Plan:
    """Put the marked canaries first; if none is marked, the first device is one."""
    canaries = tuple(each for each in devices if each.canary) or tuple(devices[:1])
    return Plan(canaries, tuple(each for each in devices if each not in canaries))
