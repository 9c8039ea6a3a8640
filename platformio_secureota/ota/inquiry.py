"""Asking one device what it runs.

It has a socket of its own: an answer from a device that does not know the question is never taken
for the answer to an invitation.
"""

from __future__ import annotations

import collections
import contextlib
import socket
import time
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.ota import status as statuses
from platformio_secureota.ota.target import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from platformio_secureota.ota.handshake import Password
    from platformio_secureota.ota.settings import Settings
    from platformio_secureota.ota.status import Status
    from platformio_secureota.ota.target import Address, Target

_PAUSE = 1.0
"""Seconds between two questions."""

_REMEMBERED = 8
"""Questions that may still be answered."""

_MAX_RUBBISH = 64
"""Datagrams that are no answers, read in one go: against a peer that never stops."""


class Inquiry:
    """A conversation about what runs.  Use it as a context manager."""

    def __init__(self, device: Address, *, host_address: str = "") -> None:
        """Open the socket.  Unusable(NoAnswer) without a route."""
        self.latest: Status | None = None
        """The last answer; None: the device may not know the question."""
        self._nonces: collections.deque[str] = collections.deque(maxlen=_REMEMBERED)
        self._udp = socket.socket(device.family, socket.SOCK_DGRAM)
        try:
            if host_address:
                self._udp.bind((host_address, 0))
            self._udp.connect(device.sockaddr)
        except OSError as cause:
            self._udp.close()
            detail = f"no way leads to {device.ip}: {cause.strerror}"
            raise Unusable(Reason.NoAnswer, detail, hint="check the network") from cause

    def ask(self) -> None:
        """Send a question.  Nobody learns whether it arrives."""
        self._nonces.append(statuses.new_nonce())
        with contextlib.suppress(OSError):
            self._udp.send(statuses.query(self._nonces[-1]))

    def hear(self, seconds: float) -> Status | None:
        """Return the next answer; None if none came within `seconds`."""
        deadline = time.monotonic() + seconds
        for _ in range(_MAX_RUBBISH):
            # The time-out is the socket's own: select() takes no file descriptor above 1,023, and
            # there may be hundreds of devices.
            self._udp.settimeout(max(0.0, deadline - time.monotonic()))
            try:
                status = statuses.parse(self._udp.recv(65536))
            except (BlockingIOError, socket.timeout):
                return None
            except OSError:
                # Nothing listens there at the moment.
                continue
            if status is not None:
                self.latest = status
                return status
        return None

    def answers(self, seconds: float) -> Iterator[Status]:
        """Ask once a second for so long, and yield what is answered."""
        deadline = time.monotonic() + seconds
        while (now := time.monotonic()) < deadline:
            self.ask()
            again_at = min(now + _PAUSE, deadline)
            while (rest := again_at - time.monotonic()) > 0:
                status = self.hear(rest)
                if status is not None:
                    yield status

    def vouch(self, status: Status, *, password: str, allow_weak: bool) -> None:
        """Refused(NotAuthorized) if it does not answer us, or not with this password."""
        statuses.vouch(status, password=password, nonces=self._nonces, allow_weak=allow_weak)

    def __enter__(self) -> Inquiry:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self._udp.close()


def ask_status(
    target: Target, *, password: Password = None, timeout: float, settings: Settings
) -> tuple[Status, bool]:
    """Ask a device what it runs; return its answer, and whether its password vouches for that.

    Where a password is given, it has to: Refused(NotAuthorized).  Unusable(NoAnswer) after
    `timeout` seconds.
    """
    refused: Refused | None = None
    with Inquiry(resolve(target), host_address=settings.host_address) as inquiry:
        for status in inquiry.answers(timeout):
            secret = password() if callable(password) else password
            if not secret:
                return status, False
            password = secret
            try:
                inquiry.vouch(status, password=secret, allow_weak=settings.allow_weak_password)
            except Refused as error:
                # Somebody else may have been quicker than the device.
                refused = error
                continue
            return status, True
    raise refused or Unusable(
        Reason.NoAnswer,
        f"{target.host}, UDP port {target.port}, within {timeout:g} s",
        hint="check that the device is on and in this network; older firmware knows no such "
        "question",
    )
