"""examples/HTTPUpdate as a running device, and a web server that serves it well, badly, or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulated_device import ROOT, EmulatedDevice, Host, build_version
from file_server import PATH, FileServer
from flash_file import FlashFile
from owner import MINUTE, NOW, signed, write_anchor
from platformio_secureota import Reason, container, pki
from platformio_secureota.ota import upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SKETCH = ROOT / "examples" / "HTTPUpdate" / "src" / "main.cpp"
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_version("1", tmp_path_factory.mktemp("http") / "program", sketch=SKETCH)


@pytest.fixture(scope="module")
def version_2(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    output = tmp_path_factory.mktemp("http") / "version-2"
    return build_version("2", output, sketch=SKETCH).read_bytes()


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    return tmp_path / "flash"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        yield server


def run(
    flash: Path, program: Path, server: FileServer, *options: str, path: str = PATH
) -> EmulatedDevice:
    anchor = write_anchor(flash.parent / "anchor.der")
    return EmulatedDevice(
        flash,
        "--anchor",
        str(anchor),
        *options,
        program=program,
        environment={"UPDATE_URL": server.url(path)},
    )


class TestFetched:
    """What is new and signed is installed."""

    def test_update_and_then_nothing_new(
        self, flash: Path, program: Path, version_2: bytes, server: FileServer
    ) -> None:
        server.data = signed(version_2)
        with run(flash, program, server, "--confirm-after", "1000") as device:
            device.wait_for("accepted: ")
            device.wait_for("boot: version 2")
            # Its token says that it runs already; that it could be asked confirms the image.
            device.wait_for("accepted: runs already")
            device.wait_for("looked: nothing new")
            device.wait_for("confirmed: ")
            device.wait_for("looked: nothing new")
            assert device.count("erased") == 1
        assert FlashFile(flash).boots == 1
        first, second, third = server.requests[:3]
        assert "if-none-match" not in first.headers
        assert "if-none-match" not in second.headers  # forgotten with the restart
        assert third.headers["if-none-match"] == '"1"'
        assert first.headers["host"] == server.authority
        assert first.headers["accept-encoding"] == "identity"

    def test_new_file_behind_the_same_address(
        self, flash: Path, program: Path, version_2: bytes, server: FileServer
    ) -> None:
        server.data = signed(program.read_bytes())
        with run(flash, program, server) as device:
            device.wait_for("looked: nothing new")
            device.wait_for("looked: nothing new")
            assert server.requests[1].headers["if-none-match"] == '"1"'
            server.data, server.etag = signed(version_2), '"2"'
            device.wait_for("boot: version 2")

    def test_server_without_entity_tags(
        self, flash: Path, program: Path, server: FileServer
    ) -> None:
        server.data, server.etag = signed(program.read_bytes()), ""
        with run(flash, program, server) as device:
            device.wait_for("looked: nothing new")
            device.wait_for("looked: nothing new")
        assert all("if-none-match" not in request.headers for request in server.requests)

    def test_redirected(
        self, flash: Path, program: Path, version_2: bytes, server: FileServer
    ) -> None:
        server.data = signed(version_2)
        server.answers = {
            "/latest": b"HTTP/1.1 302 Found\r\nLocation: /v2#top\r\nContent-Length: 4\r\n\r\nmoved",
            "/v2": b"HTTP/1.1 301 Moved\r\nlocation:\t" + server.url().encode() + b"\r\n\r\n",
        }
        with run(flash, program, server, path="/latest") as device:
            device.wait_for("boot: version 2")
        assert [request.path for request in server.requests[:3]] == ["/latest", "/v2", PATH]

    def test_interim_answers(
        self, flash: Path, program: Path, version_2: bytes, server: FileServer
    ) -> None:
        data = signed(version_2)
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
        length = f"Content-Length: {len(data)}\r\n\r\n".encode()
        server.answers = {PATH: hints + hints + OK + length + data}
        with run(flash, program, server) as device:
            device.wait_for("boot: version 2")


class TestBroken:
    """A connection that breaks is taken up where it ended, and only of the same file."""

    def test_resumed(
        self, flash: Path, program: Path, version_2: bytes, server: FileServer
    ) -> None:
        server.data = signed(version_2)
        server.breaks = [100, 70_000, 1, 200_000]
        with run(flash, program, server) as device:
            device.wait_for("boot: version 2")
            assert device.count("erased") == 1
            assert device.count("refused") == 0
        assert FlashFile(flash).program(1) == version_2
        asked = [request.headers for request in server.requests[:5]]
        assert [headers.get("range") for headers in asked] == [
            None,
            "bytes=100-",
            "bytes=70100-",
            "bytes=70101-",
            "bytes=270101-",
        ]
        assert [headers.get("if-range") for headers in asked] == [None, *['"1"'] * 4]

    def test_file_that_was_replaced_meanwhile_is_read_from_its_beginning(
        self, flash: Path, program: Path, version_2: bytes, server: FileServer
    ) -> None:
        server.data = signed(version_2 + b"!")
        server.breaks = [150_000]
        with run(flash, program, server) as device:
            server.wait_for_request(1)
            server.data, server.etag = signed(version_2), '"2"'
            device.wait_for("boot: version 2")
        assert FlashFile(flash).program(1) == version_2

    def test_without_a_strong_entity_tag_it_is_over(
        self, flash: Path, program: Path, version_2: bytes, server: FileServer
    ) -> None:
        server.data, server.etag = signed(version_2), 'W/"1"'
        server.breaks = [150_000]
        with run(flash, program, server) as device:
            device.wait_for("refused: ConnectionLost")
            device.wait_for("looked: ConnectionLost")
            device.wait_for("boot: version 2")  # the next look

    def test_server_that_is_gone_for_good(
        self, flash: Path, program: Path, version_2: bytes, server: FileServer
    ) -> None:
        server.data = signed(version_2)
        server.breaks = [100_000, *[0] * 4]
        with run(flash, program, server) as device:
            device.wait_for("looked: ConnectionLost")
            assert len(server.requests) >= 5
        assert FlashFile(flash).boots == 0

    @pytest.mark.parametrize(
        "part",
        [
            b"bytes 99999-{last}/{total}",
            b"bytes 100000-{last}/{more}",
            b"bytes 100000-200000/{total}",
            b"bytes */{total}",
            b"",
        ],
    )
    def test_another_part_than_asked_for(
        self, flash: Path, program: Path, version_2: bytes, server: FileServer, part: bytes
    ) -> None:
        server.data = signed(version_2)
        server.breaks = [100_000]
        total = len(server.data)
        with run(flash, program, server) as device:
            server.wait_for_request(1)
            numbers = {"last": total - 1, "total": total, "more": total + 1}
            value = part.decode().format(**numbers).encode()
            line = b"Content-Range: " + value + b"\r\n" if part else b""
            server.answers = {PATH: b"HTTP/1.1 206 Partial Content\r\n" + line + b"\r\n"}
            device.wait_for("refused: HttpMalformed")


class TestRefused:
    """Whatever else a server sends, the device says why not, and runs on."""

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Reason.NotServed),
            (b"HTTP/1.1 304 Not Modified\r\n\r\n", Reason.NotServed),  # nobody asked whether
            (
                b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/2\r\n\r\nxx",
                Reason.NotServed,
            ),
            (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5, Reason.NotServed),
            (OK + b"\r\n", Reason.NotPlain),
            (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Reason.NotPlain),
            (OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\n", Reason.NotPlain),
            (OK + b"Content-Length: 5\r\n\r\nhello", Reason.NotSigned),
            (OK + b"Content-Length: 0\r\n\r\n", Reason.NotSigned),
            (OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n", Reason.HttpMalformed),
            (OK + b"Content-Length: -1\r\n\r\n", Reason.HttpMalformed),
            (OK + b"X: " + b"x" * 9000, Reason.HttpMalformed),
            (b"HTTP/1.1 302 Found\r\nLocation: /self\r\n\r\n", Reason.TooManyRedirects),
            (b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\n\r\n", Reason.BadUrl),
            (b"HTTP/1.1 302 Found\r\nLocation: //127.0.0.1/\r\n\r\n", Reason.BadUrl),
            (b"HTTP/1.1 302 Found\r\n\r\n", Reason.BadUrl),
            (b"", Reason.ConnectionLost),
            (OK + b"Content-Length: 200\r\n\r\nRedWax/1.00 ", Reason.ConnectionLost),
        ],
    )
    def test_answer(
        self, flash: Path, program: Path, server: FileServer, answer: bytes, reason: Reason
    ) -> None:
        server.answers = {"/self": answer}
        with run(flash, program, server, path="/self") as device:
            line = device.wait_for("refused: ")
            assert line == f"refused: {reason.value}: {reason.sentence}"
            device.wait_for(f"looked: {reason.value}")
            assert device.running()
            assert device.count("erased") == 0
        assert FlashFile(flash).slot(1).state == "empty"

    def test_url(self, flash: Path, program: Path) -> None:
        anchor = write_anchor(flash.parent / "anchor.der")
        options = ("--anchor", str(anchor))
        url = {"UPDATE_URL": "https://127.0.0.1/x"}  # no TLS is spoken here
        with EmulatedDevice(flash, *options, program=program, environment=url) as device:
            device.wait_for("looked: BadUrl")

    def test_strangers_image(
        self, flash: Path, program: Path, version_2: bytes, server: FileServer
    ) -> None:
        stranger = pki.generate(name="stranger", now=NOW - MINUTE)
        server.data = signed(version_2, identity=stranger)
        with run(flash, program, server) as device:
            device.wait_for("refused: NotTrusted")
            assert device.count("erased") == 0

    def test_damaged_image(
        self, flash: Path, program: Path, version_2: bytes, server: FileServer
    ) -> None:
        server.data = signed(version_2)[:-1] + b"!"
        with run(flash, program, server) as device:
            device.wait_for("refused: ImageMismatch")
            assert FlashFile(flash).boots == 0

    def test_replay_in_front_of_rubbish(
        self, flash: Path, program: Path, server: FileServer
    ) -> None:
        token = container.parse(signed(program.read_bytes())).token
        server.data = container.build(token, b"rubbish" * 100)
        with run(flash, program, server) as device:
            device.wait_for("looked: nothing new")
            assert device.count("erased") == 0


def test_image_that_did_not_work_is_not_fetched_over_and_over(
    flash: Path, program: Path, server: FileServer
) -> None:
    server.data = signed(b"#not a program")
    with run(flash, program, server) as device:
        device.wait_for("boot stage: slot 1 was not confirmed; slot 0 runs")
        device.wait_for("looked: ImageNotConfirmed")
        device.wait_for("looked: ImageNotConfirmed")
        assert device.count("erased") == 1


def test_one_update_at_a_time(
    flash: Path, program: Path, version_2: bytes, server: FileServer
) -> None:
    server.data = signed(version_2)
    server.breaks = [100_000, *[0] * 4]  # for some seconds the device tries again
    with run(flash, program, server) as device:
        server.wait_for_request(2)
        with Host(device) as host:
            answer = host.ask(host.stock_invitation(b"x" * 100))
        assert answer == f"Busy: {Reason.Busy.sentence}".encode()[: len(answer)]
        assert answer.startswith(b"Busy: ")
        device.wait_for("looked: ConnectionLost")
        server.data = b""
        upload(signed(version_2), device.target)
        device.wait_for("boot: version 2")
