"""How much of a chip the core takes: a table for each target, with the goal beside it.

    python3 tools/size.py FOLDER TARGET...

FOLDER/TARGET holds what cross.mk made: the objects, and the map of a link that starts at what a
device calls to judge a token.  The first columns are the compiler's output.  "linked" is .text as
firmware has it: what nobody calls is gone, what several objects have is there once, and the linker
has shortened the calls where the target allows that.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import elf_object

CORE = "src/secureota"
AREAS = [".text", ".rodata", ".data", ".bss"]
GOAL = 7 * 1024
GOAL_TARGET = "rv32imc"

# The verification, from the inside out. Each line of a table is under all that stands above it.
#
# What the goal names: DER is read and checked (reader.h has no object of its own), a token is taken
# apart, and verifier.cpp goes through the list of checks.
NAMED = ["der", "timestamp", "verifier"]
# The rest of what RFC 3161 and CMS ask for: with it, all that is not about certificates.
TOKEN = ["gen_time", "signed_attributes", "signer"]
# X.509: certificates, the path to an anchor, and which algorithms and keys may sign. Where this is
# left to the provider of cryptography, the provider's own code stands here.
CERTIFICATES = ["algorithms", "certificate", "path", "trust_store"]

_MAP_BEGINS = "Linker script and memory map"
_PLACED = re.compile(r"^ (\.\S+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (\S+)\.o$", re.MULTILINE)


def compiled(path: Path) -> Counter[str]:
    """Bytes of one object, by area."""
    sizes: Counter[str] = Counter()
    for section in elf_object.read(path).sections:
        if section.area is not None:
            sizes[section.area] += section.size
    return sizes


def linked(link_map: str) -> Counter[str]:
    """Bytes of .text that each object has in the link."""
    sizes: Counter[str] = Counter()
    for name, size, path in _PLACED.findall(link_map.partition(_MAP_BEGINS)[2]):
        if name == ".text" or name.startswith((".text.", ".literal")):
            sizes[Path(path).name] += int(size, 16)
    return sizes


def row(name: str, sizes: Counter[str], in_link: int | None = None, remark: str = "") -> str:
    """One line of the table."""
    numbers = "".join(f"{sizes[area]:>9,}" for area in AREAS)
    return f"  {name:<24}{numbers}{'' if in_link is None else f'{in_link:>10,}'}{remark}"


def table(folder: Path) -> list[str]:
    """All lines for one target."""
    flags = (folder / "flags").read_text(encoding="utf-8").split()
    optimisation = " ".join(flag for flag in flags if flag.startswith(("-O", "-ffunction")))
    objects = {
        source.stem: compiled(folder / CORE / f"{source.stem}.o")
        for source in sorted(Path(CORE).glob("*.cpp"))
    }
    in_link = linked((folder / "verification.map").read_text(encoding="utf-8"))
    lines = [
        f"{folder.name}: {flags[0]} {optimisation}",
        f"  {'':<24}{''.join(f'{area:>9}' for area in AREAS)}{'linked':>10}",
    ]

    def add_group(names: list[str], total: str, counted: list[str]) -> None:
        lines.extend(row(f"{name}.cpp", objects[name], in_link[name]) for name in names)
        size = sum(in_link[name] for name in counted)
        sizes = sum((objects[name] for name in counted), Counter[str]())
        lines.append(row(f"= {total}", sizes, size, against_goal(folder, size)))

    add_group(NAMED, "the four", NAMED)
    add_group(TOKEN, "the token", NAMED + TOKEN)
    add_group(CERTIFICATES, "the whole verification", NAMED + TOKEN + CERTIFICATES)
    rest = sorted(set(objects) - {*NAMED, *TOKEN, *CERTIFICATES})
    lines += [row(f"{name}.cpp", objects[name]) for name in rest]
    lines.append(row("= the core", sum(objects.values(), Counter[str]())))
    return lines


def against_goal(folder: Path, size: int) -> str:
    """What the goal says about it; it is one for a single target."""
    if folder.name != GOAL_TARGET:
        return ""
    return f"  goal: {GOAL:,}, {'met' if size <= GOAL else f'missed by {size - GOAL:,}'}"


def main(arguments: list[str]) -> int:
    """Print the tables of the targets that were compiled."""
    folder, targets = Path(arguments[0]), arguments[1:]
    found = [name for name in targets if (folder / name / "verification.map").exists()]
    for target in found:
        sys.stdout.write("\n".join([*table(folder / target), "", ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
