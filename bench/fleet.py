"""200 devices at once: how long that takes against one alone, and what it costs this computer.

Each is a process whose flash takes as long as a chip's, so that a device is what an upload waits
for, as it is in a building full of them.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from bench.device import Device
from bench.measurement import Measurement
from bench.upload import one_mebibyte
from platformio_secureota import Image, TrustAnchor, fleet, pki, sign
from platformio_secureota.ota import ImageKind, Settings, Target, upload
from platformio_secureota.tsa.local import LocalTSA

if TYPE_CHECKING:
    from platformio_secureota.ota import State

COUNT = 200
PARALLEL = 32

GOAL_OF_PLAN = 0.5
"""Of the rate that the plan allows: a canary alone, and then so many at once.  The devices, too,
run on this computer."""

GOAL_OF_CPU = 0.8
"""Devices for a second of our processor time, against one alone: numbers may not make it dearer."""

_STARTERS = 8
"""Devices that are started at the same time."""


class _Silent:
    # Nothing is shown: drawing is not what is measured.

    def begins(self, device: fleet.Device, *, canary: bool) -> None:
        """Nothing."""

    def state(self, device: fleet.Device, state: State) -> None:
        """Nothing."""

    def progress(self, device: fleet.Device, done: int, total: int) -> None:
        """Nothing."""

    def ends(self, result: fleet.Result) -> None:
        """Stop at once: a rollout with failures measures nothing."""
        if result.error is not None:
            raise RuntimeError(str(result.error))

    def stops(self, why: str) -> None:
        """Nothing."""


def measure() -> list[Measurement]:
    """Rates: devices a minute, and devices a second of processor time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        identity = pki.generate("p256")
        anchor = folder / "anchor.der"
        anchor.write_bytes(identity.anchor_der)
        image = Image(one_mebibyte(folder))
        anchors = [TrustAnchor.from_der(identity.anchor_der)]
        container = sign(image, LocalTSA(identity), anchors=anchors).container

        def device(number: int) -> Device:
            return Device(
                folder / f"device-{number}",
                *("--anchor", str(anchor)),
                "--flash-timing",
                program=folder / "program",
            )

        with device(-2) as first, device(-1) as alone:
            upload(container, Target("127.0.0.1", first.port))  # loads what is loaded once
            one = _cost(lambda: upload(container, Target("127.0.0.1", alone.port)))
        with contextlib.ExitStack() as stack:
            # By their ports: nobody holds them yet, so one may come twice.
            by_port: dict[int, Device] = {}
            while len(by_port) < COUNT:
                another = device(len(by_port))
                by_port.setdefault(another.port, another)
            devices = list(by_port.values())
            with ThreadPoolExecutor(_STARTERS) as pool:
                list(pool.map(stack.enter_context, devices))
            all_of_them = _cost(lambda: _roll_out(container, devices))
    planned = COUNT / (1 + math.ceil((COUNT - 1) / PARALLEL))
    name = f"{COUNT} devices, {PARALLEL} at once"
    return [
        Measurement(
            name,
            60 * COUNT / all_of_them[0],
            "devices/min",
            "one alone",
            60 / one[0],
            planned * GOAL_OF_PLAN,
        ),
        Measurement(
            name,
            COUNT / all_of_them[1],
            "devices/CPU s",
            "one alone",
            1 / one[1],
            GOAL_OF_CPU,
        ),
    ]


def _roll_out(container: bytes, devices: list[Device]) -> None:
    service = fleet.Service(
        container,
        kind=ImageKind.APPLICATION,
        settings=Settings(),
        password=lambda _: None,
    )
    rollout = fleet.Rollout(service, limits=fleet.Limits(PARALLEL), listener=_Silent())
    named = fleet.named([f"127.0.0.1:{device.port}" for device in devices])
    if not rollout.run(fleet.plan(named)).complete:
        raise RuntimeError("not every device was updated")


def _cost(work: Callable[[], object]) -> tuple[float, float]:
    # Seconds of the clock, and of our processor time.
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor
