"""Reading TOML files: every key is known, and has the type that it should have."""

from __future__ import annotations

import difflib
import sys
from typing import TYPE_CHECKING, TypeVar

from platformio_secureota.errors import Reason, Unusable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_Value = TypeVar("_Value")


def read(path: Path, *, hint: str = "") -> Table:
    """Read a file.  Unusable: FileUnreadable, with `hint`; Usage for what is no TOML."""
    try:
        return Table(tomllib.loads(path.read_text("utf-8")), "the file")
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}", hint=hint) from cause
    except ValueError as cause:  # what is no UTF-8, and what is no TOML
        raise Unusable(Reason.Usage, f"{path}: {cause}") from cause


class Table:
    """One table.  What was not asked for by the time of `finish` is a mistake of the writer."""

    def __init__(self, values: object, where: str) -> None:
        """Unusable(Usage) if `values` is no table; `where` names it in messages."""
        if not isinstance(values, dict):
            raise Unusable(Reason.Usage, f"{where} must be a table")
        self._values = dict(values)
        self._where = where
        self._known: list[str] = []

    def text(self, key: str, default: str = "") -> str:
        """A string."""
        return self._take(key, str, default, "a string")

    def number(self, key: str, default: int, *, least: int, most: int) -> int:
        """An integer within bounds."""
        value = self._take(key, int, default, "a whole number")
        if isinstance(value, bool) or not least <= value <= most:
            raise self._wrong(key, f"a whole number from {least} to {most}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """A boolean."""
        return self._take(key, bool, default, "true or false")

    def choice(self, key: str, choices: Sequence[str]) -> str:
        """One of these strings; absent: empty."""
        value = self.text(key)
        if value and value not in choices:
            raise self._wrong(key, f"one of {', '.join(choices)}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """An array of strings; absent: empty."""
        values = self._take(key, list, [], "an array of strings")
        if not all(isinstance(value, str) for value in values):
            raise self._wrong(key, "an array of strings")
        return tuple(values)

    def has(self, key: str) -> bool:
        """Whether the key is there and not yet taken."""
        self._known.append(key)
        return key in self._values

    def table(self, key: str) -> Table:
        """A table inside; absent: empty."""
        self._known.append(key)
        return Table(self._values.pop(key, {}), self._inside(key))

    def all_tables(self) -> list[tuple[str, Table]]:
        """All that is left: names with tables."""
        return [(key, self.table(key)) for key in list(self._values)]

    def tables(self, key: str) -> list[Table]:
        """An array of tables; absent: empty."""
        values = self._take(key, list, [], "an array of tables")
        return [Table(value, f"[[{key}]] {n}") for n, value in enumerate(values, start=1)]

    def rest(self) -> dict[str, str]:
        """All that is left: names with strings."""
        return {key: self.text(key) for key in list(self._values)}

    def finish(self) -> None:
        """Unusable(Usage) if there is a key that nobody knows."""
        for key in self._values:
            near = difflib.get_close_matches(key, self._known, n=1, cutoff=0)
            hint = f"the nearest is {near[0]}" if near else ""
            raise Unusable(Reason.Usage, f"{self._where}: nothing is called {key!r}", hint=hint)

    def _take(self, key: str, kind: type[_Value], default: _Value, name: str) -> _Value:
        self._known.append(key)
        value = self._values.pop(key, default)
        if not isinstance(value, kind):
            raise self._wrong(key, name)
        return value

    def _inside(self, key: str) -> str:
        # [targets.kitchen], as it stands in the file.
        outer = self._where[1:-1] + "." if self._where.startswith("[") else ""
        return f"[{outer}{key}]"

    def _wrong(self, key: str, name: str) -> Unusable:
        return Unusable(Reason.Usage, f"{self._where}: {key} must be {name}")
