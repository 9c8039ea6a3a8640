"""`secureota upload` to several devices: who gets what, what is shown, and a true exit status."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from announcer import Pretended, announced, own_name, why_no_multicast
from command_line import Shell
from platformio_secureota import container as containers
from platformio_secureota.manifest import ImageKind, Manifest, with_trailer
from stock_device import Behaviour, StockDevice, take_and_say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN = b"\x30\x82" + b"token" * 100
IMAGE = b"image" * 2_000
CONTAINER = containers.build(TOKEN, IMAGE)
OLD = "ab" * 32
QUICK = ("--timeout", "1", "--no-wait")


@pytest.fixture(autouse=True)
def _no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECUREOTA_PASSWORD", raising=False)


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "firmware.signed.bin"
    path.write_bytes(CONTAINER)
    return path


@contextlib.contextmanager
def standing(*behaviours: Behaviour | None) -> Iterator[list[StockDevice]]:
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(StockDevice(behaviour or Behaviour(status=running())))
            for behaviour in behaviours
        ]


def address(device: StockDevice) -> str:
    return f"127.0.0.1:{device.port}"


def targets(folder: Path, devices: dict[str, StockDevice], **more: str) -> Path:
    """A file of targets; `more`: lines for some of them."""
    path = folder / "fleet.toml"
    tables = [
        f'[targets.{name}]\nhost = "{address(device)}"\n{more.get(name, "")}'
        for name, device in devices.items()
    ]
    path.write_text("\n".join(tables), "utf-8")
    return path


def refusing() -> Behaviour:
    return Behaviour(converse=take_and_say(b"NotTrusted: no path\n"), status=running())


def running(digest: str = "", state: str = "confirmed") -> Callable[[int, bytes], str]:
    """What runs is this, and later what was sent."""

    def answer(_number: int, sent: bytes) -> str:
        return f"image={sent.hex() or digest or OLD} state={state} floor=- version=7"

    return answer


NEW = hashlib.sha256(IMAGE).hexdigest()


def test_two_hosts(shell: Shell, image: Path) -> None:
    with standing(None, None) as (first, second):
        a, b = address(first), address(second)
        outcome = shell("upload", image, a, b, *QUICK)
    assert outcome.status == 0
    assert first.received == second.received == CONTAINER
    assert [line.split("\t")[:2] for line in outcome.out.splitlines()] == [
        [a, "updated"],
        [b, "updated"],
    ]
    lines = outcome.err.splitlines()
    assert lines[0] == f"{a}: begins, as canary"
    assert lines[1].startswith(f"[1/2] {a}: updated in ")
    assert lines[2] == f"{b}: begins"


def test_a_canary_that_refuses_keeps_everybody_else_untouched(shell: Shell, image: Path) -> None:
    with standing(refusing(), None, None) as devices:
        outcome = shell("upload", image, *map(address, devices), *QUICK, "--max-failures", 3)
    assert outcome.status == 1
    assert [device.heard for device in devices[1:]] == [[], []]
    assert [device.asked for device in devices[1:]] == [0, 0]
    assert "no further device is begun: the canary failed" in outcome.err
    assert "DevicesFailed: not every device was updated (3 devices: 1 failed, 2 untouched)" in (
        outcome.err
    )
    row = outcome.out.splitlines()[0].split("\t")
    assert row[1] == "failed"
    assert row[3].startswith("NotTrusted: no path leads from the signer")
    assert "NotTrusted: sign with a key whose certificate" in outcome.err


def test_a_silent_device_is_no_refusal(shell: Shell, image: Path) -> None:
    with standing(None, Behaviour(understands=()), None) as devices:
        outcome = shell("upload", image, *map(address, devices), *QUICK, "--parallel", 1)
    assert outcome.status == 2
    assert [line.split("\t")[1] for line in outcome.out.splitlines()] == [
        "updated",
        "failed",
        "untouched",
    ]
    assert "NoAnswer" in outcome.out
    assert devices[2].heard == []


def test_more_failures_may_be_allowed(shell: Shell, image: Path) -> None:
    with standing(None, refusing(), None, refusing(), None) as devices:
        options = ("--parallel", 1, "--max-failures", 2)
        outcome = shell("upload", image, *map(address, devices), *QUICK, *options)
    assert outcome.status == 1
    assert "5 devices: 2 updated, 2 failed, 1 untouched" in outcome.err
    assert devices[4].heard == []


def test_a_file_of_targets(shell: Shell, image: Path) -> None:
    with standing(None, None, None) as (a, b, c):
        file = targets(
            shell.folder,
            {"a": a, "b": b, "c": c},
            a='groups = ["x"]',
            b='groups = ["x"]\ncanary = true',
        )
        assert shell("upload", image, "--targets", file, "--group", "x", *QUICK).status == 0
        assert c.heard == []
        assert shell("upload", image, "--targets", file, "c", *QUICK).status == 0
        assert c.received == CONTAINER
        shell.fails("Usage", "upload", image, "--targets", file, "--group", "y")
        failure = shell.fails("Usage", "upload", image, "--targets", file, "cc")
    assert "the nearest is c" in failure.err


def test_those_that_run_the_image_are_left_alone(shell: Shell, image: Path) -> None:
    there, missing = Behaviour(status=running(NEW)), Behaviour(status=running())
    with standing(there, missing) as (first, second):
        outcome = shell("upload", image, address(first), address(second), "--json", "-")
    assert outcome.status == 0
    assert first.heard == []
    assert second.received == CONTAINER
    found = json.loads(outcome.out)
    assert (found["image"], found["complete"], found["interrupted"]) == (NEW, True, False)
    assert [each["outcome"] for each in found["devices"]] == ["already", "updated"]
    assert [each["version"] for each in found["devices"]] == ["7", "7"]
    assert "updated" in outcome.err  # the table went there


def test_a_canary_is_waited_for_until_it_runs_the_image(shell: Shell, image: Path) -> None:
    def rolls_back(number: int, _sent: bytes) -> str:
        last = " last=ImageRejected" if number > 3 else ""
        return f"image={OLD} state=confirmed floor=-{last}"

    with standing(Behaviour(status=rolls_back), None) as (canary, other):
        outcome = shell("upload", image, address(canary), address(other))
    assert outcome.status == 1
    assert canary.received == CONTAINER
    assert other.heard == []
    assert "NotRunning: " in outcome.out


def test_what_nobody_vouches_for_keeps_no_device_from_its_update(
    shell: Shell, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody without the password says that the image is there already."""
    liar = Behaviour(status=running(NEW), password="sesame", status_password="guess")
    honest = Behaviour(status=running(NEW), password="sesame")
    monkeypatch.setenv("SECUREOTA_PASSWORD", "sesame")
    with standing(honest, liar) as devices:
        outcome = shell("upload", image, *map(address, devices), "--no-wait")
    assert [line.split("\t")[1] for line in outcome.out.splitlines()] == ["already", "updated"]


