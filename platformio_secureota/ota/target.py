"""Where a device is: a name or an address, and a UDP port."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, replace
from typing import Any

from platformio_secureota.errors import Reason, Unusable

DEFAULT_PORT = 3232
"""UDP port on which devices wait for invitations."""

MAX_PORT = 65535

_MAX_LABEL = 63
"""Bytes of a name in the DNS between two dots (RFC 1035, 2.3.4); a service's name is one."""

_BRACKETED = re.compile(r"\[([^\[\]]+)\](?::([0-9]+))?")
_PLAIN = re.compile(r"([^:\[\]\s]+)(?::([0-9]+))?")


_SERVICE = "mdns:"


@dataclass(frozen=True)
class Target:
    """A device, as its owner names it."""

    host: str
    """A name or an IP address."""
    port: int = DEFAULT_PORT
    by_service: bool = False
    """`host` is what the device calls its service in multicast DNS, and the port is found there."""

    @classmethod
    def parse(cls, text: str, *, default_port: int = DEFAULT_PORT) -> Target:
        """Read `HOST`, `HOST:PORT`, `[IPv6]:PORT`, a bare IPv6 address or `mdns:NAME`.

        `default_port`: where the text names none.  Unusable(Usage).
        """
        if text.startswith(_SERVICE):
            return cls._parse_service(text[len(_SERVICE) :])
        if text.count(":") > 1 and not text.startswith("["):
            return cls(text, default_port)
        match = _BRACKETED.fullmatch(text) or _PLAIN.fullmatch(text)
        if match is None:
            raise Unusable(Reason.Usage, f"{text!r} is not HOST[:PORT]")
        port = int(match.group(2) or default_port)
        if not 0 < port <= MAX_PORT:
            raise Unusable(Reason.Usage, f"there is no UDP port {port}")
        return cls(match.group(1), port)

    @classmethod
    def _parse_service(cls, name: str) -> Target:
        if not name or not name.isprintable() or len(name.encode("utf-8")) > _MAX_LABEL:
            detail = f"{_SERVICE + name!r} names no service: 1 to {_MAX_LABEL} printable bytes"
            raise Unusable(Reason.Usage, detail, hint="`secureota devices` lists their names")
        return cls(name, by_service=True)

    def __str__(self) -> str:
        """The form that `parse` reads."""
        if self.by_service:
            return f"{_SERVICE}{self.host}"
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
    product: str = ""
    """What the device announced, where it was found by that; empty: nothing."""


def resolve(target: Target, *, timeout: float = 3.0) -> Address:
    """Find a target's address: by the operating system, or by multicast DNS.

    The latter for services, for `*.local`, and for a bare name that nobody else knows.  `timeout`:
    its seconds.  Unusable(NoAnswer) where nobody knows the name.
    """
    if target.by_service:
        return _ask_service(target, timeout)
    found = _ask_system(target)
    name = target.host.rstrip(".")
    if found is None and "." not in name and ":" not in name:
        name += ".local"
    if found is None and name.lower().endswith(".local"):
        from platformio_secureota.ota import mdns  # noqa: PLC0415 - slow to load, seldom needed

        ip = mdns.find_host(name, timeout=timeout)
        found = None if ip is None else _ask_system(Target(ip, target.port))
    if found is None:
        raise Unusable(
            Reason.NoAnswer,
            f"nobody knows the name {target.host!r}",
            hint="check the name, or give the device's IP address",
        )
    return found


def _ask_service(target: Target, timeout: float) -> Address:
    from platformio_secureota.ota import discovery  # noqa: PLC0415 - slow to load, seldom needed

    announced = discovery.find(target.host, timeout=timeout)
    found = None if announced is None else _ask_system(Target(announced.ip, announced.port))
    if announced is None or found is None:
        raise Unusable(
            Reason.NoAnswer,
            f"no device announces itself as {target.host!r}",
            hint="`secureota devices` lists those that do",
        )
    return replace(found, product=announced.product)


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
