"""One verdict: every case of tests/vectors, judged by every verifier, in one table.

    python tools/compare_verdicts.py [--device NAME=PATH]... [--all] [WORD]...

The verifiers are Python's, in process, and each `verify-image` program that is named; without
`--device`, those that `make verdicts` builds, mbedtls 3.6 only where it can be had.  Good tokens
are also shown to OpenSSL and rfc3161-client.  The table has the cases on which somebody disagrees
with what is expected, or, with `--all`, every one; WORDs choose cases by a part of their names.
Exit status 1: somebody's verdict is another one than the corpus expects.
"""

from __future__ import annotations

import argparse
import functools
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "python")]

import vector_judges  # type: ignore[import-not-found]  # noqa: E402 - behind the path above
import vectors  # type: ignore[import-not-found]  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Sequence

OWN_DEVICES = ["device", "device-asan", "device-mbedtls3"]
JOBS = 2
OUTSIDE = {
    "openssl": vector_judges.judge_by_openssl,
    "rfc3161-client": vector_judges.judge_by_rfc3161_client,
}


@dataclass(frozen=True)
class Opinion:
    """What one judge says of one case."""

    text: str
    agrees: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--device", action="append", metavar="NAME=PATH", help="verify-image")
    parser.add_argument("--all", action="store_true", help="also where all agree")
    parser.add_argument("words", nargs="*", metavar="WORD", help="part of a case's name")
    options = parser.parse_args(arguments)
    devices = _devices(parser, options.device)
    words = options.words or [""]
    chosen = [v for v in vectors.load() if any(word in v.name for word in words)]

    judges: dict[str, Callable[[vectors.Vector], Opinion]] = {
        "python": functools.partial(_own_opinion, vectors.judge_by_python),
        **{
            name: functools.partial(_own_opinion, functools.partial(vectors.judge_by_device, path))
            for name, path in devices.items()
        },
        **{name: functools.partial(_outside_opinion, name) for name in OUTSIDE},
    }
    with ThreadPoolExecutor(JOBS) as pool:
        rows = list(pool.map(lambda v: {name: judge(v) for name, judge in judges.items()}, chosen))
    return _report(chosen, rows, everything=options.all)


def _devices(parser: argparse.ArgumentParser, named: list[str] | None) -> dict[str, Path]:
    if named is None:
        programs = {name: ROOT / "build" / name / "verify-image" for name in OWN_DEVICES}
        for name, program in programs.items():
            if not program.is_file():
                sys.stderr.write(f"left out: {name}, which is not built\n")
        named = [f"{name}={program}" for name, program in programs.items() if program.is_file()]
    devices: dict[str, Path] = {}
    for one in named:
        name, equals, path = one.partition("=")
        if not equals or not Path(path).is_file():
            parser.error(f"not a program: {one}")
        devices[name] = Path(path)
    return devices


def _own_opinion(judge: Callable[[vectors.Vector], str], vector: vectors.Vector) -> Opinion:
    verdict = judge(vector)
    return Opinion(verdict, agrees=verdict == vector.expected)


def _outside_opinion(name: str, vector: vectors.Vector) -> Opinion:
    if vector.expected != vectors.ACCEPTED:
        return Opinion("", agrees=True)  # they accept many bad ones: not asked
    complaint = OUTSIDE[name](vector)
    known = vector.outside.get(name)
    if not complaint:
        return Opinion("accepted", agrees=known is None or known.startswith("at times:"))
    return Opinion(f"refuses: {known or complaint}", agrees=known is not None)


def _cell(opinion: Opinion) -> Text:
    return Text(opinion.text) if opinion.agrees else Text(f"{opinion.text} (!)", style="red")


def _report(
    chosen: list[vectors.Vector], rows: list[dict[str, Opinion]], *, everything: bool
) -> int:
    judges = list(rows[0]) if rows else []
    table = Table("case", "expected", *judges, box=box.SIMPLE_HEAD)
    disagreements = dict.fromkeys(judges, 0)
    for vector, opinions in zip(chosen, rows):
        for name, opinion in opinions.items():
            disagreements[name] += not opinion.agrees
        refused_outside = any(opinions[name].text.startswith("refuses") for name in OUTSIDE)
        if everything or refused_outside or not all(o.agrees for o in opinions.values()):
            table.add_row(vector.name, vector.expected, *map(_cell, opinions.values()))
    console = Console(width=None if sys.stdout.isatty() else 200)
    if table.row_count:
        console.print(table)
    good = sum(vector.expected == vectors.ACCEPTED for vector in chosen)
    for name, count in disagreements.items():
        asked = good if name in OUTSIDE else len(chosen)
        console.print(f"{name}: {asked} judged, {count} disagreements", highlight=False)
    return 1 if any(disagreements.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
