"""Where a device is: a name or an address, and a UDP port."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Any

from platformio_secureota.errors import Reason, Unusable

DEFAULT_PORT = 3232
"""UDP port on which devices wait for invitations."""

MAX_PORT = 65535

_BRACKETED = re.compile(r"\[([^\[\]]+)\](?::([0-9]+))?")
_PLAIN = re.compile(r"([^:\[\]\s]+)(?::([0-9]+))?")


@dataclass(frozen=True)
class Target:
    """A device, as its owner names it."""

    host: str
    """A name or an IP address."""
    port: int = DEFAULT_PORT

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read `HOST`, `HOST:PORT`, `[IPv6]:PORT` or a bare IPv6 address.  Unusable(Usage)."""
        if text.count(":") > 1 and not text.startswith("["):
            return cls(text)
        match = _BRACKETED.fullmatch(text) or _PLAIN.fullmatch(text)
        if match is None:
            raise Unusable(Reason.Usage, f"{text!r} is not HOST[:PORT]")
        port = int(match.group(2) or DEFAULT_PORT)
        if not 0 < port <= MAX_PORT:
            raise Unusable(Reason.Usage, f"there is no UDP port {port}")
        return cls(match.group(1), port)

    def __str__(self) -> str:
        """The form that `parse` reads."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Address:
    """A target whose name has been resolved."""

    family: socket.AddressFamily
    ip: str
    """Numeric; with a scope where IPv6 needs one."""
    sockaddr: tuple[Any, ...]
    """What the socket calls take."""


def resolve(target: Target, *, timeout: float = 3.0) -> Address:
    """Find a target's address: by the operating system, `*.local` also by multicast DNS.

    `timeout`: seconds for multicast DNS.  Unusable(NoAnswer) where nobody knows the name.
    """
    found = _ask_system(target)
    if found is None and target.host.rstrip(".").lower().endswith(".local"):
        from platformio_secureota.ota import mdns  # noqa: PLC0415 - slow to load, seldom needed

        ip = mdns.find_host(target.host, timeout=timeout)
        found = None if ip is None else _ask_system(Target(ip, target.port))
    if found is None:
        raise Unusable(
            Reason.NoAnswer,
            f"nobody knows the name {target.host!r}",
            hint="check the name, or give the device's IP address",
        )
    return found


def _ask_system(target: Target) -> Address | None:
    try:
        entries = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        # UnicodeError: a name that can't be written in the DNS, such as "a..b".
        return None
    # Devices rarely have IPv6, and then beside IPv4.
    for wanted in (socket.AF_INET, socket.AF_INET6):
        for family, _, _, _, sockaddr in entries:
            if family == wanted:
                return Address(family, str(sockaddr[0]), sockaddr)
    return None
