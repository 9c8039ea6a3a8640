"""Finding devices in the local network: multicast DNS service discovery (RFC 6763).

Devices announce `_arduino._tcp`.  Whoever is in the network can announce anything: what comes from
here helps to find devices and to notice a mistake early, and proves nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.ota.refusal import legible

if TYPE_CHECKING:
    from zeroconf import ServiceInfo

SERVICE = "_arduino._tcp.local."

MAX_FOUND = 1000
"""Announcements that are looked at: more in one network segment are a flood."""

_MAX_WAIT = 3.0
"""Seconds for the details of a device that announced its name alone."""


@dataclass(frozen=True)
class Announcement:
    """What a device says of itself: text as it came, to be made legible before it is shown."""

    name: str
    """The service's instance, which `mdns:<name>` asks for."""
    host: str
    """The name in the network, ending in `.local`."""
    ip: str
    port: int
    """UDP port for invitations."""
    product: str = ""
    """Empty: not said, as also below."""
    version: str = ""
    board: str = ""
    secure: bool = False
    """It says that it takes signed images alone."""
    password: bool = False
    """It says that it has one."""


def browse(*, timeout: float) -> list[Announcement]:
    """Listen for `timeout` seconds and return whoever announced itself, by name.

    Unusable(NoAnswer) where this computer can't do multicast DNS.
    """
    try:
        found = asyncio.run(_browse(timeout))
    except OSError as cause:
        raise _no_multicast(cause) from cause
    return sorted(found, key=lambda each: (each.name.lower(), each.ip, each.port))


def find(name: str, *, timeout: float) -> Announcement | None:
    """Ask for one device by its instance name; None after `timeout` seconds of silence.

    Unusable(NoAnswer) where this computer can't do multicast DNS.
    """
    try:
        with zeroconf.Zeroconf(ip_version=zeroconf.IPVersion.V4Only) as network:
            info = network.get_service_info(SERVICE, f"{name}.{SERVICE}", int(timeout * 1000))
    except OSError as cause:
        raise _no_multicast(cause) from cause
    except (zeroconf.Error, UnicodeError):
        # No name that a service can have.
        return None
    return None if info is None else _read(info)


async def _browse(timeout: float) -> list[Announcement]:
    names: set[str] = set()
    tasks: list[asyncio.Task[Announcement | None]] = []
    async with AsyncZeroconf(ip_version=zeroconf.IPVersion.V4Only) as network:

        def notice(name: str, state_change: zeroconf.ServiceStateChange, **_: object) -> None:
            known = name in names or len(names) >= MAX_FOUND
            if state_change is zeroconf.ServiceStateChange.Added and not known:
                names.add(name)
                tasks.append(asyncio.ensure_future(_describe(network.zeroconf, name)))

        browser = AsyncServiceBrowser(network.zeroconf, SERVICE, handlers=[notice])
        await asyncio.sleep(timeout)
        await browser.async_cancel()
        found = await asyncio.gather(*tasks)
    return [each for each in found if each is not None]


async def _describe(network: zeroconf.Zeroconf, name: str) -> Announcement | None:
    try:
        info = AsyncServiceInfo(SERVICE, name)
        complete = await info.async_request(network, _MAX_WAIT * 1000)
    except (zeroconf.Error, UnicodeError):
        return None
    return _read(info) if complete else None


def _read(info: ServiceInfo) -> Announcement | None:
    # None for one that can't be reached.
    addresses = [ipaddress.ip_address(text) for text in info.parsed_scoped_addresses()]
    addresses.sort(key=lambda address: address.version)
    if not addresses or not info.port:
        return None
    texts = {key.lower(): value or b"" for key, value in info.properties.items()}
    return Announcement(
        name=info.name[: -len(SERVICE) - 1],
        host=(info.server or "").rstrip("."),
        ip=str(addresses[0]),
        port=info.port,
        product=legible(texts.get(b"product", b"")),
        version=legible(texts.get(b"version", b"")),
        board=legible(texts.get(b"board", b"")),
        secure=texts.get(b"secure") == b"yes",
        password=texts.get(b"auth_upload") == b"yes",
    )


def _no_multicast(cause: OSError) -> Unusable:
    return Unusable(
        Reason.NoAnswer,
        f"multicast DNS does not work on this computer: {cause.strerror or cause}",
        hint="give the device's address instead of its name",
    )
