"""One device, many uploads: at the same time, and one after the other."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from emulated_device import OPTIMISED, PATIENCE, EmulatedDevice, Host, build_version
from faults import FaultyLink, Reset
from owner import MINUTE, NOW, START, signed, write_anchor
from platformio_secureota import Reason, Refused, Unusable, pki
from platformio_secureota.ota import Connection, Settings, State, Target, Timeouts, upload

if TYPE_CHECKING:
    from collections.abc import Iterator

THEIRS = pki.generate(name="theirs", now=START)
WAYS = (Connection.DIRECT, Connection.BACK)
HASTE = Timeouts(late_refusal=0.1)

FIRST_TOUCH = 16 * 1024
"""Bytes of memory that are used for the first time only now: a leak of 410 bytes by each of 40
uploads is more."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Versions 1 and 2, as they would be shipped: sanitizers keep memory of their own."""
    folder = tmp_path_factory.mktemp("programs")
    return [build_version(n, folder / f"version-{n}", build=OPTIMISED) for n in "12"]


@pytest.fixture
def device(tmp_path: Path, programs: list[Path]) -> Iterator[EmulatedDevice]:
    anchor = write_anchor(tmp_path / "anchor.der")
    with EmulatedDevice(tmp_path / "flash", "--anchor", str(anchor), program=programs[0]) as device:
        yield device


class Held(NamedTuple):
    """What a process holds."""

    files: int
    memory: int
    """Bytes of heap and stack."""

    @classmethod
    def by(cls, process: int) -> Held:
        proc = Path("/proc", str(process))
        lines = (proc / "status").read_text().splitlines()
        memory = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))
        return cls(len(list((proc / "fd").iterdir())), memory * 1024)

    def assert_not_more_than(self, before: Held) -> None:
        assert self.files <= before.files
        assert self.memory <= before.memory + FIRST_TOUCH


class TestAtOnce:
    """One upload has the device to itself; the others are asked to wait, and the tool does."""

    def test_two_of_the_same_image(self, device: EmulatedDevice, programs: list[Path]) -> None:
        data = signed(programs[1].read_bytes())
        with ThreadPoolExecutor(2) as pool:
            for each in [pool.submit(upload, data, device.target) for _ in range(2)]:
                each.result()
        device.wait_for("boot: version 2 from slot 1")
        device.wait_for("accepted: runs already")
        assert device.count("erased") == device.count("restarting") == 1

    def test_another_while_it_updates(self, device: EmulatedDevice, programs: list[Path]) -> None:
        image = programs[1].read_bytes()
        updating = threading.Event()
        held = threading.Event()

        def tell(state: State) -> None:
            if state is State.SENDING:
                updating.set()
                held.wait(20)

        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(
                upload,
                signed(image),
                device.target,
                on_state=tell,
                settings=Settings(connection=Connection.BACK),
            )
            assert updating.wait(20)
            with Host(device) as host:
                assert host.ask(host.invitation(image)).startswith(b"Busy: ")
                assert host.ask(host.stock_invitation(image)).startswith(b"Busy: ")
            held.set()
            upload(signed(image + b"!", at=NOW + MINUTE), device.target)
            first.result()
        device.wait_for("boot: version 2 from slot 1")
        device.wait_for("boot: version 2 from slot 0")
        assert device.count("refused: ") == 0


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says what a process holds")
class TestInARow:
    """Nothing is left behind."""

    def test_fifty_that_change_nothing(self, device: EmulatedDevice, programs: list[Path]) -> None:
        """Accepted, refused and broken ones, both ways: the same process takes them all."""
        program = programs[0].read_bytes()
        running, theirs = signed(program), signed(program, identity=THEIRS)

        def ten() -> None:
            for way in WAYS:
                settings = Settings(connection=way, timeouts=HASTE)
                upload(running, device.target, settings=settings)
                with pytest.raises(Refused) as refusal:
                    upload(theirs, device.target, settings=settings)
                assert refusal.value.reason is Reason.NotTrusted
                for at in (10, len(running) // 2):
                    with FaultyLink(device.port, Reset(at)) as link, pytest.raises(Unusable):
                        upload(running, Target(*link.address), settings=settings)
                with Host(device) as host:
                    assert host.upload(b"x" * 5000).startswith("NotSigned: ")
                    host.settle()

        ten()
        before = Held.by(device.firmware())
        for _ in range(4):
            ten()
        deadline = time.monotonic() + PATIENCE
        while Held.by(device.firmware()).files > before.files and time.monotonic() < deadline:
            time.sleep(0.05)  # the last connection is on its way out
        Held.by(device.firmware()).assert_not_more_than(before)
        assert device.count("boot: ") == 1

    def test_fifty_updates(self, device: EmulatedDevice, programs: list[Path]) -> None:
        """Each restarts the device; what stays is the boot stage."""
        image = programs[1].read_bytes()
        held = []
        for n in range(50):
            data = signed(image + b"%d" % n, at=NOW + (n - 50) * MINUTE)
            upload(data, device.target, settings=Settings(connection=WAYS[n % 2]))
            device.wait_for(f"boot: version 2 from slot {(n + 1) % 2}")
            device.wait_for("confirmed: ")
            held.append(Held.by(device.boot_stage()))
        held[-1].assert_not_more_than(held[4])
