"""Which devices are meant: by name, by group, by address, or all of a file."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.fleet.device import Device
from platformio_secureota.names import printable
from platformio_secureota.ota import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LIKE_AN_ADDRESS = ".:"
"""A word with one of these is no mistyped name of a file."""


def named(words: Iterable[str]) -> tuple[Device, ...]:
    """Make devices of words like `HOST:PORT` or `mdns:NAME`.  Unusable(Usage)."""
    return _once([Device(word, Target.parse(word)) for word in words])


def choose(
    devices: Sequence[Device], *, words: Sequence[str] = (), groups: Sequence[str] = ()
) -> tuple[Device, ...]:
    """Choose from a file's devices: by their names and groups, all where nothing is said.

    A word that is no name but looks like an address is a device of its own.  Unusable(Usage) for
    other words and groups that nobody is in.
    """
    by_name = {each.name: each for each in devices}
    known_groups = {group for each in devices for group in each.groups}
    for group in groups:
        if group not in known_groups:
            raise _unknown("group", group, known_groups)
    chosen = [each for each in devices if set(groups) & set(each.groups)]
    for word in words:
        if word in by_name:
            chosen.append(by_name[word])
        elif any(mark in word for mark in _LIKE_AN_ADDRESS):
            chosen.append(Device(word, Target.parse(word)))
        else:
            raise _unknown("target", word, by_name)
    return _once(chosen) if words or groups else tuple(devices)


def nearest(word: str, known: Iterable[str]) -> str:
    """Hint at the name that was probably meant."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0)
    return f"the nearest is {printable(found[0])}" if found else ""


def refuse_twins(devices: Iterable[Device]) -> None:
    """Unusable(Usage) if two names mean one target: two uploads to it would hinder each other."""
    seen: dict[Target, str] = {}
    for each in devices:
        if each.target in seen:
            pair = f"{printable(seen[each.target])} and {printable(each.name)}"
            detail = f"{pair} are one target, {printable(str(each.target))}"
            raise Unusable(Reason.Usage, detail, hint="name each device once")
        seen[each.target] = each.name


def _once(devices: Sequence[Device]) -> tuple[Device, ...]:
    unique = tuple({each.name: each for each in devices}.values())
    refuse_twins(unique)
    return unique


def _unknown(what: str, word: str, known: Iterable[str]) -> Unusable:
    return Unusable(
        Reason.Usage,
        f"there is no {what} {printable(word)!r} in the file of targets",
        hint=nearest(word, known),
    )
