"""How an upload is done: what its owner may change, and how long each state may last."""

from __future__ import annotations

from dataclasses import dataclass, field

from platformio_secureota.ota.invitation import TransportDigest


@dataclass(frozen=True)
class Timeouts:
    """Seconds.  `sending` and `verdict` are idle times: whatever moves starts them anew."""

    invitation: float = 10.0
    """From the first invitation to the device's answer."""
    authentication: float = 5.0
    """For the answer to a password.  The device computes 10,000 rounds of PBKDF2 for it."""
    connection: float = 10.0
    """From the device's yes to its connection."""
    sending: float = 30.0
    """Without a byte taken.  Some devices erase the whole slot at once, before they read on."""
    verdict: float = 60.0
    """From the last byte to the verdict, without a further word."""
    transfer: float = 1800.0
    """The whole transfer, whatever moves: against a device that counts for ever."""
    refusal: float = 1.0
    """For the rest of a refusal that has begun."""
    close: float = 0.5
    """From `OK` to the end of the connection; a device may leave it open."""
    late_refusal: float = 1.0
    """For a refusal by UDP where the connection did not tell (see session.py)."""


@dataclass(frozen=True)
class Settings:
    """What can be chosen for one device."""

    host_address: str = ""
    """This computer's address for the device to connect to; empty: by the route to the device."""
    host_port: int = 0
    """TCP port to connect to; 0: any free one."""
    allow_weak_password: bool = False
    """Answer the MD5 forms too (auth.py says what that costs)."""
    transport_digest: TransportDigest = TransportDigest.SHA256
    """The digest that the invitation names.  It finds damage; it is no signature."""
    timeouts: Timeouts = field(default_factory=Timeouts)
