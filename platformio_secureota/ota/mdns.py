"""Names ending in `.local`, where the operating system does not know them."""

from __future__ import annotations

import ipaddress

import zeroconf


def find_host(name: str, *, timeout: float) -> str | None:
    """Ask the local network for a host's IPv4 address; None after `timeout` seconds of silence."""
    try:
        # Public, though missing in __all__.
        resolver = zeroconf.AddressResolverIPv4(name.rstrip(".") + ".")  # type: ignore[attr-defined]
        with zeroconf.Zeroconf(ip_version=zeroconf.IPVersion.V4Only) as network:
            if not resolver.request(network, timeout * 1000):
                return None
    except (OSError, zeroconf.Error):
        # No network, or a name that multicast DNS can't ask for.
        return None
    for address in resolver.ip_addresses_by_version(zeroconf.IPVersion.V4Only):
        if isinstance(address, ipaddress.IPv4Address):
            return str(address)
    return None
