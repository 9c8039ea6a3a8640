"""`make size` reads its numbers off the linker's map and the objects."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "size.py"
CORE = sorted((TOOL.parents[1] / "src" / "secureota").glob("*.cpp"))

# As GNU ld writes it: what was left out comes first, and a long name has a line of its own.
MAP = """\
Discarded input sections

 .text._ZN9secureota8isSha256E
                0x0000000000000000       0x2c build/cross/rv32imc/src/secureota/algorithms.o

Linker script and memory map

 .text          0x0000000000010000        0x8 build/cross/rv32imc/src/secureota/der.o
 .text._ZN9secureota8checkDerENS_5BytesE
                0x0000000000010008      0x100 build/cross/rv32imc/src/secureota/der.o
                                        0x140 (size before relaxing)
 .text._ZN9secureota11verifyTokenE
                0x0000000000010108     0x1b00 build/cross/rv32imc/src/secureota/verifier.o
 .rodata.table  0x0000000000012000       0x48 build/cross/rv32imc/src/secureota/der.o
"""


def compile_core(folder: Path) -> None:
    """An object for each file of the core, with nothing but one variable in it."""
    folder.mkdir(parents=True)
    first, *others = [folder / f"{source.stem}.o" for source in CORE]
    command = ["g++", "-x", "c++", "-c", "-", "-o", str(first)]
    subprocess.run(command, input=b"int counter[4] = {1};", check=True)
    for other in others:
        shutil.copyfile(first, other)


@pytest.mark.skipif(sys.platform == "darwin", reason="objects here are not ELF")
def test_sums_up_what_was_linked(tmp_path: Path) -> None:
    folder = tmp_path / "rv32imc"
    compile_core(folder / "src" / "secureota")
    (folder / "flags").write_text("some-g++ -Wall -Os -ffunction-sections", "ascii")
    (folder / "verification.map").write_text(MAP, "ascii")

    result = subprocess.run(
        [sys.executable, TOOL, tmp_path, "rv32imc", "absent"],
        check=True,
        capture_output=True,
        text=True,
        cwd=TOOL.parents[1],
    )

    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["rv32imc:", "some-g++", "-Os", "-ffunction-sections"]
    assert ["der.cpp", "0", "0", "16", "0", "264"] in lines
    four = "= the four 0 0 48 0 7,176 goal: 7,168, missed by 8"
    assert four.split() in lines
    assert f"= the core 0 0 {16 * len(CORE)} 0".split() in lines
    assert not any("absent" in line for line in lines)