def test_a_proof_that_can_t_be_checked_is_none(shell: Shell, image: Path) -> None:
    """The device has a password, and it is not set here: whoever answered, nobody can tell."""
    locked = Behaviour(status=running(NEW), password="sesame")
    with standing(locked, None) as devices:
        outcome = shell("upload", image, *map(address, devices), *QUICK)
    assert outcome.status == 2
    assert "PasswordMissing" in outcome.out.splitlines()[0]


def test_each_has_its_own_password_and_settings(shell: Shell, image: Path) -> None:
    passwords = shell.folder / "passwords"
    passwords.mkdir()
    for name in ("a", "b"):
        (passwords / name).write_text(f"sesame {name}\n")
        (passwords / name).chmod(0o600)
    strong = Behaviour(password="sesame a")
    weak = Behaviour(password="sesame b", nonce_digits=32)
    with standing(strong, weak) as (a, b):
        file = targets(shell.folder, {"a": a, "b": b}, b="allow_weak_password = true")
        file.write_text(f'[defaults]\npassword_file = "passwords"\n{file.read_text()}')
        outcome = shell("upload", image, "--targets", file, *QUICK)
    assert outcome.status == 0, outcome
    assert "sesame" not in outcome.out + outcome.err
    assert "weak form: MD5" in outcome.out.splitlines()[1]


def test_the_report_is_a_file(shell: Shell, image: Path) -> None:
    report = shell.folder / "report.json"
    with standing(refusing(), None) as devices:
        shell("upload", image, *map(address, devices), *QUICK, "--json", report)
    found = json.loads(report.read_text("utf-8"))
    assert found["complete"] is False
    assert found["counts"]["failed"] == found["counts"]["untouched"] == 1
    assert found["devices"][0]["reason"] == "NotTrusted"


