"""`make demo`: an update that is accepted, five that are not, and one that does not work.

All of it on this computer.

Nothing here is special to the demo: a PlatformIO project with the one line, the emulated device of
examples/EmulatedDevice, and `pio run -t upload`.  Only the attacker (stranger.py) is ours.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import stranger

from platformio_secureota import Image, TrustAnchor, keyfile, pki, sign
from platformio_secureota.manifest import ImageKind, Manifest, with_trailer
from platformio_secureota.tsa.local import LocalTSA

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "build" / "demo"
BUILT = PROJECT / ".pio" / "build" / "device"
HOST = "127.0.0.1"
ANSI = "\x1b\\[[0-9;]*m"
PATIENCE = 30
"""Seconds until the device must have said what is waited for."""

PROJECT_INI = """\
[env:device]
platform = native
lib_deps = SecureOTA=symlink://{root}
build_flags = -std=gnu++11 {flags}
upload_port = {host}:{port}
custom_secureota_signing_key = signing-key.pem
custom_secureota_product = demo-lamp
extra_scripts = post:{root}/extra_script.py
"""


class DemoError(Exception):
    """The story did not go as told."""


_screen = threading.RLock()
"""Held while a progress bar is drawn, so that the device's lines come before or after it."""


def tell(text: str = "") -> None:
    """Print one line of the story."""
    with _screen:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


