"""The upload page of a running lamp, in a browser: a person chooses, sends, reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest

import browser
from emulated_device import ROOT, build_version
from flash_file import FILESYSTEM, FlashFile
from owner import MINUTE, NOW, OURS, PASSWORD, START, signed
from platformio_secureota import Image, Reason, TrustAnchor, container
from platformio_secureota.identity import to_der
from platformio_secureota.manifest import SIZE, ImageKind, Manifest, with_trailer
from platformio_secureota.pio import facts
from platformio_secureota.sign import request_token
from platformio_secureota.tsa import LocalTSA
from upload_page import line, run_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SKETCH = ROOT / "examples" / "WebUpdate" / "src" / "main.cpp"
LAMP = Manifest(ImageKind.APPLICATION, "lamp", build_time=int(START.timestamp()))
FILES = b"files" * 30_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    anchors = [TrustAnchor.from_der(to_der(OURS.certificate))]
    source = facts.source(anchors=anchors, policies=[], manifest=LAMP)
    (folder / "build_facts.cpp").write_text(source)
    return folder


@pytest.fixture(scope="module")
def program(folder: Path) -> Path:
    return build_version("1", folder / "program", str(folder / "build_facts.cpp"), sketch=SKETCH)


@pytest.fixture(scope="module")
def version_2(folder: Path) -> bytes:
    source = str(folder / "build_facts.cpp")
    program = build_version("2", folder / "version-2", source, sketch=SKETCH).read_bytes()
    return with_trailer(program, LAMP)


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    return tmp_path / "flash"


@pytest.fixture
def visit(tmp_path: Path, report_line: Callable[[str], None]) -> Iterator[browser.Browser]:
    program = browser.find()
    if program is None:
        reason = f"none of {', '.join(browser.NAMES)} is installed"
        report_line(f"upload page in a browser: not tried, {reason}")
        pytest.skip(reason)
    with browser.Browser(program, tmp_path / "profile") as visit:
        yield visit


def send(visit: browser.Browser, file: Path, password: str = "") -> str:
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
    flash: Path,
    program: Path,
    version_2: bytes,
    visit: browser.Browser,
    tmp_path: Path,
    report_line: Callable[[str], None],
) -> None:
    password = ("--password-env", "DEVICE_PASSWORD")
    names = ("good.bin", "unsigned.bin", "short.bin")
    good, unsigned, short = (tmp_path / name for name in names)
    good.write_bytes(signed(version_2))
    unsigned.write_bytes(version_2)
    short.write_bytes(b"x")
    with run_page(flash, program, *password, DEVICE_PASSWORD=PASSWORD) as page:
        visit.open(f"http://{page.host}/")
        visit.wait("!document.getElementById('ask').hidden")
        said = send(visit, short, "wrong")
        assert said == f"Refused. {line(Reason.NotAuthorized)}"
        while said == f"Refused. {line(Reason.NotAuthorized)}":
            said = send(visit, short, "wrong")
        assert said == f"Refused. {line(Reason.TooManyAttempts)}"
        page.wait_until_welcome()
        said = send(visit, unsigned, PASSWORD)
        assert said == f"Refused. {line(Reason.NotSigned)}"
        assert send(visit, good, PASSWORD).startswith("Accepted.")
        assert visit.run("document.getElementById('progress').value") == 1
        page.device.wait_for("boot: version 2")
    report_line("upload page in a browser: 3 refusals read there, 1 update")


def without_hints(image: bytes) -> bytes:
    token, _ = request_token(Image(image), LocalTSA(OURS, clock=lambda: NOW))
    return container.build(token, image)


@pytest.mark.timeout(240)
def test_files_and_products(
    flash: Path,
    program: Path,
    visit: browser.Browser,
    tmp_path: Path,
    report_line: Callable[[str], None],
) -> None:
    def offer(data: bytes) -> str:
        file = tmp_path / "offered.bin"
        file.write_bytes(data)
        return send(visit, file)

    lamps = Manifest(ImageKind.FILESYSTEM, "lamp")
    heater = with_trailer(b"no program", Manifest(ImageKind.APPLICATION, "heater"))
    with run_page(flash, program) as page:
        visit.open(f"http://{page.host}/")
        # Its header says whom it is for; where it does not, the device sees it in the image.
        assert offer(signed(heater)) == "Not sent. The file is for heater; this device is lamp."
        assert page.device.count("refused") == 0
        assert offer(without_hints(heater)) == f"Refused. {line(Reason.WrongProduct)}"
        # What kind of image it is, too.
        for data in (
            signed(with_trailer(FILES, lamps), at=NOW - MINUTE),
            without_hints(with_trailer(FILES[::-1], lamps)),
        ):
            assert offer(data).startswith("Accepted.")
            page.device.wait_for("erased filesystem")
            page.device.wait_for("restarting into slot 0")
            page.device.wait_for("upload page on ")
        assert page.device.count("erased slot") == 1
    assert FlashFile(flash).read(FILESYSTEM, len(FILES) + SIZE) == FILES[::-1] + b"\xff" * SIZE
    report_line("upload page in a browser: 2 products, 2 filesystems")
