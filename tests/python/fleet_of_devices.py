"""Many emulated devices: each a process of its own, with its own flash."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from emulated_device import ROOT, EmulatedDevice
from platformio_secureota import Image, pki, sign
from platformio_secureota.anchors import load_anchors
from platformio_secureota.identity import to_der
from platformio_secureota.tsa import LocalTSA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = ROOT / "build" / "device" / "emulated-device"
"""Without sanitizers: 200 of those would not fit."""

_STARTERS = 4


class Fleet:
    """Devices that run one version, and a signed image of another."""

    def __init__(self, folder: Path, devices: list[EmulatedDevice], image: Path) -> None:
        self.folder = folder
        self.devices = devices
        self.image = image
        self.targets = folder / "fleet.toml"
        """The file of them."""
        lines = [
            f'device-{number:03} = {{ host = "127.0.0.1:{device.port}" }}'
            for number, device in enumerate(devices)
        ]
        self.targets.write_text("\n".join(["[targets]", *lines, ""]), "utf-8")

    def boots(self) -> list[int]:
        """How often each has started a program."""
        return [device.count("boot: ") for device in self.devices]


@contextlib.contextmanager
def fleet(folder: Path, count: int) -> Iterator[Fleet]:
    assert PROGRAM.is_file(), "run `make device` first"
    identity = pki.generate()
    anchor = folder / "anchor.der"
    anchor.write_bytes(to_der(identity.certificate))
    # Bytes behind an ELF file are no part of the program, but of the image.
    image = Image(PROGRAM.read_bytes() + b"another version")
    signed = folder / "firmware.signed.bin"
    anchors = load_anchors(to_der(identity.certificate))
    signed.write_bytes(sign(image, LocalTSA(identity), anchors=anchors).container)
    devices: dict[int, EmulatedDevice] = {}
    while len(devices) < count:
        # By their ports: nobody holds them yet, so one may come twice.
        directory = folder / f"flash-{len(devices):03}"
        device = EmulatedDevice(directory, "--anchor", str(anchor), program=PROGRAM)
        devices.setdefault(device.port, device)
    with contextlib.ExitStack() as stack:
        with ThreadPoolExecutor(_STARTERS) as pool:
            list(pool.map(stack.enter_context, devices.values()))
        yield Fleet(folder, list(devices.values()), signed)
