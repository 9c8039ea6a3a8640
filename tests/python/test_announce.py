"""The emulated device in other people's lists: multicast DNS, as python-zeroconf understands it."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import closing
from typing import TYPE_CHECKING, Callable

import pytest
import zeroconf

from announcer import GROUP, SERVICE, own_name, why_no_multicast
from emulated_device import PATIENCE, EmulatedDevice, build_version, sketch_with_manifest
from owner import PASSWORD, write_anchor
from platformio_secureota.manifest import ImageKind, Manifest
from platformio_secureota.ota import discovery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOOPBACK = "127.0.0.1"


@pytest.fixture(scope="module", autouse=True)
def _multicast() -> None:
    why = why_no_multicast()
    if why:
        pytest.skip(why)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A device that knows its product."""
    folder = tmp_path_factory.mktemp("product")
    manifest = Manifest(ImageKind.APPLICATION, product="kitchen-lamp", version="1.4.2").encode()
    sketch = sketch_with_manifest(folder / "sketch.cpp", manifest)
    return build_version("1", folder / "program", sketch=sketch)


@pytest.fixture
def network() -> Iterator[zeroconf.Zeroconf]:
    with zeroconf.Zeroconf(interfaces=[LOOPBACK]) as network:
        yield network


class Watcher:
    """Sees devices come and go."""

    def __init__(self, network: zeroconf.Zeroconf) -> None:
        self.present: set[str] = set()
        self._browser = zeroconf.ServiceBrowser(network, SERVICE, handlers=[self._notice])

    def _notice(self, name: str, state_change: zeroconf.ServiceStateChange, **_: object) -> None:
        if state_change is zeroconf.ServiceStateChange.Removed:
            self.present.discard(name)
        else:
            self.present.add(name)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_comes_says_everything_and_goes(
    tmp_path: Path, program: Path, network: zeroconf.Zeroconf
) -> None:
    name = own_name("Lamp")
    instance = f"{name}.{SERVICE}"
    anchor = write_anchor(tmp_path / "anchor.der")
    options = ("--anchor", str(anchor), "--password-env", "DEVICE_PASSWORD", "--announce", name)
    environment = {"DEVICE_PASSWORD": PASSWORD}
    watcher = Watcher(network)  # before: what it sees is the announcement
    with EmulatedDevice(
        tmp_path / "flash", *options, program=program, environment=environment
    ) as device:
        wait_until(lambda: instance in watcher.present)
        info = network.get_service_info(SERVICE, instance, int(PATIENCE * 1000))
        assert info is not None
        assert info.server == f"{name}.local."
        assert info.parsed_addresses() == [LOOPBACK]
        assert info.port == device.port
        assert info.properties == {
            b"board": b"emulated",
            b"tcp_check": b"no",
            b"ssh_upload": b"no",
            b"auth_upload": b"yes",
            b"secure": b"yes",
            b"product": b"kitchen-lamp",
            b"version": b"1.4.2",
        }
    wait_until(lambda: instance not in watcher.present)  # it said goodbye: its records live on else


def test_answers_who_comes_later(tmp_path: Path, program: Path, network: zeroconf.Zeroconf) -> None:
    name = own_name("Lamp")
    with EmulatedDevice(tmp_path / "flash", "--announce", name, program=program) as device:
        ask(f"{name}.local", type_=1)  # answered: so it has announced itself by now
        watcher = Watcher(network)
        wait_until(lambda: f"{name}.{SERVICE}" in watcher.present)
        found = {each.name: each for each in discovery.browse(timeout=3.0)}
        assert found[name].product == "kitchen-lamp"
        assert found[name].port == device.port
        assert found[name].secure
        assert not found[name].password


def test_answers_who_knows_no_multicast(tmp_path: Path, program: Path) -> None:
    name = own_name("Lamp")
    with EmulatedDevice(tmp_path / "flash", "--announce", name, program=program):
        answer = ask(f"{name}.local", type_=1, number=4711)
    assert answer[:2] == struct.pack(">H", 4711)
    assert answer.endswith(struct.pack(">IH", 10, 4) + socket.inet_aton(LOOPBACK))


def test_without_the_option_nobody_hears_of_it(
    tmp_path: Path, program: Path, network: zeroconf.Zeroconf
) -> None:
    watcher = Watcher(network)
    with (
        EmulatedDevice(tmp_path / "flash", program=program) as quiet,
        EmulatedDevice(tmp_path / "loud", "--announce", own_name("Loud"), program=program),
    ):
        wait_until(lambda: any(name.startswith("Loud-") for name in watcher.present))
        infos = [network.get_service_info(SERVICE, name) for name in watcher.present]
        assert quiet.port not in [info.port for info in infos if info]


def ask(host: str, *, type_: int, number: int = 1) -> bytes:
    """Ask as an ordinary resolver does: from a port of its own, and again if nobody answers."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in host.split("."))
    query = struct.pack(">6H", number, 0, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, type_, 1)
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as resolver:
        interface = socket.inet_aton(LOOPBACK)
        resolver.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        resolver.settimeout(0.5)
        deadline = time.monotonic() + PATIENCE
        while True:
            resolver.sendto(query, (GROUP, 5353))
            try:
                return resolver.recv(2000)
            except socket.timeout:
                assert time.monotonic() < deadline, f"{host} does not answer"
