"""A device that speaks the OTA protocol as deployed devices do, for tests of the host side.

Written from the facts of the wire alone; it shares no code with the tool that it tests.  By
default it behaves well.  `Behaviour` bends it.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from types import TracebackType

REDWAX = re.compile(
    r"RedWax/1\.[0-9]+ cmd=(?P<command>\d+) port=(?P<port>\d+) size=(?P<size>\d+)"
    r" md=(?P<md>\w+) digest=(?P<digest>[0-9A-F]+)(?: [a-z0-9]+=\S*)*\n"
)
STOCK = re.compile(r"(?P<command>\d+) (?P<port>\d+) (?P<size>\d+) (?P<digest>[0-9a-f]{32})\n")
AUTHENTICATION = re.compile(r"200 (?P<cnonce>[0-9a-f]+) (?P<response>[0-9a-f]+)\n")

Conversation = Callable[[socket.socket, int], bytes]
"""Gets the connection and the announced size; returns what it read."""


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - that is how they do it


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def expected_response(password: str, *, nonce: str, cnonce: str, stored_md5: bool) -> str:
    """What a device computes to compare: by the length of its own nonce."""
    if len(nonce) == 32:
        return md5(f"{md5(password)}:{nonce}:{cnonce}")
    secret = md5(password) if stored_md5 else sha256(password)
    salt = f"{nonce}:{cnonce}"
    key = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt.encode(), 10_000)
    return sha256(f"{key.hex()}:{nonce}:{cnonce}")


def take(
    connection: socket.socket,
    size: int,
    *,
    read: int = 1460,
    acknowledge: str = "{}",
    pace: float = 0.0,
) -> bytes:
    """Read `size` bytes and acknowledge each read."""
    received = b""
    while len(received) < size:
        piece = connection.recv(min(read, size - len(received)))
        if not piece:
            break
        received += piece
        if acknowledge:
            connection.sendall(acknowledge.format(len(piece)).encode())
        time.sleep(pace)
    return received


def take_and_say(last_words: bytes, **how: object) -> Conversation:
    """Read everything, then say something and close."""

    def converse(connection: socket.socket, size: int) -> bytes:
        received = take(connection, size, **how)  # type: ignore[arg-type]
        connection.sendall(last_words)
        return received

    return converse


@dataclass
class Behaviour:
    """How the device differs from a good one."""

    understands: tuple[str, ...] = ("RedWax", "stock")
    answer: bytes = b"OK"
    """To an invitation, and to a good password."""
    deaf_to: int = 0
    """Datagrams that get lost before any is heard."""
    slow: float = 0.0
    """Seconds before each answer."""
    asleep: float = 0.0
    """Seconds before it looks at what has arrived."""
    receive_buffer: int = 0
    """Bytes that its TCP holds; 0: as many as the system likes."""
    password: str = ""
    nonce_digits: int = 64
    stored_md5: bool = False
    mute_after_password: int = 0
    """Passwords that get no answer."""
    connects: bool = True
    connects_from: str = ""
    stranger_first: str = ""
    """An address from which somebody else connects before the device does."""
    converse: Conversation = field(default_factory=lambda: take_and_say(b"OK"))
    after: bytes = b""
    """A datagram sent when the connection has ended."""


class StockDevice:
    """Runs in a thread; use it as a context manager."""

    def __init__(self, behaviour: Behaviour | None = None, *, ip: str = "127.0.0.1") -> None:
        self.behaviour = behaviour or Behaviour()
        self.heard: list[str] = []
        self.received = b""
        self.command = -1
        self.digest_fits: bool | None = None
        self.stranger_heard: bytes | None = None
        self._udp = socket.socket(
            socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_DGRAM
        )
        self._udp.bind((ip, 0))
        self._udp.settimeout(0.02)
        self._stop = threading.Event()
        self._nonce = ""
        self._invitation: re.Match[str] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def port(self) -> int:
        return int(self._udp.getsockname()[1])

    def __enter__(self) -> StockDevice:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=10)
        self._udp.close()
        assert not self._thread.is_alive(), "the device hangs"

    def _run(self) -> None:
        time.sleep(self.behaviour.asleep)
        while not self._stop.is_set():
            try:
                datagram, host = self._udp.recvfrom(1024)
            except (TimeoutError, socket.timeout):
                continue
            if len(self.heard) < self.behaviour.deaf_to:
                self.heard.append("")
                continue
            text = datagram.decode("ascii")
            self.heard.append(text)
            time.sleep(self.behaviour.slow)
            if self._is_admitted(text, host) and self.behaviour.connects:
                # An invitation that was sent twice may be served when the host has gone.
                with contextlib.suppress(ConnectionRefusedError):
                    self._fetch(host)

    def _say(self, text: bytes, host: tuple[str, int]) -> None:
        self._udp.sendto(text, host)

    def _is_admitted(self, text: str, host: tuple[str, int]) -> bool:
        invitation = REDWAX.fullmatch(text) if "RedWax" in self.behaviour.understands else None
        if invitation is None and "stock" in self.behaviour.understands:
            invitation = STOCK.fullmatch(text)
        if invitation is not None:
            self._invitation = invitation
            if self.behaviour.password:
                self._nonce = sha256(str(time.monotonic_ns()))[: self.behaviour.nonce_digits]
                self._say(b"AUTH " + self._nonce.encode(), host)
                return False
            self._say(self.behaviour.answer, host)
            return self.behaviour.answer.startswith(b"OK")
        authentication = AUTHENTICATION.fullmatch(text)
        if authentication is None or not self._nonce:
            return False
        if self.behaviour.mute_after_password > 0:
            self.behaviour.mute_after_password -= 1
            return False
        expected = expected_response(
            self.behaviour.password,
            nonce=self._nonce,
            cnonce=authentication["cnonce"],
            stored_md5=self.behaviour.stored_md5,
        )
        self._nonce = ""
        fits = authentication["response"] == expected
        self._say(self.behaviour.answer if fits else b"Authentication Failed", host)
        return fits

    def _fetch(self, host: tuple[str, int]) -> None:
        assert self._invitation is not None
        port, size = int(self._invitation["port"]), int(self._invitation["size"])
        self.command = int(self._invitation["command"])
        stranger = None
        if self.behaviour.stranger_first:
            stranger = self._connect(host[0], port, self.behaviour.stranger_first)
        connection = self._connect(host[0], port, self.behaviour.connects_from)
        with connection, contextlib.suppress(OSError):
            self.received = self.behaviour.converse(connection, size)
        self.digest_fits = self._digest() == self._invitation["digest"].lower()
        if self.behaviour.after:
            self._say(self.behaviour.after, host)
        if stranger is not None:
            self.stranger_heard = stranger.recv(100)
            stranger.close()

    def _digest(self) -> str:
        assert self._invitation is not None
        name = self._invitation.groupdict().get("md") or "MD5"
        return hashlib.new(name, self.received).hexdigest()

    def _connect(self, ip: str, port: int, source: str) -> socket.socket:
        # From the device's own address, as a device has but one.
        connection = socket.socket(self._udp.family, socket.SOCK_STREAM)
        connection.settimeout(5)
        if self.behaviour.receive_buffer:
            size = self.behaviour.receive_buffer
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        try:
            connection.bind((source or self._udp.getsockname()[0], 0))
            connection.connect((ip, port))
        except OSError:
            connection.close()
            raise
        # Words must leave before a close with bytes unread throws away what waits to be sent.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection
