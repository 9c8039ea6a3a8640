"""A device that speaks the OTA protocol as deployed devices do, for tests of the host side.

Written from the facts of the wire alone; it shares no code with the tool that it tests.  By
default it behaves well, and knows nothing newer than the password.  `Behaviour` bends it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import secrets
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
QUESTION = re.compile(r"RedWax/1\.[0-9]+ cmd=300 nonce=(?P<nonce>[0-9a-f]{32}) pad=\S*\n")
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
    received = bytearray()
    while len(received) < size:
        piece = connection.recv(min(read, size - len(received)))
        if not piece:
            break
        received += piece
        if acknowledge:
            connection.sendall(acknowledge.format(len(piece)).encode())
        time.sleep(pace)
    return bytes(received)


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
    answers: int = 1
    """How often it says each answer."""
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
    connects_twice: bool = False
    """And is silent on the other connection."""
    connects_from: str = ""
    door: str = ""
    """Direct mode: "open"; "refusing" and "silent", where a connection does not come about;
    "slamming", where it is closed at once.  "": not known, as to older devices."""
    stranger_first: str = ""
    """An address from which somebody else connects before the device does."""
    converse: Conversation = field(default_factory=lambda: take_and_say(b"OK"))
    status: Callable[[int, bytes], str | None] | None = None
    """Answers questions about what runs: gets their number, from 1, and the digest of what was
    taken (b"" before that); returns what stands behind `STATUS `, or None for silence.
    None: not known, as to older devices."""
    status_password: str | None = None
    """With which the answers are proven; None: `password`."""
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
        self.asked = 0
        """Questions about what runs."""
        self.salt = "5a" * 16
        self.came_direct = False
        self.knocks: list[bytes] = []
        """What the connections to the door began with."""
        self._door: Door | None = None
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
        self._shut_door()
        assert not self._thread.is_alive(), "the device hangs"

    def _run(self) -> None:
        time.sleep(self.behaviour.asleep)
        while not self._stop.is_set():
            try:
                datagram, host = self._udp.recvfrom(1024)
            except (TimeoutError, socket.timeout):
                self._look_at_door()
                continue
            if question := QUESTION.fullmatch(datagram.decode("ascii")):
                self._tell(question["nonce"], host)
                continue
            if len(self.heard) < self.behaviour.deaf_to:
                self.heard.append("")
                continue
            text = datagram.decode("ascii")
            self.heard.append(text)
            time.sleep(self.behaviour.slow)
            if not self._is_admitted(text, host) or self._door is not None:
                continue
            if self.behaviour.connects:
                # An invitation that was sent twice may be served when the host has gone.
                with contextlib.suppress(ConnectionRefusedError):
                    self._fetch(host)

    def _say(self, text: bytes, host: tuple[str, int]) -> None:
        for _ in range(self.behaviour.answers):
            self._udp.sendto(text, host)

    def _tell(self, nonce: str, host: tuple[str, int]) -> None:
        self.asked += 1
        if self.behaviour.status is None:
            return
        told = self.behaviour.status(self.asked, self._digest_of_image())
        if told is None:
            return
        text = f"STATUS {told}"
        password = self.behaviour.status_password
        password = self.behaviour.password if password is None else password
        if password:
            text += f" salt={self.salt}"
            secret = md5(password) if self.behaviour.stored_md5 else sha256(password)
            salt = f"status:{self.salt}".encode()
            key = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, 10_000)
            text += " hmac=" + hmac.digest(key, f"{nonce}:{text}".encode(), "sha256").hex()
        self._udp.sendto(text.encode(), host)

    def _digest_of_image(self) -> bytes:
        header, _, rest = self.received.partition(b"\n")
        sizes = re.search(rb" rfc3161=(\d+)", header)
        return hashlib.sha256(rest[int(sizes[1]) :]).digest() if sizes else b""

    def _is_admitted(self, text: str, host: tuple[str, int]) -> bool:
        invitation = REDWAX.fullmatch(text) if "RedWax" in self.behaviour.understands else None
        if invitation is None and "stock" in self.behaviour.understands:
            invitation = STOCK.fullmatch(text)
        if invitation is not None:
            self._shut_door()
            self._invitation = invitation
            if self.behaviour.password:
                self._nonce = sha256(str(time.monotonic_ns()))[: self.behaviour.nonce_digits]
                self._say(b"AUTH " + self._nonce.encode(), host)
                return False
            self._say(self._yes(host), host)
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
        self._say(self._yes(host) if fits else b"Authentication Failed", host)
        return fits

    def _yes(self, host: tuple[str, int]) -> bytes:
        assert self._invitation is not None
        offered = " direct=1" in self._invitation.group()
        if self.behaviour.answer != b"OK" or not self.behaviour.door or not offered:
            return self.behaviour.answer
        self._door = Door(self._udp.getsockname()[0], host[0], self.behaviour.door)
        return f"OK port={self._door.port} cookie={self._door.cookie}".encode()

    def _shut_door(self) -> None:
        if self._door is not None:
            self._door.close()
        self._door = None

    def _look_at_door(self) -> None:
        knock = self._door.knock() if self._door is not None else None
        if knock is None:
            return
        connection, said = knock
        self.knocks.append(said)
        if said == f"{self._door.cookie}\n".encode():  # type: ignore[union-attr]
            self._shut_door()
            self.came_direct = True
            self._take(connection)
        connection.close()

    def _fetch(self, host: tuple[str, int]) -> None:
        assert self._invitation is not None
        port = int(self._invitation["port"])
        stranger = None
        if self.behaviour.stranger_first:
            stranger = self._connect(host[0], port, self.behaviour.stranger_first)
        connection = self._connect(host[0], port, self.behaviour.connects_from)
        with contextlib.ExitStack() as stack:
            if self.behaviour.connects_twice:
                stack.enter_context(self._connect(host[0], port, self.behaviour.connects_from))
            self._take(connection)
        if self.behaviour.after:
            self._say(self.behaviour.after, host)
        if stranger is not None:
            self.stranger_heard = stranger.recv(100)
            stranger.close()

    def _take(self, connection: socket.socket) -> None:
        assert self._invitation is not None
        self.command = int(self._invitation["command"])
        with connection, contextlib.suppress(OSError):
            self.received = self.behaviour.converse(connection, int(self._invitation["size"]))
        self.digest_fits = self._digest() == self._invitation["digest"].lower()

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


class Door:
    """Where a device in direct mode waits for the host."""

    def __init__(self, ip: str, host: str, how: str) -> None:
        self.cookie = secrets.token_hex(16)
        self._host = host
        self._how = how
        self._crowd: list[socket.socket] = []
        self._listener = socket.socket(
            socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM
        )
        self._listener.bind((ip, 0))
        self.port = int(self._listener.getsockname()[1])
        self._listener.settimeout(0.02)
        if how == "silent":
            self._crowd_out()
        elif how != "refusing":
            self._listener.listen(4)

    def _crowd_out(self) -> None:
        # Who connects when the queue is full gets no answer at all.
        self._listener.listen(0)
        for _ in range(4):
            one = socket.socket(self._listener.family, socket.SOCK_STREAM)
            one.setblocking(False)
            one.connect_ex(self._listener.getsockname())
            self._crowd.append(one)

    def knock(self) -> tuple[socket.socket, bytes] | None:
        """Return the next connection of the host and the first 33 bytes of it."""
        if self._how in {"refusing", "silent"}:
            return None
        try:
            connection, peer = self._listener.accept()
        except (TimeoutError, socket.timeout):
            return None
        if self._how == "slamming" or peer[0] != self._host:
            connection.close()
            return None
        connection.settimeout(2)
        said = b""
        with contextlib.suppress(OSError):
            while len(said) < 33 and (piece := connection.recv(33 - len(said))):
                said += piece
        connection.settimeout(5)
        return connection, said

    def close(self) -> None:
        for one in (self._listener, *self._crowd):
            one.close()
