"""The one image that goes out unsigned: who gets it, who never does, and what comes of it."""

from __future__ import annotations

import dataclasses
import re
import threading
from typing import TYPE_CHECKING

import pytest

from command_line import Shell
from emulated_device import PROGRAM, EmulatedDevice
from owner import signed, write_anchor
from platformio_secureota import container
from platformio_secureota.errors import Reason, Refused, SecureOTAError, Unusable
from platformio_secureota.ota import Settings, Target, Timeouts
from platformio_secureota.ota.first_image import FirstImage, send_first_image
from stock_device import Behaviour, StockDevice

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = b"\xe9firmware that can say OlderThanFloor" + bytes(200_000)
SETTINGS = Settings(timeouts=Timeouts(invitation=4.0, back=8.0, late_refusal=0.2))
HASTY = dataclasses.replace(SETTINGS, timeouts=Timeouts(invitation=2.0, back=1.5, late_refusal=0.2))


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def stock(**more: object) -> Behaviour:
    """A device with the stock library: it stays silent at whatever it does not know."""
    return Behaviour(understands=("stock",), **more)  # type: ignore[arg-type]


def send(device: StockDevice, image: bytes = IMAGE, settings: Settings = SETTINGS) -> FirstImage:
    return send_first_image(image, Target("127.0.0.1", device.port), settings=settings)


def failure(device: StockDevice, image: bytes = IMAGE) -> SecureOTAError:
    with pytest.raises(SecureOTAError) as caught:
        send(device, image, HASTY)
    return caught.value


def test_the_plain_image_reaches_a_stock_device() -> None:
    device = StockDevice()

    def status(_number: int, _digest: bytes) -> str | None:
        return "image=- state=confirmed floor=-" if device.received else None

    device.behaviour = stock(status=status)
    with device:
        moved = send(device)
    assert device.received == IMAGE
    assert device.digest_fits
    assert moved.status.confirmed


def test_a_device_that_does_not_come_back_is_not_called_secured() -> None:
    with StockDevice(stock()) as device:
        error = failure(device)
    assert error.reason is Reason.NotRunning
    assert device.received == IMAGE


@pytest.mark.parametrize("answer", [b"OK", b"Busy: another update is under way"])
def test_whoever_answers_the_signed_form_gets_nothing(answer: bytes) -> None:
    with StockDevice(Behaviour(answer=answer, connects=False)) as device:
        error = failure(device)
    assert error.reason is Reason.AlreadySecured
    assert isinstance(error, Refused)
    assert all(line.startswith("RedWax/") for line in device.heard)


def test_a_signed_device_with_a_password_gets_nothing() -> None:
    with StockDevice(Behaviour(password="secret", connects=False)) as device:
        assert failure(device).reason is Reason.AlreadySecured


def test_whoever_knows_the_question_gets_nothing() -> None:
    told = "image=- state=confirmed floor=-"
    with StockDevice(stock(status=lambda _number, _digest: told)) as device:
        assert failure(device).reason is Reason.AlreadySecured
    assert device.heard == []


def test_a_real_secured_device_gets_nothing(tmp_path: Path) -> None:
    anchor = write_anchor(tmp_path / "anchor.der")
    with EmulatedDevice(tmp_path / "flash", "--anchor", str(anchor)) as device:
        with pytest.raises(Refused) as caught:
            send_first_image(PROGRAM.read_bytes(), device.target, settings=SETTINGS)
        assert caught.value.reason is Reason.AlreadySecured
        assert device.count("erased") == 0


def test_an_image_that_would_not_secure_the_device_is_not_sent() -> None:
    with StockDevice(stock()) as device:
        error = failure(device, b"\xe9firmware with the stock library")
    assert error.reason is Reason.NotSigned
    assert "SecureOTA.h" in error.hint
    assert device.heard == []


def test_a_signed_image_is_not_sent() -> None:
    with StockDevice(stock()) as device:
        error = failure(device, container.build(b"\x30\x82" + bytes(300), IMAGE))
    assert isinstance(error, Unusable)
    assert error.reason is Reason.Usage
    assert device.heard == []


def test_the_whole_move(tmp_path: Path, run: Shell) -> None:
    """A stock device takes the real firmware, restarts into it, and then takes signed ones only."""
    anchor = write_anchor(tmp_path / "anchor.der")
    firmware = tmp_path / "firmware.bin"
    firmware.write_bytes(PROGRAM.read_bytes())
    done = threading.Event()
    old = StockDevice(stock())
    said: list[str] = []

    def restart_into_what_came() -> None:
        # What a restart does to a chip: the same address, another firmware.
        port = old.port
        with old:
            while not old.digest_fits and not done.wait(0.02):
                pass
        arrived = tmp_path / "arrived"
        arrived.write_bytes(old.received)
        arrived.chmod(0o755)
        new = EmulatedDevice(
            tmp_path / "flash", "--anchor", str(anchor), program=arrived, port=port
        )
        with new:
            done.wait()
            said.extend(new.lines)

    device = threading.Thread(target=restart_into_what_came)
    device.start()
    address = f"127.0.0.1:{old.port}"
    try:
        moved = run("send-first-image-unsigned", firmware, address)
        run.fails("AlreadySecured", "send-first-image-unsigned", firmware, address, status=1)
        signed_file = tmp_path / "signed.bin"
        signed_file.write_bytes(signed(PROGRAM.read_bytes()))
        updated = run("upload", signed_file, address)
    finally:
        done.set()
        device.join()
    assert moved.status == 0, moved.err
    assert re.search(r"accepted: 127\.0\.0\.1 took it .* send a signed update now", moved.out)
    assert updated.status == 0, updated.err
    assert said