class Device:
    """The emulated device's process, and what it prints."""

    def __init__(self, program: Path, port: int) -> None:
        """Write `program` into its flash, as a serial upload would, and start it."""
        flash = str(PROJECT / "flash")
        command = [str(program), "--flash", "--dir", flash, "--port", str(port)]
        command += ["--confirm-after", "1"]  # seconds; it is a minute otherwise
        self.process = subprocess.Popen(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - Popen was given a pipe
        for line in self.process.stdout:
            # Shown before anybody goes on because of it.
            tell(f"    device | {line.rstrip()}")
            with self._more:
                self.lines.append(line.rstrip())
                self._more.notify_all()

    def expect(self, pattern: str, *, after: int) -> str:
        """Wait for a line, counted from line `after`, in which `pattern` is found."""
        deadline = time.monotonic() + PATIENCE
        with self._more:
            while True:
                for line in self.lines[after:]:
                    if re.search(pattern, line):
                        return line
                if not self._more.wait(deadline - time.monotonic()):
                    message = f"the device did not say {pattern!r}"
                    raise DemoError(message)

    def stop(self) -> None:
        """Pull the plug."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self._reader.join()


@contextlib.contextmanager
def running(program: Path, port: int) -> Iterator[Device]:
    """Start a device that is stopped whatever happens."""
    device = Device(program, port)
    try:
        device.expect("listening", after=0)
        yield device
    finally:
        device.stop()


def watch(terminal: int) -> str:
    """Read until the other end is closed; draw the progress bar that passes by."""
    output = ""
    shown = ""
    while True:
        try:
            chunk = os.read(terminal, 4096).decode("utf-8", "replace")
        except OSError:  # how Linux says that the other end is closed
            break
        if not chunk:
            break
        output += chunk
        bars = re.findall(r"Uploading \[=* *\] +\d+%", output)
        if bars and bars[-1] != shown:
            shown = bars[-1]
            sys.stdout.write(f"\r    {shown}")
            sys.stdout.flush()
    if shown:
        tell()
    return output


def with_progress_bar(program: str, *arguments: str, refusal: str = "") -> None:
    """Run a command of the .venv; show its progress bar.

    It must succeed, or where a refusal is wanted, fail with that. Else everything it said is shown.
    """
    # A terminal of its own, so that the bar is drawn as it is for a person.
    ours, its = pty.openpty()
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    process = subprocess.Popen(command, cwd=PROJECT, stdin=its, stdout=its, stderr=its)
    os.close(its)
    with _screen:
        output = watch(ours)
    os.close(ours)
    lines = [line for line in output.splitlines() if refusal and f"refused: {refusal}" in line]
    if process.wait() != 0 and lines:
        tell(f"    {re.sub(ANSI, '', lines[0])}")
        return
    if process.returncode != 0 or refusal:
        message = f"{output}\n`{program} {' '.join(arguments)}` did not end as it should"
        raise DemoError(message)


def pio(*arguments: str, refusal: str = "") -> None:
    """Run pio in the project."""
    with_progress_bar("pio", *arguments, refusal=refusal)


def lay_out_project(port: int) -> None:
    """Make a project as a newcomer would: the sketch, the ini file, a key."""
    shutil.rmtree(PROJECT, ignore_errors=True)
    shutil.copytree(ROOT / "examples" / "EmulatedDevice" / "src", PROJECT / "src")
    flags = f"{os.environ.get('MBEDTLS_CFLAGS', '')} {os.environ.get('MBEDTLS_LIBS', '')}".strip()
    ini = PROJECT_INI.format(root=ROOT, flags=flags or "-lmbedcrypto", host=HOST, port=port)
    (PROJECT / "platformio.ini").write_text(ini, "utf-8")
    pki.write_pem(PROJECT / "signing-key.pem", pki.generate(name="demo key"))


def set_version(number: int) -> None:
    """Change one line of the sketch."""
    sketch = PROJECT / "src" / "main.cpp"
    text = sketch.read_text("utf-8")
    changed = re.sub(r'(#define FIRMWARE_VERSION) "\d+"', rf'\1 "{number}"', text)
    sketch.write_text(changed, "utf-8")


def let_it_crash() -> None:
    """Put a bug into the sketch."""
    sketch = PROJECT / "src" / "main.cpp"
    text = sketch.read_text("utf-8")
    sketch.write_text(text.replace("SecureOTA.begin();", "__builtin_trap();"), "utf-8")


def signed_by_somebody_else(image: bytes) -> bytes:
    """Sign with a key that is as good as ours, and not the one that the device trusts."""
    identity = pki.generate(name="somebody else")
    own_anchor = TrustAnchor.from_der(identity.anchor_der)
    return sign(Image(image), LocalTSA(identity), anchors=[own_anchor]).container


def for_another_product(image: bytes) -> bytes:
    """Sign with our own key what is for the other product that we make."""
    heater = with_trailer(image, Manifest(ImageKind.APPLICATION, product="demo-heater"))
    identity = keyfile.load_identity(PROJECT / "signing-key.pem")
    anchors = [TrustAnchor.from_der(identity.anchor_der)]
    return sign(Image(heater), LocalTSA(identity), anchors=anchors).container


def with_flipped_bit(container: bytes) -> bytes:
    """Change one bit in the middle of the image."""
    place = len(container) * 3 // 4
    return container[:place] + bytes([container[place] ^ 1]) + container[place + 1 :]


def show_refusals(device: Device, port: int, *, older: bytes, newer: bytes) -> None:
    """Send what must not be accepted; `older` and `newer` are containers that we signed."""
    image = (BUILT / "program").read_bytes()
    other_product = for_another_product(image)
    attacks = (
        ("an unsigned image", "NotSigned", image),
        ("version 3, one bit flipped on its way", "ImageMismatch", with_flipped_bit(newer)),
        ("an image with another's signature", "NotTrusted", signed_by_somebody_else(image)),
        ("an image for another product, with our signature", "WrongProduct", other_product),
        ("version 1 again, whose token is older", "OlderThanFloor", older),
    )
    for what, reason, data in attacks:
        tell(f"\n  {what}")
        seen = len(device.lines)
        answer = stranger.send(data, host=HOST, port=port)
        device.expect(f"refused: {reason}", after=seen)
        if answer == "OK" or any("restarting" in line for line in device.lines[seen:]):
            message = f"{what}: accepted"
            raise DemoError(message)


def free_udp_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def build(version: int) -> bytes:
    """`pio run` of one version: the signed container."""
    set_version(version)
    pio("run")
    return (BUILT / "program.signed.bin").read_bytes()


def story() -> None:
    """Tell it; DemoError where the device does not do what is told."""
    port = free_udp_port()
    lay_out_project(port)
    tell("1. `pio run` builds and signs version 1; a device gets it by serial and runs it.\n")
    version_1 = build(1)
    with running(BUILT / "program", port) as device:
        tell("\n2. One line of the sketch is changed to version 2; `pio run -t upload`.\n")
        set_version(2)
        seen = len(device.lines)
        pio("run", "-t", "upload")
        device.expect("version 2", after=seen)
        device.expect("confirmed", after=seen)
        own = PROJECT / "version-2.signed.bin"
        shutil.copyfile(BUILT / "program.signed.bin", own)

        tell("\n3. Somebody else on the network sends:")
        show_refusals(device, port, older=version_1, newer=build(3))

        tell("\n4. `secureota upload` of version 2, which runs already: OK, nothing is erased.\n")
        seen = len(device.lines)
        with_progress_bar("secureota", "upload", str(own), f"{HOST}:{port}")
        device.expect("accepted", after=seen)
        if any("erased" in line for line in device.lines[seen:]):
            message = "something was erased for an image that runs already"
            raise DemoError(message)

        tell("\n5. Version 4 is signed as it should be, and crashes when it starts.\n")
        set_version(4)
        let_it_crash()
        seen = len(device.lines)
        pio("run", "-t", "upload", refusal="NotRunning")
        device.expect("crashed", after=seen)
        device.expect("version 2", after=seen)
        device.expect("ImageNotConfirmed", after=seen)
        device.expect("listening", after=seen)
        if device.process.poll() is not None:
            message = "the device does not run any more"
            raise DemoError(message)
    tell("\nVersion 2 was still running. This project lies in build/demo.")


def main() -> int:
    """Exit status: 0 if everything went as told."""
    try:
        story()
    except DemoError as error:
        sys.stdout.flush()
        sys.stderr.write(f"demo: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
