"""The check of what the core needs from outside finds each thing that a chip can't bring."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "freestanding.py"

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="objects here are not ELF")

HARMLESS = """
#include <string.h>
extern "C" int elsewhere(const char* text, unsigned long long by);
int harmless(const char* text) {
  const size_t size = strlen(text);
  return memcmp(text, text + 1, size) + elsewhere(text, size);
}
"""
ELSEWHERE = 'extern "C" int elsewhere(const char* text, unsigned long long by) { return text[by]; }'

# What a source says, and what must be said about its object.
FAULTS = {
    "operator new": ("int* f() { return new int(1); }", "needs _Znwm"),
    "malloc": ("#include <stdlib.h>\nvoid* f() { return malloc(1); }", "needs malloc"),
    "printf": ('#include <stdio.h>\nvoid f() { printf("x%d", 1); }', "needs printf"),
    "guarded static": (
        "struct S { S(); int a; };\nint f() { static S s; return s.a; }",
        "needs __cxa_guard_acquire",
    ),
    "another's name": ("int g();\nint f() { return g(); }", "needs _Z1gv"),
    "cryptography": ('extern "C" int mbedtls_x();\nint f() { return mbedtls_x(); }', "mbedtls_x,"),
    "static object": (
        "int now();\nextern const int kStart;\nconst int kStart = now();\nint now() { return 1; }",
        "something runs before main()",
    ),
    "variable": (
        "int counter = 1;\nint f() { return ++counter; }",
        "keeps 4 bytes of RAM in .data",
    ),
    "zeroed variable": ("int counter;\nint f() { return ++counter; }", "4 bytes of RAM in .bss"),
}


def compiled(folder: Path, name: str, source: str, *flags: str) -> Path:
    path = folder / f"{name}.cpp"
    path.write_text(source, "ascii")
    command = [
        "g++",
        "-O0",
        "-fno-exceptions",
        "-fno-pie",
        *flags,
        "-c",
        path,
        "-o",
        path.with_suffix(".o"),
    ]
    subprocess.run(command, check=True)
    return path.with_suffix(".o")


def judge(*objects: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, *objects], check=False, capture_output=True, text=True
    )


def test_takes_string_functions_and_what_the_others_define(tmp_path: Path) -> None:
    verdict = judge(compiled(tmp_path, "a", HARMLESS), compiled(tmp_path, "b", ELSEWHERE))

    assert verdict.returncode == 0, verdict.stderr
    assert "2 objects need mbedtls and: memcmp strlen\n" in verdict.stdout


@pytest.mark.parametrize("name", FAULTS)
def test_finds(name: str, tmp_path: Path) -> None:
    source, said = FAULTS[name]

    verdict = judge(compiled(tmp_path, "a", source))

    assert verdict.returncode == 1
    assert said in verdict.stderr


def test_the_provider_is_for_one_file(tmp_path: Path) -> None:
    source, _said = FAULTS["cryptography"]

    assert judge(compiled(tmp_path, "crypto_mbedtls", source)).returncode == 0


def test_reads_32_bits_as_well(tmp_path: Path) -> None:
    compiler = "riscv64-unknown-elf-g++"
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    found = tmp_path / "a.o"
    source = (
        b"long long counter;\nlong long f() { return counter / 3; }\nvoid* g() { return new int; }"
    )
    flags = ["-march=rv32imc", "-mabi=ilp32", "-x", "c++", "-c", "-", "-o", str(found)]
    subprocess.run([compiler, *flags], input=source, check=True)

    verdict = judge(found)

    assert verdict.stderr.splitlines() == [
        f"{tmp_path}: a.o needs _Znwj, which is not on the list of what the core may need",
        f"{tmp_path}: a.o keeps 8 bytes of RAM in .sbss",
    ]


def test_refuses_what_is_no_object(tmp_path: Path) -> None:
    text = tmp_path / "a.o"
    text.write_text("no object", "ascii")

    verdict = judge(text)

    assert verdict.returncode == 1
    assert verdict.stderr == f"{text}: not a little-endian ELF object\n"
