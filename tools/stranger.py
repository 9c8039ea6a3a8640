"""An uploader that sends whatever it is given: the demo's stand-in for somebody on the network.

It speaks the protocol of stock uploads (docs/format.md) and checks nothing, so that what is refused
is refused by the device.
"""

from __future__ import annotations

import hashlib
import socket

CHUNK = 1024
PATIENCE = 10
"""Seconds that either side may stay silent."""


def send(data: bytes, *, host: str, port: int) -> str:
    """Send to the device at host:port (UDP) and return its last word: "OK", or why not."""
    with socket.create_server((host, 0)) as server:
        server.settimeout(PATIENCE)
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        invitation = f"0 {server.getsockname()[1]} {len(data)} {digest}\n"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(PATIENCE)
            udp.sendto(invitation.encode("ascii"), (host, port))
            answer = udp.recv(256).decode("utf-8", "replace").strip()
        if answer != "OK":
            return answer
        connection, _ = server.accept()
        with connection:
            connection.settimeout(PATIENCE)
            return _transfer(data, connection)


def _transfer(data: bytes, connection: socket.socket) -> str:
    # The device answers each read with the number of bytes it took, and says its last word in text.
    answers = b""
    for start in range(0, len(data), CHUNK):
        try:
            connection.sendall(data[start : start + CHUNK])
            answers += connection.recv(256)
        except (BrokenPipeError, ConnectionResetError):
            break
        if not answers[-1:].isdigit():
            break
    try:
        while more := connection.recv(256):
            answers += more
    except ConnectionResetError:
        pass
    return answers.decode("utf-8", "replace").lstrip("0123456789\n").strip()
