"""Leave out each check of each verifier in turn, and see which vectors notice.

    .venv/bin/python tests/evidence [--write docs/verification-evidence.md] [--only WORD]

Works on copies in build/evidence.  A removal that no vector notices is an error: exit status 1.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from removals import REMOVALS, Edit, Removal

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = ROOT / "build/evidence"
VECTORS = ROOT / "tests/vectors"
FLAGS = ["-std=gnu++11", "-fno-exceptions", "-fno-rtti", "-O0", "-w", "-Isrc"]
LIBRARIES = ["-lmbedcrypto"]
PROGRAM = "tests/device/verify_image.cpp"

JUDGE = """
import json, sys
sys.path.insert(0, sys.argv[1])
sys.path.insert(0, sys.argv[2])
import vectors
for vector in vectors.load():
    try:
        verdict = vectors.judge_by_python(vector)
    except Exception as error:
        verdict = type(error).__name__
    print(json.dumps([vector.name, verdict]))
"""


@dataclass(frozen=True)
class Row:
    """Who noticed one removal."""

    removal: Removal
    python: list[str]
    device: list[str]


def apply(edits: tuple[Edit, ...], tree: Path) -> set[str]:
    """Make the replacements; an entry that no longer fits the sources is an error.

    Returns the files that were changed.
    """
    changed: set[str] = set()
    for edit in edits:
        texts = {path: path.read_text(encoding="utf-8") for path in tree.glob(edit.files)}
        found = [path for path, text in texts.items() if edit.old in text]
        if len(found) != 1 or texts[found[0]].count(edit.old) != edit.count:
            message = f"{[str(path) for path in found]} have {edit.old!r}"
            raise SystemExit(message)
        new = texts[found[0]].replace(edit.old, edit.new)
        found[0].write_text(new, encoding="utf-8")
        changed.add(str(found[0].relative_to(tree)))
    return changed


def copy(tree: Path, *names: str) -> None:
    """A copy of those parts of the sources."""
    shutil.rmtree(tree, ignore_errors=True)
    for name in names:
        ignored = shutil.ignore_patterns("__pycache__", "*.o")
        shutil.copytree(ROOT / name, tree / name, ignore=ignored)


def expected() -> dict[str, str]:
    """Name to "accepted" or the Reason."""
    cases = json.loads((VECTORS / "cases.json").read_text(encoding="utf-8"))
    return {case["name"]: case["reason"] or "accepted" for case in cases}


def judge_python(removal: Removal, number: int) -> list[str]:
    """Names of the cases that the changed host verifier gets wrong."""
    tree = WORK / f"python-{number}"
    copy(tree, "platformio_secureota")
    apply(removal.python, tree)
    command = [sys.executable, "-c", JUDGE, str(tree), str(ROOT / "tests/python")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    verdicts = dict(json.loads(line) for line in done.stdout.splitlines())
    shutil.rmtree(tree)
    return [name for name, verdict in expected().items() if verdicts[name] != verdict]


def sources(tree: Path) -> list[str]:
    """What verify-image is made of."""
    parts = [*tree.glob("src/secureota/*.cpp"), *tree.glob("src/secureota/port/posix/*.cpp")]
    return sorted(str(part.relative_to(tree)) for part in [*parts, *tree.glob("src/*.cpp")])


def compile_one(tree: Path, source: str) -> str:
    """Compile one file unless its object is there."""
    target = tree / (source.replace("/", "_") + ".o")
    if not target.exists():
        command = ["g++", *FLAGS, "-c", source, "-o", str(target)]
        subprocess.run(command, cwd=tree, check=True)
    return str(target)


def build(tree: Path) -> Path:
    """The verify-image of this tree."""
    objects = [compile_one(tree, source) for source in [*sources(tree), PROGRAM]]
    program = tree / "verify-image"
    subprocess.run(["g++", *objects, *LIBRARIES, "-o", str(program)], check=True)
    return program


def judge_device(removal: Removal, number: int, base: Path) -> list[str]:
    """Names of the cases that the changed device verifier gets wrong."""
    tree = WORK / f"device-{number}"
    copy(tree, "src", "tests/device")
    changed = apply(removal.device, tree)
    headers = any(name.endswith(".h") for name in changed)
    for source in [*sources(tree), PROGRAM]:
        name = source.replace("/", "_") + ".o"
        if not headers and source not in changed:
            os.link(base / name, tree / name)
    sys.path.insert(0, str(ROOT / "tests/python"))
    import vectors  # noqa: PLC0415 - the loader of the tests

    program = build(tree)
    wrong = [
        vector.name
        for vector in vectors.load()
        if vectors.judge_by_device(program, vector) != vector.expected
    ]
    shutil.rmtree(tree)
    return wrong


def judge(numbered: tuple[int, Removal], base: Path) -> Row:
    """Both sides of one removal."""
    number, removal = numbered
    row = Row(removal, judge_python(removal, number), judge_device(removal, number, base))
    sys.stderr.write(f"{removal.check:>3} {removal.what}: {len(row.python)}, {len(row.device)}\n")
    return row


def table(rows: list[Row]) -> str:
    """The rows as Markdown: for each side how many vectors noticed, and one of them."""

    def cell(names: list[str], check: str) -> str:
        aimed = [name for name in names if name.startswith(f"{check}-")]
        return f"{len(names)}: `{(aimed or names)[0]}`" if names else "**none**"

    lines = ["| # | left out | host: vectors that notice | device |", "|---|---|---|---|"]
    lines += [
        f"| {row.removal.check} | {row.removal.what} | {cell(row.python, row.removal.check)} "
        f"| {cell(row.device, row.removal.check)} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    base = WORK / "device-base"
    copy(base, "src", "tests/device")
    build(base)
    chosen = [(i, each) for i, each in enumerate(REMOVALS) if arguments.only in each.what]
    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(lambda numbered: judge(numbered, base), chosen))
    text = table(rows)
    if arguments.write:
        page = arguments.write.read_text(encoding="utf-8")
        head, _, _ = page.partition("| # |")
        arguments.write.write_text(head + text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    unnoticed = [row for row in rows if not row.python or not row.device]
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
