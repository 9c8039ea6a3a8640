"""The upload page of a running device, spoken to byte by byte."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from emulated_device import PATIENCE, EmulatedDevice, free_udp_port, read_to_end
from owner import write_anchor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platformio_secureota import Reason


class Page:
    """The device's web server, spoken to byte by byte."""

    def __init__(self, device: EmulatedDevice, port: int) -> None:
        self.device = device
        self.port = port
        self.host = f"127.0.0.1:{port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def exchange(self, data: bytes) -> tuple[int, str]:
        """Send all of it, and return status and text of the answer."""
        with self.connect() as connection:
            connection.sendall(data)
            return split(read_to_end(connection))

    def get(self, path: str) -> tuple[int, str]:
        return self.exchange(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())

    def head(self, data: bytes, **fields: str | None) -> bytes:
        """The head of an upload; `Name_of_field=None` leaves one out."""
        all_fields: dict[str, str | None] = {
            "Host": self.host,
            "Origin": f"http://{self.host}",
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(data)),
            "X-SecureOTA-Kind": "0",
            **{name.replace("_", "-"): value for name, value in fields.items()},
        }
        lines = [f"{name}: {value}" for name, value in all_fields.items() if value is not None]
        return "\r\n".join(["POST /update HTTP/1.1", *lines, "", ""]).encode()

    def upload(self, data: bytes, **fields: str | None) -> tuple[int, str]:
        return self.exchange(self.head(data, **fields) + data)

    def wait_until_welcome(self) -> None:
        """After wrong passwords: wait until the next one may be tried."""
        deadline = time.monotonic() + PATIENCE
        while self.get("/challenge")[0] == 429:
            assert time.monotonic() < deadline


def split(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.decode().partition("\r\n\r\n")
    return int(head.split()[1]), body.rstrip("\n")


def line(reason: Reason) -> str:
    return f"{reason.value}: {reason.sentence}"


@contextmanager
def run_page(flash: Path, program: Path, *options: str, **environment: str) -> Iterator[Page]:
    """Run a device that serves one."""
    anchor = write_anchor(flash.parent / "anchor.der")
    port = free_udp_port()
    device = EmulatedDevice(
        flash,
        "--anchor",
        str(anchor),
        *options,
        program=program,
        environment={"WEB_PORT": str(port), **environment},
    )
    with device:
        yield Page(device, port)
