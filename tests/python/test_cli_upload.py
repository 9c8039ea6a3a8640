"""`secureota upload`: what is shown, and exit statuses that are true."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from platformio_secureota import container as containers
from platformio_secureota.cli import main
from stock_device import Behaviour, StockDevice, take_and_say

CONTAINER = containers.build(b"\x30\x82" + b"token" * 100, b"\xe9" + b"image" * 30_000)
OLD = "ab" * 32
QUICK = ("--timeout", "1.5", "--idle-timeout", "1")


@pytest.fixture(autouse=True)
def _no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECUREOTA_PASSWORD", "SECUREOTA_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def image(tmp_path: Path) -> str:
    path = tmp_path / "firmware.signed.bin"
    path.write_bytes(CONTAINER)
    return str(path)


def address(device: StockDevice) -> str:
    return f"127.0.0.1:{device.port}"


def test_an_accepted_image(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    with StockDevice() as device:
        assert main(["upload", image, address(device)]) == 0
    assert device.received == CONTAINER
    said = capsys.readouterr()
    assert said.out.startswith("accepted: 127.0.0.1 says so, after 150")
    assert "not authenticated" in said.out
    lines = said.err.splitlines()
    assert lines[:2] == ["inviting the device ...", "waiting for the device to connect ..."]
    assert lines[-1] == "100 %"
    assert "warning" not in said.err


def test_a_refused_image(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    behaviour = Behaviour(converse=take_and_say(b"NotTrusted: no path to an anchor\n"))
    with StockDevice(behaviour) as device:
        assert main(["upload", image, address(device)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "secureota: refused: NotTrusted: no path leads from the signer" in said.err
    assert "the device says: no path to an anchor" in said.err


def test_no_verdict(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    with StockDevice(Behaviour(converse=take_and_say(b""))) as device:
        assert main(["upload", image, address(device), *QUICK]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "secureota: error: NoVerdict: " in said.err


def test_no_connection_names_the_port_and_the_next_step(
    image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with StockDevice(Behaviour(connects=False)) as device:
        assert main(["upload", image, address(device), *QUICK]) == 2
    said = capsys.readouterr().err
    assert "the device said yes but could not reach this computer on TCP " in said
    assert "or fix the port with --host-port" in said


def test_an_unsigned_image_is_not_announced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "firmware.bin"
    bare.write_bytes(b"\xe9bare")
    with StockDevice() as device:
        assert main(["upload", str(bare), address(device)]) == 1
    assert device.heard == []
    said = capsys.readouterr().err
    assert "secureota: refused: NotSigned: " in said
    assert "secureota sign" in said


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upload", str(tmp_path / "no.bin"), "127.0.0.1"]) == 2
    assert "FileUnreadable" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["", "a b", "host:", "host:0", "host:65536", "[::1", "host:x"])
def test_a_target_that_is_none(image: str, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upload", image, target]) == 2
    assert "secureota: error: Usage: " in capsys.readouterr().err


def test_the_password_comes_from_the_environment(
    image: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECUREOTA_PASSWORD", "sesame")
    with StockDevice(Behaviour(password="sesame")) as device:
        assert main(["upload", image, address(device)]) == 0
    said = capsys.readouterr()
    assert "sesame" not in said.out + said.err
    assert "warning" not in said.err


def test_a_missing_password_is_named(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    with StockDevice(Behaviour(password="sesame")) as device:
        assert main(["upload", image, address(device), *QUICK]) == 2
    said = capsys.readouterr().err
    assert "PasswordMissing" in said
    assert "SECUREOTA_PASSWORD" in said


def test_a_weak_form_needs_the_option_and_is_told(
    image: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECUREOTA_PASSWORD", "sesame")
    behaviour = Behaviour(password="sesame", nonce_digits=32)
    with StockDevice(behaviour) as device:
        assert main(["upload", image, address(device)]) == 1
        assert "WeakPasswordForm" in capsys.readouterr().err
        assert main(["upload", image, address(device), "--allow-weak-password"]) == 0
    assert "warning: the password was shown in a weak form: MD5" in capsys.readouterr().err


def test_a_stock_device_is_warned_about(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    with StockDevice(Behaviour(understands=("stock",))) as device:
        assert main(["upload", image, address(device), "--timeout", "2.5"]) == 0
    assert "takes anybody's image" in capsys.readouterr().err


def test_a_filesystem_image_and_a_port_of_this_computer(image: str) -> None:
    with StockDevice() as device:
        options = ["--kind", "fs", "--host-port", "0", "--host-address", "127.0.0.1"]
        assert main(["upload", image, address(device), *options]) == 0
    assert device.command == 100


# -- what runs -----------------------------------------------------------------------------------


def runs_what_it_took(state: str = "confirmed") -> Behaviour:
    return Behaviour(
        status=lambda _number, digest: (
            f"image={digest.hex() or OLD} state={state} floor=- product=boiler version=1.2"
        )
    )


def test_an_image_that_runs(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    with StockDevice(runs_what_it_took()) as device:
        assert main(["upload", image, address(device), "--wait"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("accepted: ")
    assert lines[1].startswith("running: 127.0.0.1 runs the new image, confirmed (it has no passw")


def test_an_image_that_is_pending(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    # Confirmed before: else the upload would not begin.
    behaviour = Behaviour(
        status=lambda _number, digest: (
            f"image={digest.hex() or OLD} state={'pending' if digest else 'confirmed'} floor=-"
        )
    )
    with StockDevice(behaviour) as device:
        assert main(["upload", image, address(device), "--wait"]) == 0
    assert "pending: a restart now would bring the previous one back" in capsys.readouterr().out


def test_an_image_that_does_not_run(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    behaviour = Behaviour(
        status=lambda _number, digest: (
            f"image={OLD} state=confirmed floor=-" + (" last=ImageNotConfirmed" if digest else "")
        )
    )
    with StockDevice(behaviour) as device:
        assert main(["upload", image, address(device), "--wait"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "secureota: refused: NotRunning: the device does not run the new image" in said.err


def test_a_device_that_does_not_say_what_it_runs(
    image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with StockDevice() as device:
        assert main(["upload", image, address(device), "--wait"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("accepted: ")
    assert "warning: whether it runs the new image can't be told" in said.err


def test_waits_that_contradict_each_other(image: str) -> None:
    assert main(["upload", image, "127.0.0.1", "--no-wait", "--wait-confirmed"]) == 2


def test_the_status_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with StockDevice(runs_what_it_took()) as device:
        assert main(["status", address(device)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"image    {OLD}",
        "state    confirmed",
        "floor    -",
        "product  boiler",
        "version  1.2",
        "last     -",
        "nobody vouches for this answer",
    ]


def test_the_status_for_machines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    behaviour = runs_what_it_took("pending")
    behaviour.password = "sesame"
    monkeypatch.setenv("SECUREOTA_PASSWORD", "sesame")
    with StockDevice(behaviour) as device:
        assert main(["status", "--json", address(device)]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "image": OLD,
        "state": "pending",
        "floor": None,
        "product": "boiler",
        "version": "1.2",
        "last": None,
        "vouched": True,
    }


def test_a_status_that_the_password_does_not_vouch_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECUREOTA_PASSWORD", "sesame")
    with StockDevice(runs_what_it_took()) as device:
        assert main(["status", address(device), "--timeout", "0.5"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "refused: NotAuthorized: " in said.err


def test_no_status(capsys: pytest.CaptureFixture[str]) -> None:
    with StockDevice() as device:
        assert main(["status", address(device), "--timeout", "0.5"]) == 2
    assert "error: NoAnswer: " in capsys.readouterr().err


# -- on a terminal -------------------------------------------------------------------------------


def on_a_terminal(command: list[str], typed: bytes = b"") -> tuple[int, str]:
    """Run with a terminal on all three; return (exit status, what it showed)."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "platformio_secureota", *command],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm"},
    )
    os.close(terminal)
    shown = b""
    while True:
        try:
            piece = os.read(controller, 4096)
        except OSError:  # the terminal is gone with its last user
            break
        shown += piece
        if b"Password" in piece and typed:
            os.write(controller, typed)
            typed = b""
    os.close(controller)
    return process.wait(), shown.decode("utf-8", "replace")


def test_a_terminal_gets_a_bar(image: str) -> None:
    with StockDevice(Behaviour(converse=take_and_say(b"OK", pace=0.002))) as device:
        status, shown = on_a_terminal(["upload", image, address(device)])
    assert status == 0, shown
    assert "━" in shown
    assert "150.5/150.5 kB" in shown
    assert "accepted: 127.0.0.1" in shown


def test_a_terminal_is_asked_for_the_password_and_does_not_show_it(image: str) -> None:
    with StockDevice(Behaviour(password="sesame")) as device:
        status, shown = on_a_terminal(["upload", image, address(device)], b"sesame\n")
    assert status == 0, shown
    assert "Password of the device: " in shown
    assert "sesame" not in shown
