"""Interoperation: the stock host tool with our device, and our tool with a stock device."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING

import pytest

from emulated_device import ROOT, EmulatedDevice, build_version
from flash_file import FlashFile
from owner import PASSWORD, signed, write_anchor
from platformio_secureota import container as containers
from platformio_secureota.cli import main
from stock_device import Behaviour, StockDevice
from stock_host import FILESYSTEM, StockHost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SKETCH = ROOT / "tests" / "device" / "sketches" / "callbacks.cpp"
HOSTS = pytest.mark.parametrize("newer", [False, True], ids=["older", "newer"])


@pytest.fixture(scope="module")
def version_2(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return build_version("2", tmp_path_factory.mktemp("v2") / "firmware").read_bytes()


@pytest.fixture(scope="module")
def sketch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_version("1", tmp_path_factory.mktemp("sketch") / "program", sketch=SKETCH)


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    return tmp_path / "flash"


@pytest.fixture
def anchor(tmp_path: Path) -> str:
    return str(write_anchor(tmp_path / "anchor.der"))


@pytest.fixture
def device(flash: Path, anchor: str) -> Iterator[EmulatedDevice]:
    with EmulatedDevice(flash, "--anchor", anchor) as device:
        yield device


@pytest.fixture
def guarded(flash: Path, anchor: str) -> Iterator[EmulatedDevice]:
    """It asks for a password, and takes no MD5 of it."""
    options = ("--anchor", anchor, "--password-env", "DEVICE_PASSWORD")
    with EmulatedDevice(flash, *options, environment={"DEVICE_PASSWORD": PASSWORD}) as device:
        yield device


@pytest.fixture
def lenient(flash: Path, anchor: str, sketch: Path) -> Iterator[EmulatedDevice]:
    """It stores an MD5 of the password, and takes the MD5 form."""
    hashed = hashlib.md5(PASSWORD.encode(), usedforsecurity=False).hexdigest()
    environment = {"SKETCH_PASSWORD_HASH": hashed, "SKETCH_ALLOWS_MD5": "1"}
    with EmulatedDevice(
        flash, "--anchor", anchor, program=sketch, environment=environment
    ) as device:
        yield device


def assert_untouched(device: EmulatedDevice, flash: Path) -> None:
    assert device.running()
    assert device.count("boot: ") == 1
    assert device.count("erased") == device.count("restarting") == 0
    assert FlashFile(flash).boots == 0
    assert FlashFile(flash).slot(1).state == "empty"


class TestStockHost:
    """It can't sign, and need not: a signed image is a file to it as any other."""

    @HOSTS
    def test_signed_image(self, device: EmulatedDevice, version_2: bytes, *, newer: bool) -> None:
        heard = StockHost(newer=newer).upload(signed(version_2), device.port)
        assert heard.to_invitation == "OK"
        assert heard.accepted
        device.wait_for("boot: version 2 from slot 1")
        device.wait_for("confirmed: ")

    @HOSTS
    def test_unsigned_image(
        self, device: EmulatedDevice, flash: Path, version_2: bytes, *, newer: bool
    ) -> None:
        heard = StockHost(newer=newer).upload(version_2, device.port)
        assert heard.last.startswith("NotSigned: ")
        assert device.wait_for("refused: ").startswith("refused: NotSigned: ")
        assert_untouched(device, flash)

    def test_unsigned_filesystem(
        self, device: EmulatedDevice, flash: Path, version_2: bytes
    ) -> None:
        heard = StockHost(newer=True).upload(version_2, device.port, command=FILESYSTEM)
        assert not heard.accepted
        device.wait_for("refused: ")
        assert_untouched(device, flash)

    def test_password(self, guarded: EmulatedDevice, version_2: bytes) -> None:
        host = StockHost(newer=True, password=PASSWORD)
        heard = host.upload(signed(version_2), guarded.port)
        assert (heard.to_password, heard.last) == ("OK", "OK")
        guarded.wait_for("boot: version 2 from slot 1")

    @HOSTS
    def test_wrong_password(
        self, guarded: EmulatedDevice, flash: Path, version_2: bytes, *, newer: bool
    ) -> None:
        heard = StockHost(newer=newer, password="wrong").upload(signed(version_2), guarded.port)
        assert heard.to_password.startswith("NotAuthorized: ")
        assert_untouched(guarded, flash)

    def test_password_does_not_help_an_unsigned_image(
        self, guarded: EmulatedDevice, flash: Path, version_2: bytes
    ) -> None:
        heard = StockHost(newer=True, password=PASSWORD).upload(version_2, guarded.port)
        assert (heard.to_password, heard.accepted) == ("OK", False)
        assert heard.last.startswith("NotSigned: ")
        assert_untouched(guarded, flash)

    def test_md5_of_the_password_is_refused(
        self, guarded: EmulatedDevice, flash: Path, version_2: bytes
    ) -> None:
        host = StockHost(newer=False, password=PASSWORD)
        heard = host.upload(signed(version_2), guarded.port)
        assert heard.to_password.startswith("NotAuthorized: ")
        assert_untouched(guarded, flash)

    @HOSTS
    def test_md5_of_the_password_where_it_is_allowed(
        self, lenient: EmulatedDevice, version_2: bytes, *, newer: bool
    ) -> None:
        host = StockHost(newer=newer, password=PASSWORD)
        heard = host.upload(signed(version_2), lenient.port)
        assert len(heard.to_invitation) == len("AUTH ") + 32
        assert (heard.to_password, heard.last) == ("OK", "OK")
        lenient.wait_for("boot: version 2 from slot 1")


class TestStockDevice:
    """It takes anything; a signed container is what it gets from us."""

    CONTAINER = containers.build(b"\x30\x82" + b"token" * 100, b"\xe9" + b"image" * 30_000)
    # The RedWax form goes first, for four tenths of this.
    OPTIONS = ("--timeout", "3")

    @pytest.fixture
    def image(self, tmp_path: Path) -> str:
        path = tmp_path / "firmware.signed.bin"
        path.write_bytes(self.CONTAINER)
        return str(path)

    @pytest.mark.parametrize(
        ("behaviour", "options", "warnings"),
        [
            (Behaviour(), (), 1),
            (Behaviour(password=PASSWORD), (), 1),
            (Behaviour(password=PASSWORD, nonce_digits=32), ("--allow-weak-password",), 2),
            (Behaviour(password=PASSWORD, stored_md5=True), ("--allow-weak-password",), 2),
        ],
        ids=["no password", "password", "older password", "stored MD5"],
    )
    def test_gets_the_container_and_we_are_warned(
        self,
        image: str,
        behaviour: Behaviour,
        options: tuple[str, ...],
        warnings: int,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("SECUREOTA_PASSWORD", PASSWORD)
        stock = dataclasses.replace(behaviour, understands=("stock",))
        with StockDevice(stock) as device:
            target = f"127.0.0.1:{device.port}"
            assert main(["upload", image, target, *self.OPTIONS, *options]) == 0
        assert device.received == self.CONTAINER
        assert device.digest_fits
        said = capsys.readouterr()
        assert said.out.startswith("accepted: ")
        assert said.err.count("warning: ") == warnings
        assert "if its firmware checks no signatures, it takes anybody's image" in said.err
        assert PASSWORD not in said.out + said.err
