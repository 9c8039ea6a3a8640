"""Reading TOML tables: every key is known, and has the type that it should have."""

from __future__ import annotations

from typing import TypeVar

from platformio_secureota.errors import Reason, Unusable

_Value = TypeVar("_Value")


class Table:
    """One table.  What was not asked for by the time of `finish` is a mistake of the writer."""

    def __init__(self, values: object, where: str) -> None:
        """Unusable(Usage) if `values` is no table; `where` names it in messages."""
        if not isinstance(values, dict):
            raise Unusable(Reason.Usage, f"{where} must be a table")
        self._values = dict(values)
        self._where = where

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

    def texts(self, key: str) -> tuple[str, ...]:
        """An array of strings; absent: empty."""
        values = self._take(key, list, [], "an array of strings")
        if not all(isinstance(value, str) for value in values):
            raise self._wrong(key, "an array of strings")
        return tuple(values)

    def has(self, key: str) -> bool:
        """Whether the key is there and not yet taken."""
        return key in self._values

    def table(self, key: str) -> Table:
        """A table inside; absent: empty."""
        return Table(self._values.pop(key, {}), f"[{key}]")

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
            raise Unusable(Reason.Usage, f"{self._where}: nothing is called {key!r}")

    def _take(self, key: str, kind: type[_Value], default: _Value, name: str) -> _Value:
        value = self._values.pop(key, default)
        if not isinstance(value, kind):
            raise self._wrong(key, name)
        return value

    def _wrong(self, key: str, name: str) -> Unusable:
        return Unusable(Reason.Usage, f"{self._where}: {key} must be {name}")
