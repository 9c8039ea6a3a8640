"""The environments of a platformio.ini, read without PlatformIO.

As much of its syntax as says what is signed and for what: sections, `[env]`, `extends` and
`${section.option}`.
"""

from __future__ import annotations

import configparser
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.pio import chips
from platformio_secureota.pio.options import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_REFERENCE = re.compile(r"\$\{([^.{}]+)\.([^{}]+)\}")
_TOKEN_SIZE = re.compile(r"-D\s*SECUREOTA_TOKEN_SIZE=(\w+)")
_MAX_DEPTH = 10
"""Of references within references, and of `extends`; more is a circle."""


@dataclass(frozen=True)
class Environment:
    """One `[env:NAME]`."""

    name: str
    values: Mapping[str, str] = field(repr=False)

    @property
    def signing(self) -> dict[str, str]:
        """Its options that are ours."""
        return {name: text for name, text in self.values.items() if name.startswith(PREFIX)}

    @property
    def target(self) -> chips.Target:
        """For what it builds."""
        platform = self.values.get("platform", "")
        # "espressif32@6.1.0", "platformio/espressif32", or pioarduino's archive.
        name = next(
            (known for known in ("espressif32", "espressif8266") if known in platform), platform
        )
        sizes = _TOKEN_SIZE.findall(self.values.get("build_flags", ""))
        size = chips.size(sizes[-1]) if sizes else 0
        return chips.Target(name.strip(), self.values.get("framework", ""), size)


def environments(project: Path) -> list[Environment]:
    """Every environment of the project that uses us.  Unusable(FileUnreadable or Usage)."""
    path = project / "platformio.ini"
    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(" ;", " #"))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names as they are written
    try:
        parser.read_string(path.read_text("utf-8"))
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
    except (UnicodeDecodeError, configparser.Error) as cause:
        line = str(cause).splitlines()[0]
        raise Unusable(Reason.Usage, f"{path} is not understood: {line}") from cause
    names = [name[len("env:") :] for name in parser.sections() if name.startswith("env:")]
    found = [Environment(name, dict(_values(parser, f"env:{name}"))) for name in names]
    return [one for one in found if one.signing or _runs_us(one)]


def _runs_us(environment: Environment) -> bool:
    return "extra_script.py" in environment.values.get("extra_scripts", "")


def _values(parser: configparser.RawConfigParser, section: str) -> Iterator[tuple[str, str]]:
    for name, value in _own(parser, section, _MAX_DEPTH).items():
        yield name, _resolved(parser, value, _MAX_DEPTH)


def _own(parser: configparser.RawConfigParser, section: str, depth: int) -> dict[str, str]:
    # What stands in `extends` counts for less than the section, and [env] for least.
    values = dict(parser.items("env")) if parser.has_section("env") else {}
    if not parser.has_section(section) or depth == 0:
        return values
    for parent in re.split(r"[,\n]", parser.get(section, "extends", fallback="")):
        if parent.strip():
            values.update(_own(parser, parent.strip(), depth - 1))
    values.update(parser.items(section))
    return values


def _resolved(parser: configparser.RawConfigParser, value: str, depth: int) -> str:
    def referred(match: re.Match[str]) -> str:
        text = parser.get(match.group(1), match.group(2), fallback=match.group(0))
        return _resolved(parser, text, depth - 1) if depth else text

    return _REFERENCE.sub(referred, value)
