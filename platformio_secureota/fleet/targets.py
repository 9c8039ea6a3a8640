"""The file of targets (docs/fleet.md): names, where they are, groups, and what is particular.

    [defaults]
    password_file = "passwords"

    [groups.lamps]
    connection = "direct"

    [targets.kitchen]
    host = "kitchen-lamp.local"
    groups = ["lamps"]
    canary = true

What a target says counts first, then what its groups say, then the defaults.  File names are
relative to the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from platformio_secureota import toml_file
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.fleet.device import Device
from platformio_secureota.fleet.selection import nearest, refuse_twins
from platformio_secureota.names import printable
from platformio_secureota.ota import DEFAULT_PORT, Connection, Target
from platformio_secureota.ota.target import MAX_PORT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from platformio_secureota.toml_file import Table

MAX_NAME = 64
"""Characters of a name: it has to fit a line of the report."""

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class _Settings:
    # What may stand at each level; None: not said.
    port: int | None
    password_file: Path | None
    allow_weak_password: bool | None
    connection: Connection | None


def read_targets(path: Path) -> tuple[Device, ...]:
    """Read the file.  Unusable(FileUnreadable, Usage) names what is wrong with it."""
    file = toml_file.read(path)
    try:
        return _parse(file, path.parent)
    except Unusable as cause:
        raise Unusable(cause.reason, f"{path}: {cause.detail}", hint=cause.hint) from cause


def _parse(file: Table, folder: Path) -> tuple[Device, ...]:
    defaults_table = file.table("defaults")
    defaults = _settings(defaults_table, folder)
    defaults_table.finish()
    groups: dict[str, _Settings] = {}
    for name, table in file.table("groups").all_tables():
        groups[name] = _settings(table, folder)
        table.finish()
    devices = [
        _device(_checked(name), table, folder, defaults, groups)
        for name, table in file.table("targets").all_tables()
    ]
    file.finish()
    if not devices:
        raise Unusable(Reason.Usage, "it names no target", hint="write [targets.NAME] tables")
    members = {group for each in devices for group in each.groups}
    for name in groups:
        if name not in members:
            detail = f"no target is in the group {printable(name)!r}"
            raise Unusable(Reason.Usage, detail, hint=nearest(name, members))
    refuse_twins(devices)
    return tuple(devices)


def _settings(table: Table, folder: Path) -> _Settings:
    file = table.text("password_file")
    connection = table.choice("connection", [way.value for way in Connection])
    return _Settings(
        port=table.number("port", 0, least=1, most=MAX_PORT) if table.has("port") else None,
        password_file=folder / file if file else None,
        allow_weak_password=table.flag("allow_weak_password", default=False)
        if table.has("allow_weak_password")
        else None,
        connection=Connection(connection) if connection else None,
    )


def _device(
    name: str, table: Table, folder: Path, defaults: _Settings, groups: dict[str, _Settings]
) -> Device:
    own = _settings(table, folder)
    host = table.text("host", name)
    mine = table.texts("groups")
    canary = table.flag("canary", default=False)
    table.finish()
    theirs = [(group, groups[group]) for group in mine if group in groups]
    port = _first(name, "port", own.port, [(g, s.port) for g, s in theirs], defaults.port)
    target = Target.parse(host, default_port=port or DEFAULT_PORT)
    if own.port is not None and target.port != own.port:
        raise Unusable(Reason.Usage, f"{name}: host and port name different ports")
    files = [(g, s.password_file) for g, s in theirs]
    weak = [(g, s.allow_weak_password) for g, s in theirs]
    ways = [(g, s.connection) for g, s in theirs]
    return Device(
        name=name,
        target=target,
        groups=mine,
        canary=canary,
        password_file=_password_file(
            name, _first(name, "password_file", own.password_file, files, defaults.password_file)
        ),
        allow_weak_password=_first(
            name, "allow_weak_password", own.allow_weak_password, weak, defaults.allow_weak_password
        ),
        connection=_first(name, "connection", own.connection, ways, defaults.connection),
    )


def _first(
    target: str,
    key: str,
    own: _Value | None,
    theirs: Sequence[tuple[str, _Value | None]],
    default: _Value | None,
) -> _Value | None:
    if own is not None:
        return own
    said = [(group, value) for group, value in theirs if value is not None]
    if not said:
        return default
    for group, value in said[1:]:
        if value != said[0][1]:
            detail = f"{target}: its groups {said[0][0]} and {group} say different {key}"
            raise Unusable(Reason.Usage, detail, hint="say it in the target")
    return said[0][1]


def _password_file(name: str, path: Path | None) -> Path | None:
    # In a folder each device has its file, by its name here or (the uploader's rule) by its host.
    if path is not None and path.is_dir() and (path / name).exists():
        return path / name
    return path


def _checked(name: str) -> str:
    # It is a word of command lines, a line of reports and the name of a file.
    good = name.isprintable() and not set(name) & set(' ,/\\:"') and name.strip(".")
    if not good or len(name) > MAX_NAME:
        detail = f"{printable(name)!r} is no name for a target"
        raise Unusable(
            Reason.Usage,
            detail,
            hint=f'up to {MAX_NAME} printable characters without space , / \\ : "',
        )
    return name
