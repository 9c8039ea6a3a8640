"""Announcing pretended devices by multicast DNS, as real ones do."""

from __future__ import annotations

import contextlib
import secrets
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import zeroconf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SERVICE = "_arduino._tcp.local."
GROUP = "224.0.0.251"

GOOD = {
    b"board": b"esp32dev",
    b"auth_upload": b"yes",
    b"secure": b"yes",
    b"product": b"kitchen-lamp",
    b"version": b"1.4.2",
}


def own_name(stem: str) -> str:
    """A name that no other test run in this network has."""
    return f"{stem}-{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Pretended:
    """What one of them announces."""

    name: str
    properties: Mapping[bytes, bytes | None] = field(default_factory=lambda: dict(GOOD))
    port: int = 3232
    ip: str = "127.0.0.1"

    def service(self) -> zeroconf.ServiceInfo:
        return zeroconf.ServiceInfo(
            SERVICE,
            f"{self.name}.{SERVICE}",
            addresses=[socket.inet_aton(self.ip)],
            port=self.port,
            properties=dict(self.properties),
            server=f"{own_name('host')}.local.",
        )


@contextlib.contextmanager
def announced(*devices: Pretended) -> Iterator[None]:
    with zeroconf.Zeroconf(ip_version=zeroconf.IPVersion.V4Only) as network:
        # Each one first asks for a second whether its name is free.
        with ThreadPoolExecutor(len(devices)) as pool:
            list(pool.map(network.register_service, [each.service() for each in devices]))
        yield


def why_no_multicast() -> str:
    """Empty where a datagram to a multicast group comes back to this machine."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.bind(("", 0))
            membership = socket.inet_aton(GROUP) + bytes(4)
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
            probe.settimeout(3.0)
            probe.sendto(b"?", (GROUP, probe.getsockname()[1]))
            probe.recv(1)
        except OSError as error:
            return f"multicast does not come back to this machine: {error}"
    return ""
