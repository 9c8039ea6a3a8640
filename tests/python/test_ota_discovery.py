"""Finding devices by what they announce, with real announcements in this machine's network."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from announcer import Pretended, announced, own_name, why_no_multicast
from command_line import Shell
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.ota import Target, discovery
from platformio_secureota.ota.target import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platformio_secureota.ota.discovery import Announcement

PATIENCE = 5.0

LAMP = Pretended(own_name("lamp"), port=8266, ip="127.0.0.9")
STOCK = Pretended(
    own_name("stock"), {b"board": b"nodemcu", b"auth_upload": b"no", b"tcp_check": b"no"}
)
SPACED = Pretended(own_name("K\u00fcche Lampe.2"), port=8267)
EVIL = Pretended(
    # Right-to-left override, and what some terminals take for ESC [.
    own_name("evil\u202e\u009b2J"),
    {b"product": b"\x1b]0;owned\x07lamp", b"version": b"1\t2\xff" + b"9" * 200},
)
MARKUP = Pretended(own_name("[bold]lamp"))
VAGUE = [
    Pretended(own_name("vague"), {b"secure": value})
    for value in (b"", None, b"no", b"YES", b"yes\n", b"1")
]


@pytest.fixture(scope="module", autouse=True)
def _network() -> Iterator[None]:
    why = why_no_multicast()
    if why:
        pytest.skip(why)
    with announced(LAMP, STOCK, SPACED, EVIL, MARKUP, *VAGUE):
        yield


@pytest.fixture(scope="module")
def found(_network: None) -> dict[str, Announcement]:
    return {each.name: each for each in discovery.browse(timeout=2.0)}


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def test_what_a_device_announces(found: dict[str, Announcement]) -> None:
    lamp = found[LAMP.name]
    assert (lamp.ip, lamp.port) == ("127.0.0.9", 8266)
    assert (lamp.product, lamp.version, lamp.board) == ("kitchen-lamp", "1.4.2", "esp32dev")
    assert lamp.secure
    assert lamp.password
    assert lamp.host.endswith(".local")


def test_a_stock_device(found: dict[str, Announcement]) -> None:
    stock = found[STOCK.name]
    assert (stock.product, stock.version) == ("", "")
    assert not stock.secure
    assert not stock.password


def test_what_is_no_yes(found: dict[str, Announcement]) -> None:
    assert [found[each.name].secure for each in VAGUE] == [False] * len(VAGUE)


def test_they_come_sorted(found: dict[str, Announcement]) -> None:
    assert list(found) == sorted(found, key=str.lower)
    assert SPACED.name in found


def test_a_service_is_a_target() -> None:
    address = resolve(Target.parse(f"mdns:{SPACED.name}"), timeout=PATIENCE)
    assert address.sockaddr == ("127.0.0.1", 8267)
    assert address.product == "kitchen-lamp"


@pytest.mark.parametrize("name", ["secureota-nobody", "a" * 63])
def test_a_service_that_is_not_there(name: str) -> None:
    with pytest.raises(Unusable) as caught:
        resolve(Target.parse(f"mdns:{name}"), timeout=0.3)
    assert caught.value.reason is Reason.NoAnswer
    assert "secureota devices" in caught.value.hint


def test_the_list(shell: Shell) -> None:
    outcome = shell("devices", "--timeout", "2")
    assert outcome.status == 0
    assert f"{LAMP.name}\t127.0.0.9\t8266\tkitchen-lamp\t1.4.2\tyes" in outcome.out.splitlines()
    # What a stranger announces is shown and not obeyed.
    assert not set(outcome.out) & set("\x1b\x07\u202e\u009b")
    (line,) = [line for line in outcome.out.splitlines() if "evil" in line]
    name, _, _, product, version, _ = line.split("\t")
    assert name.startswith("evil\\u202e\\x9b2J-")
    assert (product, version[:4], len(version)) == ("]0;owned lamp", "1 2 ", 160)


def test_the_list_for_machines(shell: Shell) -> None:
    listed = json.loads(shell("devices", "--timeout", "2", "--json").out)
    (lamp,) = [each for each in listed if each["name"] == LAMP.name]
    assert (lamp["ip"], lamp["port"], lamp["secure"]) == ("127.0.0.9", 8266, True)


def test_a_terminal_gets_a_table() -> None:
    controller, terminal = pty.openpty()
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "TERM": "xterm",
        "COLUMNS": "160",
    }
    status = subprocess.run(
        [sys.executable, "-m", "platformio_secureota", "devices", "--timeout", "2"],
        stdout=terminal,
        stderr=subprocess.DEVNULL,
        env=environment,
        check=False,
    ).returncode
    os.close(terminal)
    shown = ""
    with contextlib.suppress(OSError):  # the terminal is gone with its last user
        while True:
            shown += os.read(controller, 65536).decode()
    os.close(controller)
    assert status == 0
    assert "product" in shown
    assert MARKUP.name in shown