def test_one_port_of_this_computer_serves_one_device_at_a_time(shell: Shell, image: Path) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with standing(None, None, None, None) as devices:
        outcome = shell("upload", image, *map(address, devices), *QUICK, "--host-port", port)
    assert outcome.status == 0, outcome
    assert "--parallel is 1" in outcome.err


def test_another_product_is_noticed_by_its_announcement(shell: Shell) -> None:
    why = why_no_multicast()
    if why:
        pytest.skip(why)
    wrong = with_trailer(IMAGE, Manifest(ImageKind.APPLICATION, product="door-lock"))
    right = with_trailer(IMAGE, Manifest(ImageKind.APPLICATION, product="kitchen-lamp"))
    path, name = shell.folder / "image", own_name("lamp")
    with standing(None) as (device,), announced(Pretended(name, port=device.port)):
        path.write_bytes(containers.build(TOKEN, wrong))
        outcome = shell.fails("WrongProduct", "upload", path, f"mdns:{name}", status=1)
        assert "the image is for door-lock, the device is kitchen-lamp" in outcome.err
        assert (device.heard, device.asked) == ([], 0)
        path.write_bytes(containers.build(TOKEN, right))
        assert shell("upload", path, f"mdns:{name}").status == 0
    assert device.received == path.read_bytes()


def test_an_interrupted_rollout_goes_on_where_it_stopped(shell: Shell, image: Path) -> None:
    count = 6
    with standing(*[None] * count) as devices:
        file = targets(shell.folder, {f"d{n}": device for n, device in enumerate(devices)})
        report = shell.folder / "report.json"
        upload = ["upload", image, "--targets", file, "--parallel", 1, "--json", report]
        process = subprocess.Popen(
            [sys.executable, "-m", "platformio_secureota", *map(str, upload)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert process.stderr is not None
        while not (line := process.stderr.readline()).startswith("[2/6] d1: updated"):
            assert line, "it ended too early"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        assert process.returncode == 130
        assert "secureota: interrupted" in err
        first = json.loads(report.read_text("utf-8"))
        done = first["counts"]["updated"]
        assert first["interrupted"]
        assert 2 <= done < count
        assert first["counts"]["untouched"] == count - done
        assert [line.split("\t")[1] for line in out.splitlines()] == (
            ["updated"] * done + ["untouched"] * (count - done)
        )
        heard = [list(device.heard) for device in devices]
        assert heard[done:] == [[]] * (count - done)

        again = shell(*upload)
        assert again.status == 0
        second = json.loads(report.read_text("utf-8"))["counts"]
        assert (second["already"], second["updated"]) == (done, count - done)
        assert [device.heard for device in devices][:done] == heard[:done]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--group", "x", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.1:3232"),
        ("10.0.0.1", "10.0.0.2", "--parallel", "0"),
        ("10.0.0.1", "10.0.0.2", "--parallel", "65"),
        ("10.0.0.1", "10.0.0.2", "--max-failures", "0"),
    ],
)
def test_what_is_not_understood(shell: Shell, image: Path, arguments: tuple[str, ...]) -> None:
    shell.fails("Usage", "upload", image, *arguments)


def test_an_unsigned_image_goes_to_nobody(shell: Shell) -> None:
    bare = shell.folder / "firmware.bin"
    bare.write_bytes(IMAGE)
    with standing(None, None) as devices:
        shell.fails("NotSigned", "upload", bare, *map(address, devices), status=1)
    assert [(device.heard, device.asked) for device in devices] == [([], 0)] * 2


def test_a_terminal_gets_bars_and_a_table(image: Path) -> None:
    controller, terminal = pty.openpty()
    slow = Behaviour(converse=take_and_say(b"OK", pace=0.05), status=running())
    with standing(None, slow, refusing()) as devices:
        upload = ["upload", str(image), *map(address, devices), *QUICK]
        process = subprocess.Popen(
            [sys.executable, "-m", "platformio_secureota", *upload],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "TERM": "xterm",
                "COLUMNS": "140",
            },
        )
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # the terminal is gone with its last user
            while True:
                shown += os.read(controller, 4096)
        os.close(controller)
        assert process.wait() == 1
    text = shown.decode("utf-8", "replace")
    assert "(canary)" in text
    assert "all devices" in text
    assert "━" in text
    assert "outcome" in text
    assert "NotTrusted: no path leads" in text
