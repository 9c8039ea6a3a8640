"""Uploads through faults, to running devices: each gets one that fails or not, then a good one."""

from __future__ import annotations

import dataclasses
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from emulated_device import OPTIMISED, EmulatedDevice, build_version
from faults import FaultyLink
from owner import MINUTE, NOW, PASSWORD, signed, write_anchor
from platformio_secureota import Image, SecureOTAError, container
from platformio_secureota.ota import Settings, State, Target, Timeouts, Verdict, upload

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from faults import Fault
    from platformio_secureota.ota import Connection

IDLE_TIMEOUT = 2
"""Seconds after which these devices give an upload up that stands still: 10 on a chip."""

TIMEOUTS = Timeouts(
    status=0.3,
    invitation=8.0,
    authentication=2.0,
    direct=2.0,
    connection=8.0,
    sending=6.0,
    verdict=6.0,
    transfer=60.0,
    refusal=1.0,
    close=0.3,
    late_refusal=0.3,
)
"""The host's, of which the rows shorten some: a third of what they are, or less."""

BOUND = 25.0
"""Seconds for any upload: above every sum of time-outs here, for a machine that is busy."""

READY = 10.0
"""Seconds after which a device must take the next upload, whatever became of the last one."""

SLACK = 5.0
"""Seconds that a busy machine may add to that."""

IMAGE_SIZE = 1_000_000
"""More than can wait in the buffers between host and device."""


class Way(NamedTuple):
    """How an upload is made."""

    connection: Connection
    password: bool = False
    timeouts: Timeouts = TIMEOUTS


@dataclass(frozen=True)
class Run:
    """What has happened."""

    verdict: Verdict | None
    error: SecureOTAError | None
    seconds: float
    runs_new: bool
    """The device has accepted the image that was sent."""
    ready_after: float
    """Seconds from the end of the upload until the next one was let in."""
    log: list[str]
    """What the device printed."""


class Workshop:
    """Makes devices, and what is sent to them.  May be used by several threads at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._anchor = write_anchor(folder / "anchor.der")
        self._program = build_version("1", folder / "version-1", build=OPTIMISED)
        program = build_version("2", folder / "version-2", build=OPTIMISED).read_bytes()
        image = program.ljust(IMAGE_SIZE, b"\0")
        self.container = signed(image)
        self.next_container = signed(image + b"!", at=NOW + MINUTE)
        self._numbers = itertools.count()

    def file(self, data: bytes) -> Path:
        """Return a file with these bytes."""
        path = self._folder / f"file-{next(self._numbers)}"
        path.write_bytes(data)
        return path

    def device(self, *, password: bool = False) -> EmulatedDevice:
        options = ["--anchor", str(self._anchor), "--idle-timeout", str(IDLE_TIMEOUT)]
        if password:
            options += ["--password-env", "DEVICE_PASSWORD"]
        return EmulatedDevice(
            self._folder / f"flash-{next(self._numbers)}",
            *options,
            program=self._program,
            environment={"DEVICE_PASSWORD": PASSWORD},
        )

    def run(self, faults: Sequence[Fault], way: Way) -> Run:
        """Upload through these faults, and again past them."""
        with self.device(password=way.password) as device, FaultyLink(device.port, *faults) as link:
            settings = Settings(connection=way.connection, timeouts=way.timeouts)
            password = PASSWORD if way.password else None
            verdict, error = None, None
            started = time.monotonic()
            try:
                verdict = upload(
                    self.container, Target(*link.address), password=password, settings=settings
                )
            except SecureOTAError as caught:
                error = caught
            ended = time.monotonic()
            # The link stays: what is held up in it is not let go.
            let_in = self._next_upload(device, password)
            return Run(
                verdict=verdict,
                error=error,
                seconds=ended - started,
                runs_new=any(line.startswith(_accepted(self.container)) for line in device.lines),
                ready_after=let_in - ended,
                log=device.lines,
            )

    def _next_upload(self, device: EmulatedDevice, password: str | None) -> float:
        # Straight to the device.  Returns when it was let in.
        entered: dict[State, float] = {}
        patient = dataclasses.replace(TIMEOUTS, invitation=READY + SLACK)
        upload(
            self.next_container,
            device.target,
            password=password,
            on_state=lambda state: entered.setdefault(state, time.monotonic()),
            settings=Settings(timeouts=patient),
        )
        device.wait_for(_accepted(self.next_container))
        device.wait_for("confirmed: ")
        return entered[State.SENDING]


def _accepted(data: bytes) -> str:
    """How the device's line about this container begins."""
    return f"accepted: image {Image(container.parse(data).image).digest.hex()[:8]}"
