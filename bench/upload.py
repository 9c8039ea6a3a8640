"""An upload over a slow link to a device whose flash takes as long as a chip's.

Ours, against the stock host tool's way (1,024 bytes, then wait for the acknowledgement), to the
same device over the same link; and against the limit: what link, window or flash alone would take,
whichever of them is slowest.  All are times from the invitation to the device's `OK`.
"""

from __future__ import annotations

import hashlib
import math
import re
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.device import PROGRAM, Device
from bench.line import Model
from bench.link import Link
from bench.measurement import Measurement
from platformio_secureota import Image, TrustAnchor, pki, sign
from platformio_secureota.ota import Target, upload
from platformio_secureota.tsa.local import LocalTSA

if TYPE_CHECKING:
    from typing import Callable

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "src" / "secureota"

IMAGE_SIZE = 1024 * 1024
ROUND_TRIPS = (1, 5, 20)
"""Milliseconds."""
LINKS = (4, 20)
"""Mbit/s."""
STOCK_PIECE = 1024

GOAL_OF_LIMIT = 1 / 1.10
"""Of the limit's rate: within 1.10 of its time."""
GOAL_OF_STOCK = 3.0
"""Times the stock tool's rate, where the round trip is 20 ms.  Where it is short, the flash is what
both wait for, and ours is only not to be slower."""

CALM = 0.001
"""Seconds by which the link may be late on average: else it was not the link that was measured."""


def flash_seconds(size: int) -> float:
    """Return what the flash needs for an image: to erase it, to program it, to read it back.

    The numbers are those of src/secureota/port/posix/timed_flash.h.
    """
    block, page = 64 * 1024, 256
    erasing = -(-size // block) * 0.150
    programming = -(-size // page) * 0.0007
    return erasing + programming + size / 20e6


def limit_seconds(model: Model, container: bytes) -> float:
    """Return the time below which no upload can be."""
    return max(model.least_seconds(len(container)), flash_seconds(IMAGE_SIZE))


def one_mebibyte(folder: Path) -> bytes:
    """Return the device's own program, filled up: it starts, and it is not what runs."""
    stripped = folder / "program"
    subprocess.run(["strip", "-o", stripped, PROGRAM], check=True)
    return stripped.read_bytes().ljust(IMAGE_SIZE, b"\xa5")


def stop_and_wait(container: bytes, address: tuple[str, int]) -> None:
    """Upload as the stock host tool does, without its progress bar."""
    digest = hashlib.md5(container, usedforsecurity=False).hexdigest()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(address)
        with socket.create_server((udp.getsockname()[0], 0)) as listener:
            port = listener.getsockname()[1]
            udp.send(f"0 {port} {len(container)} {digest}\n".encode())
            if not udp.recv(64).startswith(b"OK"):
                raise RuntimeError("the device does not want the stock tool's upload")
            connection, _ = listener.accept()
    with connection:
        said = b""
        for at in range(0, len(container), STOCK_PIECE):
            connection.sendall(container[at : at + STOCK_PIECE])
            said = connection.recv(10)
        while not said.endswith(b"OK"):
            more = connection.recv(32)
            if not more:
                raise RuntimeError(f"the device says {said!r}")
            said += more


class Bench:
    """One image, signed once; a new device for each upload of it."""

    def __init__(self, folder: Path) -> None:
        """Make and sign the image."""
        identity = pki.generate("p256")
        self._folder = folder
        self._anchor = folder / "anchor.der"
        self._anchor.write_bytes(identity.anchor_der)
        anchors = [TrustAnchor.from_der(identity.anchor_der)]
        image = Image(one_mebibyte(folder))
        self.container = sign(image, LocalTSA(identity), anchors=anchors).container
        self._devices = 0

    def seconds(self, model: Model, way: Callable[[bytes, tuple[str, int]], object]) -> float:
        """Time an upload; once more if other work of this machine kept the link waiting."""
        lateness, seconds = self._once(model, way)
        if lateness > CALM:
            lateness, seconds = min((lateness, seconds), self._once(model, way))
        return seconds

    def _once(
        self, model: Model, way: Callable[[bytes, tuple[str, int]], object]
    ) -> tuple[float, float]:
        self._devices += 1
        device = Device(
            self._folder / f"device-{self._devices}",
            *("--anchor", str(self._anchor)),
            *("--receive-buffer", str(model.window)),
            "--flash-timing",
            program=self._folder / "program",
        )
        with device, Link(model, device.port) as link:
            start = time.perf_counter()
            way(self.container, link.address)
            end = time.perf_counter()
            device.wait_for("listening on ")  # it has restarted, into what it was sent
        return link.lateness, end - start


def ours(container: bytes, address: tuple[str, int]) -> None:
    """Upload as `pio run -t upload` does."""
    upload(container, Target(*address))


def measure() -> list[Measurement]:
    """Two lines for each combination: rates in KB/s, so that more is better."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        return [
            measurement
            for round_trip in ROUND_TRIPS
            for link in LINKS
            for measurement in _compare(bench, round_trip, link)
        ]


def _compare(bench: Bench, round_trip: int, link: int) -> list[Measurement]:
    model = Model(rate=link * 1e6 / 8, round_trip=round_trip / 1000)
    name = f"1 MiB, {round_trip} ms, {link} Mbit/s"
    rate, stock, limit = (
        IMAGE_SIZE / 1000 / seconds
        for seconds in (
            bench.seconds(model, ours),
            bench.seconds(model, stop_and_wait),
            limit_seconds(model, bench.container),
        )
    )
    goal = GOAL_OF_STOCK if round_trip == max(ROUND_TRIPS) else GOAL_OF_LIMIT
    return [
        Measurement(name, rate, "KB/s", "the limit", limit, GOAL_OF_LIMIT),
        Measurement(name, rate, "KB/s", "stop-and-wait", stock, goal),
    ]


def memory() -> list[str]:
    """Return what the device's side takes, read from its sources and from the program."""
    sink = (LIBRARY / "port" / "posix" / "overlapped_sink.h").read_text("utf-8")
    sketch = (ROOT / "src" / "SecureOTA.h").read_text("utf-8")
    symbols = subprocess.run(
        ["nm", "--print-size", "--radix=d", PROGRAM], check=True, capture_output=True, text=True
    ).stdout
    object_size = re.search(r"^[0-9]+ ([0-9]+) B SecureOTA$", symbols, re.MULTILINE)
    if object_size is None:
        raise RuntimeError(f"{PROGRAM} has no object SecureOTA")
    token, read = (
        _constant("define SECUREOTA_TOKEN_SIZE ", sketch),
        _constant("kReadSize = ", sketch),
    )
    ring, stack = _constant("kRingSize = ", sink), _constant("kFlashTaskStack = ", sink)
    always = int(object_size[1])
    return [
        f"device memory: {always:,} bytes, {token:,} of them for the token and {read:,} to read;",
        f"during an upload also a ring of {ring:,}, and on a chip a task's stack of {stack:,}",
    ]


def _constant(before: str, source: str) -> int:
    match = re.search(re.escape(before) + r"\(?([0-9]+(?: \* [0-9]+)*)", source)
    if match is None:
        raise RuntimeError(f"nothing defines {before!r}")
    return math.prod(int(factor) for factor in match[1].split(" * "))
