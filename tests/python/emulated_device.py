"""The emulated device as a process, and a host that speaks to it without our own tool."""

from __future__ import annotations

import hashlib
import os
import queue
import secrets
import shlex
import signal
import socket
import subprocess
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from platformio_secureota.ota import Target

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "device-asan"
PROGRAM = BUILD / "emulated-device"
OPTIMISED = ROOT / "build" / "device"
"""As it would be shipped: for tests that need many devices, or look at their memory."""
PATIENCE = 20.0
"""Seconds for anything that a device does; a busy machine and the sanitizers are slow."""


EXAMPLE = ROOT / "examples" / "EmulatedDevice" / "src" / "main.cpp"


def build_version(
    version: str, output: Path, *flags: str, sketch: Path = EXAMPLE, build: Path = BUILD
) -> Path:
    """Link the example, or another sketch, anew as another version."""
    sources = (path.relative_to(ROOT) for path in (ROOT / "src").rglob("*.cpp"))
    objects = [
        path
        for path in (build / "obj" / source.with_suffix(".o") for source in sources)
        if path.is_file()
    ]
    command = [
        os.environ.get("CXX", "g++"),
        "-std=gnu++11",
        "-fno-exceptions",
        "-fno-rtti",
        *(["-fsanitize=address,undefined"] if build == BUILD else ["-s"]),
        f'-DFIRMWARE_VERSION="{version}"',
        f"-I{ROOT / 'src'}",
        *shlex.split(os.environ.get("MBEDTLS_CFLAGS", "")),
        *flags,
        str(sketch),
        *map(str, objects),
        *shlex.split(os.environ.get("MBEDTLS_LIBS", "") or "-lmbedcrypto"),
        "-o",
        str(output),
    ]
    subprocess.run(command, check=True)
    return output


def sketch_with_manifest(file: Path, manifest: bytes) -> Path:
    """Write the example anew, with what the build would compile in for a product."""
    file.write_text(
        f'#include "{EXAMPLE}"\n'
        'extern "C" {\n'
        "extern const unsigned char secureota_manifest[256];\n"
        f"const unsigned char secureota_manifest[256] = {{{', '.join(map(str, manifest))}}};\n"
        "}\n"
    )
    return file


