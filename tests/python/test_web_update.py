"""examples/WebUpdate as a running device: a browser's upload page, and what strangers send."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from emulated_device import (
    ROOT,
    Host,
    build_version,
    password_answer,
    read_to_end,
)
from flash_file import FILESYSTEM, FlashFile
from owner import MINUTE, NOW, PASSWORD, signed
from platformio_secureota import Reason, pki
from platformio_secureota.manifest import SIZE, ImageKind, Manifest, with_trailer
from upload_page import Page, line, run_page, split

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = with_trailer(b"files" * 30_000, Manifest(ImageKind.FILESYSTEM, ""))
APP = with_trailer(b"no program", Manifest(ImageKind.APPLICATION, ""))
SKETCH = ROOT / "examples" / "WebUpdate" / "src" / "main.cpp"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_version("1", tmp_path_factory.mktemp("web") / "program", sketch=SKETCH)


@pytest.fixture(scope="module")
def version_2(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    output = tmp_path_factory.mktemp("web") / "version-2"
    return build_version("2", output, sketch=SKETCH).read_bytes()


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    return tmp_path / "flash"


@pytest.fixture
def page(flash: Path, program: Path) -> Iterator[Page]:
    with run_page(flash, program) as page:
        yield page


def run_with_password(flash: Path, program: Path) -> object:
    return run_page(flash, program, "--password-env", "DEVICE_PASSWORD", DEVICE_PASSWORD=PASSWORD)


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


def test_filesystem(page: Page, flash: Path) -> None:
    assert page.upload(signed(FILES), X_SecureOTA_Kind="100") == (200, "OK")
    page.device.wait_for("erased filesystem")
    page.device.wait_for("restarting into slot 0")
    page.device.wait_for("listening on ")
    assert FlashFile(flash).read(FILESYSTEM, len(FILES) - SIZE) == FILES[:-SIZE]
    assert page.device.count("erased slot") == 0


def test_one_kind_is_not_taken_for_the_other(page: Page) -> None:
    for image, kind, reason in [
        (FILES, "0", Reason.ImageKindMismatch),
        (APP, "100", Reason.ImageKindMismatch),
        (b"no manifest", "100", Reason.ManifestMissing),
        (APP, "300", Reason.WrongImageKind),
    ]:
        assert page.upload(signed(image), X_SecureOTA_Kind=kind) == (422, line(reason))
        assert page.device.wait_for("refused: ") == f"refused: {line(reason)}"
    assert page.device.count("erased slot") == 0  # the header said so in time


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
    with run_page(flash, program) as page:
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
            page.wait_until_welcome()
            given = self.answer(page, PASSWORD)
            assert page.upload(data, X_SecureOTA_Password=given) == (200, "OK")
            page.device.wait_for("boot: version 2")

    def test_without_one_there_is_no_challenge(self, page: Page) -> None:
        assert page.get("/challenge") == (200, "")
