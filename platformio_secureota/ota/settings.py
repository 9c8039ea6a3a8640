"""How an upload is done: what its owner may change, and how long each state may last."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from platformio_secureota.ota.invitation import TransportDigest


class Connection(enum.Enum):
    """Who opens the TCP connection that the container travels on."""

    AUTO = "auto"
    """This computer, where the device takes that, and the device where it fails."""
    DIRECT = "direct"
    """This computer alone: no port of it is opened."""
    BACK = "back"
    """The device alone."""


class Wait(enum.Enum):
    """What is waited for after the device's yes."""

    NO = "no"
    RUNNING = "running"
    """Until the device runs the new image."""
    CONFIRMED = "confirmed"
    """And until that image has said that it works."""


@dataclass(frozen=True)
class Timeouts:
    """Seconds.  `sending` and `verdict` are idle times: whatever moves starts them anew."""

    status: float = 0.3
    """For the first answer about what runs.  Devices that know no such question cost this much."""
    trial: float = 75.0
    """For the image that runs to confirm itself.  A minute after its start it does by itself."""
    invitation: float = 10.0
    """From the first invitation to the device's answer; a busy device is asked so long."""
    authentication: float = 5.0
    """For the answer to a password.  The device computes 10,000 rounds of PBKDF2 for it."""
    direct: float = 4.0
    """For a connection to the device.  It listens for 10 s, and a second way may follow."""
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
    restart: float = 15.0
    """From the verdict until the previous image may not answer any more."""
    back: float = 60.0
    """From the verdict until the new image answers."""
    confirmation: float = 180.0
    """From there until it has confirmed itself."""


@dataclass(frozen=True)
class Settings:
    """What can be chosen for one device."""

    connection: Connection = Connection.AUTO
    host_address: str = ""
    """This computer's address, as the device sees it; empty: by the route to the device."""
    host_port: int = 0
    """TCP port of this computer for the device to connect to; 0: any free one."""
    allow_weak_password: bool = False
    """Answer the MD5 forms too (auth.py says what that costs)."""
    wait: Wait = Wait.NO
    transport_digest: TransportDigest = TransportDigest.SHA256
    """The digest that the invitation names.  It finds damage; it is no signature."""
    timeouts: Timeouts = field(default_factory=Timeouts)