def free_udp_port() -> int:
    """Find a port whose TCP twin is free too: the device would like to have both.

    Below those that systems hand out, so that no connection takes the twin later.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        udp, tcp = socket.socket(type=socket.SOCK_DGRAM), socket.socket()
        with closing(udp), closing(tcp), suppress(OSError):
            udp.bind(("127.0.0.1", port))
            tcp.bind(("127.0.0.1", port))
            return port


class EmulatedDevice:
    """Runs from entering to leaving the context; what it prints is in `lines`."""

    def __init__(
        self,
        directory: Path,
        *options: str,
        program: Path = PROGRAM,
        environment: dict[str, str] | None = None,
        port: int = 0,
    ) -> None:
        self.port = port or free_udp_port()
        self.lines: list[str] = []
        # A new image is kept as soon as it listens; a test that has more time says so.
        defaults = ["--dir", str(directory), "--port", str(self.port), "--confirm-after", "0"]
        self._options = [*defaults, *options]
        self._program = program
        self._environment = {**os.environ, **(environment or {})}
        self._arrived: queue.Queue[str] = queue.Queue()

    def __enter__(self) -> EmulatedDevice:
        self._process = subprocess.Popen(
            [self._program, *self._options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.wait_for("listening on ")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def target(self) -> Target:
        return Target("127.0.0.1", self.port)

    def running(self) -> bool:
        return self._process.poll() is None

    def boot_stage(self) -> int:
        """Return the process that was started, and stays."""
        return self._process.pid

    def firmware(self) -> int:
        """Return the process that a slot runs in: the boot stage's only child."""
        boot_stage = self.boot_stage()
        return int(Path(f"/proc/{boot_stage}/task/{boot_stage}/children").read_text())

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.firmware()}/fd").iterdir()))

    def wait_for(self, prefix: str) -> str:
        """Return the next line that begins so; lines before it are passed over."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self._arrived.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                message = f"no line {prefix!r}; the device said: {self.lines}"
                raise AssertionError(message) from None
            if line.startswith(prefix):
                return line

    def count(self, prefix: str) -> int:
        return sum(line.startswith(prefix) for line in self.lines)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._arrived.put(line.rstrip("\n"))


class Host:
    """Invites by hand.  What it sends is what the test says, right or wrong."""

    def __init__(self, device: EmulatedDevice, address: str = "127.0.0.1") -> None:
        self._device = ("127.0.0.1", device.port)
        self._address = address
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((address, 0))
        self._udp.settimeout(PATIENCE)
        self._listener = socket.create_server((address, 0))
        self._listener.settimeout(PATIENCE)

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._udp.close()
        self._listener.close()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def ask(self, datagram: bytes) -> bytes:
        self._udp.sendto(datagram, self._device)
        return self._udp.recv(2000)

    def settle(self) -> None:
        """Wait until the device is done with what it was doing: it answers one thing at a time."""
        assert self.ask(b"0 1 0 not an invitation      \n").startswith(b"BadInvitation")

    def is_silent(self, datagram: bytes) -> bool:
        """Is there no answer, within a time in which there would have been one?"""
        self._udp.sendto(datagram, self._device)
        self._udp.settimeout(0.5)
        try:
            self._udp.recv(2000)
        except socket.timeout:
            return True
        finally:
            self._udp.settimeout(PATIENCE)
        return False

    def stock_invitation(self, data: bytes, *, size: int | None = None) -> bytes:
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return f"0 {self.port} {len(data) if size is None else size} {digest}\n".encode()

    def invitation(self, data: bytes, more_keys: str = "") -> bytes:
        """The RedWax form."""
        digest = hashlib.sha256(data).hexdigest()
        line = f"RedWax/1.00 cmd=0 port={self.port} size={len(data)} md=SHA256 digest={digest}"
        return f"{line}{more_keys}\n".encode()

    def accept(self) -> socket.socket:
        connection, _ = self._listener.accept()
        connection.settimeout(PATIENCE)
        return connection

    def connect(self, port: int) -> socket.socket:
        """Connect to the device, from our address."""
        return socket.create_connection(
            ("127.0.0.1", port), timeout=PATIENCE, source_address=(self._address, 0)
        )

    def deliver(self, data: bytes) -> str:
        """Send everything, then return the last word: "OK", or the line of the refusal."""
        with self.accept() as connection:
            # The device may refuse, and stop reading, long before the end.
            with suppress(ConnectionError):
                connection.sendall(data)
            return last_word(read_to_end(connection))

    def upload(self, data: bytes) -> str:
        """Invite in the stock form, and deliver."""
        answer = self.ask(self.stock_invitation(data))
        assert answer == b"OK", answer
        return self.deliver(data)


def password_answer(nonce: str, password: str) -> bytes:
    """Compute the datagram that answers `AUTH <nonce>` of 64 characters (docs/format.md, 3.1)."""
    cnonce = "c" * 64
    secret = hashlib.sha256(password.encode()).hexdigest().encode()
    key = hashlib.pbkdf2_hmac("sha256", secret, f"{nonce}:{cnonce}".encode(), 10_000).hex()
    response = hashlib.sha256(f"{key}:{nonce}:{cnonce}".encode()).hexdigest()
    return f"200 {cnonce} {response}\n".encode()


def read_to_end(connection: socket.socket) -> bytes:
    said = b""
    with suppress(ConnectionError):
        while piece := connection.recv(4096):
            said += piece
    return said


def last_word(said: bytes) -> str:
    """Take away the acknowledgements, which are digits."""
    return said.decode("ascii").lstrip("0123456789").rstrip("\n")
