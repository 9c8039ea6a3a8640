"""The sockets of an upload: one invites by UDP, TCP goes either way.

All talk to the invited device alone: datagrams from elsewhere never arrive (the UDP socket is
connected), connections from elsewhere are dropped.
"""

from __future__ import annotations

import selectors
import socket
import time
from typing import TYPE_CHECKING, Union

from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.ota.invitation import MAX_ANSWER_SIZE

if TYPE_CHECKING:
    from types import TracebackType

    from platformio_secureota.ota.target import Address

_BACKLOG = 8
"""Connections that may queue: strangers must not keep the device out."""

Arrival = Union[bytes, socket.socket]
"""A datagram, or the device's connection."""


class Contact:
    """Open sockets.  Use it as a context manager."""

    def __init__(
        self, device: Address, *, host_address: str = "", host_port: int = 0, listen: bool = True
    ) -> None:
        """Open them; without `listen` the TCP port is ours, and closed to everybody.

        Unusable(NoAnswer) without a route, Unusable(HostPortUnusable).
        """
        self.nobody_home = False
        """The device's host answers, but says that nothing listens on the UDP port."""
        self._device = device
        self._udp = socket.socket(device.family, socket.SOCK_DGRAM)
        self._tcp = socket.socket(device.family, socket.SOCK_STREAM)
        self._selector = selectors.DefaultSelector()
        try:
            self._open_udp(host_address)
            self._open_tcp(host_port, listen=listen)
        except BaseException:
            self.close()
            raise
        self._selector.register(self._udp, selectors.EVENT_READ)
        if listen:
            self._selector.register(self._tcp, selectors.EVENT_READ)

    def _open_udp(self, host_address: str) -> None:
        self._udp.setblocking(False)
        try:
            if host_address:
                self._udp.bind((host_address, 0))
        except OSError as cause:
            detail = f"{host_address} is not an address of this computer"
            raise Unusable(Reason.HostPortUnusable, detail) from cause
        try:
            self._udp.connect(self._device.sockaddr)
        except OSError as cause:
            detail = f"no way leads to {self._device.ip}: {cause.strerror}"
            raise Unusable(Reason.NoAnswer, detail, hint="check the network") from cause

    def _open_tcp(self, host_port: int, *, listen: bool) -> None:
        # The address that packets to the device leave from is the one that it sees and connects to.
        local = self._udp.getsockname()
        try:
            self._tcp.bind((local[0], host_port, *local[2:]))
            if listen:
                self._tcp.listen(_BACKLOG)
        except OSError as cause:
            detail = f"TCP port {host_port} of {local[0]}: {cause.strerror}"
            hint = "choose another with --host-port, or none" if host_port else ""
            raise Unusable(Reason.HostPortUnusable, detail, hint=hint) from cause
        self._tcp.setblocking(False)

    @property
    def port(self) -> int:
        """TCP port on which the device is expected."""
        return int(self._tcp.getsockname()[1])

    def say(self, datagram: bytes) -> None:
        """Send to the device.  Nobody learns whether it arrives."""
        try:
            self._udp.send(datagram)
        except OSError as error:
            # Also the news of an earlier datagram's fate; whoever waits for the answer finds out.
            self._note(error)

    def wait(self, seconds: float) -> Arrival | None:
        """Return the next datagram or connection of the device; None after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            ready = self._selector.select(max(0.0, deadline - time.monotonic()))
            # The device says yes before it connects: read in that order.
            for key in sorted((key for key, _ in ready), key=lambda key: key.fileobj is self._tcp):
                arrival = self._receive() if key.fileobj is self._udp else self._accept()
                if arrival is not None:
                    return arrival
            if time.monotonic() >= deadline:
                return None

    def forget(self) -> None:
        """Throw away what has arrived: it belongs to something that is over."""
        while (arrival := self.wait(0)) is not None:
            if isinstance(arrival, socket.socket):
                arrival.close()

    def dial(self, port: int, *, seconds: float) -> socket.socket:
        """Connect to a TCP port of the device, from the address that it was invited from.

        OSError says why not.
        """
        local = self._udp.getsockname()
        there = self._device.sockaddr
        connection = socket.socket(self._device.family, socket.SOCK_STREAM)
        try:
            connection.settimeout(seconds)
            connection.bind((local[0], 0, *local[2:]))
            connection.connect((there[0], port, *there[2:]))
        except BaseException:
            connection.close()
            raise
        return connection

    def _receive(self) -> bytes | None:
        try:
            # One byte more than an answer may have: Windows fails on what does not fit.
            return self._udp.recv(65536)[: MAX_ANSWER_SIZE + 1] or None
        except BlockingIOError:
            return None
        except OSError as error:
            self._note(error)
            return None

    def _accept(self) -> socket.socket | None:
        try:
            connection, peer = self._tcp.accept()
        except OSError:
            # It went away again before we came to the door.
            return None
        if peer[0] != self._device.sockaddr[0]:
            connection.close()
            return None
        return connection

    def _note(self, error: OSError) -> None:
        self.nobody_home = self.nobody_home or isinstance(
            error, (ConnectionRefusedError, ConnectionResetError)
        )

    def close(self) -> None:
        """Close them."""
        self._selector.close()
        self._udp.close()
        self._tcp.close()

    def __enter__(self) -> Contact:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close them."""
        self.close()
