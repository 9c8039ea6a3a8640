"""examples/WebUpdate as a running device: a browser's upload page, and what strangers send."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable

import pytest

import browser
from emulated_device import (
    PATIENCE,
    ROOT,
    EmulatedDevice,
    Host,
    build_version,
    free_udp_port,
    password_answer,
    read_to_end,
)
from flash_file import FlashFile
from owner import MINUTE, NOW, PASSWORD, signed, write_anchor
from platformio_secureota import Reason, pki

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SKETCH = ROOT / "examples" / "WebUpdate" / "src" / "main.cpp"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_version("1", tmp_path_factory.mktemp("web") / "program", sketch=SKETCH)


@pytest.fixture(scope="module")
def version_2(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    output = tmp_path_factory.mktemp("web") / "version-2"
    return build_version("2", output, sketch=SKETCH).read_bytes()


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


def split(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.decode().partition("\r\n\r\n")
    return int(head.split()[1]), body.rstrip("\n")


def line(reason: Reason) -> str:
    return f"{reason.value}: {reason.sentence}"


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    return tmp_path / "flash"


@contextmanager
def run(flash: Path, program: Path, *options: str, **environment: str) -> Iterator[Page]:
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


@pytest.fixture
def page(flash: Path, program: Path) -> Iterator[Page]:
    with run(flash, program) as page:
        yield page


def run_with_password(flash: Path, program: Path) -> object:
    return run(flash, program, "--password-env", "DEVICE_PASSWORD", DEVICE_PASSWORD=PASSWORD)


def test_update_and_replay(page: Page, flash: Path, version_2: bytes) -> None:
    assert page.upload(signed(version_2)) == (200, "OK")
    page.device.wait_for("boot: version 2")
    page.device.wait_for("confirmed: ")
    assert FlashFile(flash).program(1) == version_2
    assert page.upload(signed(version_2)) == (200, "OK")
    page.device.wait_for("accepted: runs already")
    assert page.device.count("erased") == 1


def test_in_small_pieces_and_after_100_continue(page: Page, version_2: bytes) -> None:
    data = signed(version_2)
    with page.connect() as connection:
        for byte in page.head(data, Expect="100-continue"):
            connection.sendall(bytes([byte]))
        wanted = b"HTTP/1.1 100 Continue\r\n\r\n"
        assert connection.recv(len(wanted), socket.MSG_WAITALL) == wanted
        connection.sendall(data)
        assert split(read_to_end(connection)) == (200, "OK")
    page.device.wait_for("boot: version 2")


def test_refusals_have_their_reasons(page: Page, flash: Path, version_2: bytes) -> None:
    good = signed(version_2)
    stranger = pki.generate(name="stranger", now=NOW - MINUTE)
    for data, reason in [
        (version_2, Reason.NotSigned),  # megabytes are read before the answer is
        (b"", Reason.NotSigned),
        (good[:-1], Reason.Truncated),
        (signed(version_2, identity=stranger), Reason.NotTrusted),
        (good[:-1] + b"!", Reason.ImageMismatch),
    ]:
        assert page.upload(data) == (422, line(reason))
        assert page.device.wait_for("refused: ") == f"refused: {line(reason)}"
    assert FlashFile(flash).boots == 0
    assert page.device.count("erased") == 1  # for the last one


def test_strange_sites_are_refused(page: Page) -> None:
    data = signed(b"image")
    for fields in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": f"https://{page.host}"},
        {"X_SecureOTA_Kind": None},
        {"Host": "evil.example", "Origin": "http://evil.example"},  # a name that leads here
        {"Host": None, "Origin": None},
        {"Host": "1.2.3", "Origin": None},
    ):
        assert page.upload(data, **fields) == (403, line(Reason.WrongOrigin)), fields
    # What a browser asks before it lets another site's page send our field.
    preflight = f"OPTIONS /update HTTP/1.1\r\nHost: {page.host}\r\n\r\n".encode()
    assert page.exchange(preflight)[0] == 405
    # Nobody is kept out who is no browser, or says the device's own name.
    for fields in ({"Origin": None}, {"Host": "Emulated-Device.local", "Origin": None}):
        assert page.upload(data[:-1] + b"!", **fields) == (422, line(Reason.ImageMismatch))


def test_requests_that_are_none_of_ours(page: Page) -> None:
    data = signed(b"image")
    host = f"Host: {page.host}\r\n".encode()
    for request, status in [
        (page.head(data, X_SecureOTA_Kind="7") + data, 422),
        (page.head(data, Content_Type="multipart/form-data") + data, 411),
        (page.head(data, Content_Length=None) + data, 411),
        (page.head(data, Transfer_Encoding="chunked") + data, 411),
        (page.head(data, Content_Length="1x") + data, 400),
        (page.head(data, Content_Length="4294967296") + data, 400),
        (page.head(data)[:-2] + host + b"\r\n" + data, 400),
        (b"GET /nothing HTTP/1.1\r\n" + host + b"\r\n", 404),
        (b"GET /update HTTP/1.1\r\n" + host + b"\r\n", 405),
        (b"POST / HTTP/1.1\r\n" + host + b"\r\n", 405),
        (b"GET / HTTP/2\r\n" + host + b"\r\n", 400),
        (b"GET http://evil.example/ HTTP/1.1\r\n" + host + b"\r\n", 400),
        (b"GET / HTTP/1.1\n\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 9000, 400),
        (b"GET /" + b"x" * 500 + b" HTTP/1.1\r\n\r\n", 400),
    ]:
        assert page.exchange(request)[0] == status, request[:80]
    assert page.get("/")[0] == 200  # and still there
    assert page.device.count("erased") == 0


def test_slow_and_silent_visitors(page: Page) -> None:
    with page.connect() as silent, page.connect() as slow:
        # Who says nothing gives way; who says half a request has three seconds.
        slow.sendall(b"GET / HTTP/1.1\r\n")
        assert page.get("/")[0] == 200
        assert read_to_end(slow) == b""
        assert read_to_end(silent) == b""


def test_upload_that_stops(flash: Path, program: Path, version_2: bytes) -> None:
    data = signed(version_2)
    with run(flash, program) as page:
        with page.connect() as connection:
            connection.sendall(page.head(data) + data[:100_000])
            page.device.wait_for("erased")
        assert page.device.wait_for("refused: ").startswith("refused: ConnectionLost")
        assert page.upload(data) == (200, "OK")


def test_one_update_at_a_time(page: Page, version_2: bytes) -> None:
    data = signed(version_2)
    with Host(page.device) as host:
        with page.connect() as connection:
            connection.sendall(page.head(data) + data[:100_000])
            page.device.wait_for("erased")
            assert host.ask(host.stock_invitation(data)).startswith(b"Busy: ")
        page.device.wait_for("refused: ConnectionLost")
        assert host.ask(host.stock_invitation(data)) == b"OK"
        with host.accept() as connection:
            connection.sendall(data)
            read_to_end(connection)
    page.device.wait_for("boot: version 2")


def wait_until_welcome(page: Page) -> None:
    deadline = time.monotonic() + PATIENCE
    while page.get("/challenge")[0] == 429:
        assert time.monotonic() < deadline


class TestPassword:
    """The page asks for the password of uploads, and never sees it."""

    def answer(self, page: Page, password: str) -> str:
        status, nonce = page.get("/challenge")
        assert status == 200
        assert len(nonce) == 64
        return password_answer(nonce, password).decode().rstrip("\n")

    def test_right_and_wrong(self, flash: Path, program: Path, version_2: bytes) -> None:
        data = signed(version_2)
        with run_with_password(flash, program) as page:
            assert page.upload(data) == (403, line(Reason.NotAuthorized))
            given = self.answer(page, PASSWORD)
            assert page.upload(data[:-1] + b"!", X_SecureOTA_Password=given)[0] == 422
            # A nonce serves once.
            assert page.upload(data, X_SecureOTA_Password=given)[0] == 403
            assert page.upload(data, X_SecureOTA_Password="200 " + "0" * 128)[0] == 403
            # With each wrong one the wait is twice as long: once, any machine is too early.
            while page.get("/challenge")[0] != 429:
                given = self.answer(page, "wrong")
                assert page.upload(b"x", X_SecureOTA_Password=given)[0] == 403
            assert page.upload(data, X_SecureOTA_Password=given)[0] == 429
            wait_until_welcome(page)
            given = self.answer(page, PASSWORD)
            assert page.upload(data, X_SecureOTA_Password=given) == (200, "OK")
            page.device.wait_for("boot: version 2")

    def test_without_one_there_is_no_challenge(self, page: Page) -> None:
        assert page.get("/challenge") == (200, "")


class TestBrowser:
    """A person with a browser: chooses, sends, reads."""

    @pytest.fixture
    def visit(
        self, tmp_path: Path, report_line: Callable[[str], None]
    ) -> Iterator[browser.Browser]:
        program = browser.find()
        if program is None:
            reason = f"none of {', '.join(browser.NAMES)} is installed"
            report_line(f"upload page in a browser: not tried, {reason}")
            pytest.skip(reason)
        with browser.Browser(program, tmp_path / "profile") as visit:
            yield visit

    def send(self, visit: browser.Browser, file: Path, password: str = "") -> str:
        """Do what a person does; return what the page says in the end."""
        visit.choose("#file", file)
        visit.run(f"document.getElementById('password').value = {password!r}")
        visit.run("document.getElementById('send').click()")
        verdict = "document.getElementById('verdict')"
        visit.wait(f"{verdict}.className !== ''")
        text: str = visit.run(f"{verdict}.textContent")
        visit.run(f"{verdict}.className = ''")
        return text

    @pytest.mark.timeout(240)
    def test_update(
        self,
        flash: Path,
        program: Path,
        version_2: bytes,
        visit: browser.Browser,
        tmp_path: Path,
        report_line: Callable[[str], None],
    ) -> None:
        names = ("good.bin", "unsigned.bin", "short.bin")
        good, unsigned, short = (tmp_path / name for name in names)
        good.write_bytes(signed(version_2))
        unsigned.write_bytes(version_2)
        short.write_bytes(b"x")
        with run_with_password(flash, program) as page:
            visit.open(f"http://{page.host}/")
            visit.wait("!document.getElementById('ask').hidden")
            said = self.send(visit, short, "wrong")
            assert said == f"Refused. {line(Reason.NotAuthorized)}"
            while said == f"Refused. {line(Reason.NotAuthorized)}":
                said = self.send(visit, short, "wrong")
            assert said == f"Refused. {line(Reason.TooManyAttempts)}"
            wait_until_welcome(page)
            said = self.send(visit, unsigned, PASSWORD)
            assert said == f"Refused. {line(Reason.NotSigned)}"
            assert self.send(visit, good, PASSWORD).startswith("Accepted.")
            assert visit.run("document.getElementById('progress').value") == 1
            page.device.wait_for("boot: version 2")
        report_line("upload page in a browser: 3 refusals read there, 1 update")
