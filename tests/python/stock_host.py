"""The stock Arduino host tool, as far as a device can tell: what it says, and when it waits.

Written from the facts of the wire alone; it shares no code with ours.  There are two of them.  The
older one knows the MD5 form of a password only, and reads no more of an answer than that needs.
The newer one (core 3.3.x) answers in the form that the length of the nonce asks for.
"""

from __future__ import annotations

import hashlib
import socket
from contextlib import suppress
from dataclasses import dataclass

PIECE = 1024
"""Bytes that it sends before it waits for an acknowledgement."""

PATIENCE = 20.0
"""Seconds; the real one has 10."""

FLASH, FILESYSTEM = 0, 100


@dataclass(frozen=True)
class Heard:
    """What the device has said."""

    to_invitation: str
    to_password: str = ""
    """Empty where it asked for none."""
    last: str = ""
    """Over the connection, after its last acknowledgement; empty where none came about."""

    @property
    def accepted(self) -> bool:
        return self.last == "OK"


class StockHost:
    """Uploads a file, whatever is in it."""

    def __init__(self, *, newer: bool, password: str = "") -> None:
        self._newer = newer
        self._password = password
        self._answer_size = 69 if newer else 37

    def upload(self, data: bytes, port: int, *, command: int = FLASH) -> Heard:
        digest = _md5(data)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(PATIENCE)
            udp.connect(("127.0.0.1", port))
            with socket.create_server(("127.0.0.1", 0)) as listener:
                listener.settimeout(PATIENCE)
                here = listener.getsockname()[1]
                udp.send(f"{command} {here} {len(data)} {digest}\n".encode())
                first = answer = udp.recv(2000)[: self._answer_size].decode()
                asked = answer.startswith("AUTH ")
                if asked:
                    udp.send(self._prove(answer.split()[1], data, port))
                    answer = udp.recv(2000)[:32].decode()
                if answer != "OK":
                    return Heard(first, answer if asked else "")
                connection, _ = listener.accept()
        connection.settimeout(PATIENCE)
        with connection:
            return Heard(first, answer if asked else "", _send(connection, data))

    def _prove(self, nonce: str, data: bytes, port: int) -> bytes:
        seed = f"firmware.bin{len(data)}{_md5(data)}127.0.0.1:{port}".encode()
        if len(nonce) == 32 or not self._newer:
            cnonce = _md5(seed)
            response = _md5(f"{_md5(self._password.encode())}:{nonce}:{cnonce}".encode())
        else:
            cnonce = _sha256(seed)
            secret = _sha256(self._password.encode()).encode()
            key = hashlib.pbkdf2_hmac("sha256", secret, f"{nonce}:{cnonce}".encode(), 10_000).hex()
            response = _sha256(f"{key}:{nonce}:{cnonce}".encode())
        return f"200 {cnonce} {response}\n".encode()


def _send(connection: socket.socket, data: bytes) -> str:
    said = b""
    with suppress(ConnectionError):
        for at in range(0, len(data), PIECE):
            connection.sendall(data[at : at + PIECE])
            said += connection.recv(10)
            if said.endswith(b"OK") or not said[-1:].isdigit():
                break
        while more := connection.recv(32):
            said += more
    return said.decode("ascii").lstrip("0123456789").rstrip("\n")


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
