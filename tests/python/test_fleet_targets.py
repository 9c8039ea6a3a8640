"""The file of targets: what it may say, what it means, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platformio_secureota.errors import Reason, SecureOTAError, Unusable
from platformio_secureota.fleet import Device, choose, named, plan, read_targets
from platformio_secureota.ota import Connection, Settings, Target

ROOT = Path(__file__).parents[2]

FLEET = """
[defaults]
password_file = "passwords"
port = 8266

[groups.lamps]
connection = "direct"

[groups.old]
allow_weak_password = true
connection = "back"
password_file = "old-password"

[targets.kitchen]
host = "192.168.1.50"
groups = ["lamps"]
canary = true

[targets.hall]
host = "hall.local:3232"
groups = ["lamps", "hall"]
connection = "auto"

[targets.cellar]
groups = ["old"]
port = 1234

[targets]
attic = { host = "mdns:Attic Lamp", allow_weak_password = false }
"""


def read(folder: Path, text: str) -> tuple[Device, ...]:
    path = folder / "fleet.toml"
    path.write_text(text, "utf-8")
    return read_targets(path)


def refused(folder: Path, text: str) -> Unusable:
    with pytest.raises(Unusable) as caught:
        read(folder, text)
    assert caught.value.reason is Reason.Usage
    assert str(folder / "fleet.toml") in caught.value.detail
    return caught.value


def test_all_that_it_may_say(tmp_path: Path) -> None:
    text = FLEET.replace("[targets]\nattic = {", "[targets.attic]\n").replace(" }", "")
    text = text.replace('Lamp", allow', 'Lamp"\nallow')
    kitchen, hall, cellar, attic = read(tmp_path, text)
    assert kitchen == Device(
        name="kitchen",
        target=Target("192.168.1.50", 8266),
        groups=("lamps",),
        canary=True,
        password_file=tmp_path / "passwords",
        connection=Connection.DIRECT,
    )
    assert hall.target == Target("hall.local", 3232)
    assert hall.connection is Connection.AUTO
    assert cellar.target == Target("cellar", 1234)
    assert cellar.password_file == tmp_path / "old-password"
    assert cellar.allow_weak_password is True
    assert attic.target == Target("Attic Lamp", by_service=True)
    assert attic.allow_weak_password is False


def test_what_the_documentation_shows(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "fleet.md").read_text("utf-8")
    shown = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (devices,) = [read(tmp_path, each) for each in shown]
    assert [each.name for each in devices if each.canary] == ["kitchen"]
    assert [each.name for each in choose(devices, groups=["old"])] == ["attic"]


def test_a_line_for_each_is_enough(tmp_path: Path) -> None:
    devices = read(tmp_path, '[targets]\na = { host = "10.0.0.1" }\nb = {}\n')
    assert [(each.name, each.target) for each in devices] == [
        ("a", Target("10.0.0.1")),
        ("b", Target("b")),
    ]


def test_a_folder_of_passwords_has_a_file_by_the_name(tmp_path: Path) -> None:
    (tmp_path / "passwords").mkdir()
    (tmp_path / "passwords" / "a").write_text("secret\n")
    text = '[defaults]\npassword_file = "passwords"\n[targets]\na = {}\nb = {}\n'
    a, b = read(tmp_path, text)
    assert a.password_file == tmp_path / "passwords" / "a"
    assert b.password_file == tmp_path / "passwords"


def test_what_is_particular_wins_over_what_is_common() -> None:
    common = Settings(host_address="10.0.0.9", allow_weak_password=True)
    same = Device("a", Target("a")).settings(common)
    assert same == common
    other = Device("a", Target("a"), allow_weak_password=False, connection=Connection.BACK)
    assert other.settings(common) == Settings(
        host_address="10.0.0.9", allow_weak_password=False, connection=Connection.BACK
    )


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("", "names no target", ""),
        ("[targets]", "names no target", ""),
        ("[targts.a]", "nothing is called 'targts'", "targets"),
        ("[targets.a]\nhots = 'b'", "[targets.a]: nothing is called 'hots'", "host"),
        ("[targets.a]\npasword_file = 'b'", "[targets.a]: nothing", "password_file"),
        ("[targets.a]\npassword = 'b'", "nothing is called 'password'", "password_file"),
        ("[defaults]\ncanary = true\n[targets.a]", "[defaults]: nothing is called 'canary'", ""),
        ("[groups.g]\nhost = 'x'\n[targets.a]\ngroups = ['g']", "[groups.g]: nothing", ""),
        ("[groups.lamp]\n[targets.a]\ngroups = ['lamps']", "in the group 'lamp'", "lamps"),
        ("[targets]\na = 'host'", "[targets.a] must be a table", ""),
        ("targets = 1", "[targets] must be a table", ""),
        ("[targets.a]\nhost = 1", "host must be a string", ""),
        ("[targets.a]\nhost = 'a b'", "is not HOST", ""),
        ("[targets.a]\nhost = ''", "is not HOST", ""),
        ("[targets.a]\nport = 0", "port must be a whole number from 1 to 65535", ""),
        ("[targets.a]\nport = true", "port must be", ""),
        ("[targets.a]\nhost = 'a:1'\nport = 2", "different ports", ""),
        ("[targets.a]\ngroups = 'g'", "groups must be an array of strings", ""),
        ("[targets.a]\ncanary = 1", "canary must be true or false", ""),
        ("[targets.a]\nconnection = 'diret'", "one of auto, direct, back", ""),
        ("[targets.'a b']", "is no name for a target", "without space"),
        ("[targets.'../a']", "is no name for a target", ""),
        ("[targets.'..']", "is no name for a target", ""),
        ("[targets.'']", "is no name for a target", ""),
        (f"[targets.{'a' * 65}]", "is no name for a target", ""),
        ("[targets]\na = { host = 'x' }\nb = { host = 'x' }", "a and b are one target", ""),
        ("[targets.a]\n[targets.a]", "a", ""),
        ("[targets.a", "a", ""),
        (
            "[groups.g]\nport = 1\n[groups.h]\nport = 2\n[targets.a]\ngroups = ['g', 'h']",
            "a: its groups g and h say different port",
            "in the target",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, says: str, hint: str) -> None:
    error = refused(tmp_path, text)
    assert says in error.detail
    assert hint in error.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unusable) as caught:
        read_targets(tmp_path / "no.toml")
    assert caught.value.reason is Reason.FileUnreadable


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    try:
        read(tmp_path, f"[targets.a]\n{text}")
    except SecureOTAError as error:
        assert error.reason is Reason.Usage  # noqa: PT017 - either way out is fine


# -- choosing ------------------------------------------------------------------------------------

DEVICES = (
    Device("kitchen", Target("10.0.0.1"), groups=("lamps", "down")),
    Device("hall", Target("10.0.0.2"), groups=("lamps",), canary=True),
    Device("attic", Target("10.0.0.3")),
)


def names(devices: tuple[Device, ...]) -> list[str]:
    return [each.name for each in devices]


def test_nothing_said_means_all() -> None:
    assert choose(DEVICES) == DEVICES


def test_names_groups_and_addresses() -> None:
    assert names(choose(DEVICES, words=["attic"])) == ["attic"]
    assert names(choose(DEVICES, groups=["lamps"])) == ["kitchen", "hall"]
    assert names(choose(DEVICES, groups=["down"], words=["attic", "kitchen"])) == [
        "kitchen",
        "attic",
    ]
    assert choose(DEVICES, words=["10.0.0.9:1"])[0].target == Target("10.0.0.9", 1)


@pytest.mark.parametrize(
    ("chosen", "near"),
    [({"words": ["kitchn"]}, "kitchen"), ({"groups": ["lamp"]}, "lamps")],
)
def test_a_mistyped_name_is_refused(chosen: dict[str, list[str]], near: str) -> None:
    with pytest.raises(Unusable) as caught:
        choose(DEVICES, **chosen)
    assert caught.value.reason is Reason.Usage
    assert near in caught.value.hint


def test_words_alone() -> None:
    assert names(named(["10.0.0.1", "a.local:1", "10.0.0.1"])) == ["10.0.0.1", "a.local:1"]
    with pytest.raises(Unusable, match="are one target"):
        named(["10.0.0.1", "10.0.0.1:3232"])


def test_marked_canaries_come_first_and_else_the_first_is_one() -> None:
    assert (names(plan(DEVICES).canaries), names(plan(DEVICES).rest)) == (
        ["hall"],
        ["kitchen", "attic"],
    )
    unmarked = (DEVICES[2], DEVICES[0])
    assert (names(plan(unmarked).canaries), names(plan(unmarked).rest)) == (["attic"], ["kitchen"])
