"""The device's core stays portable: C headers only, no heap of its own, no C++ runtime library.

It must build with the Arduino core's old compiler and in little memory, and an allocation before
verification would be the attacker's to trigger.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src" / "secureota"
SOURCES = sorted(CORE.glob("*.cpp"))
HEADERS = sorted(CORE.glob("*.h"))
OBJECTS = [ROOT / "build/device/obj/src/secureota" / f"{source.stem}.o" for source in SOURCES]

C_HEADERS = {"stddef.h", "stdint.h", "string.h", "limits.h"}
PROVIDER_OF_CRYPTOGRAPHY = {"crypto_mbedtls.cpp", "crypto_psa.h"}

# operator new and delete, std::, exceptions and guards of static objects; the C heap.
# __cxa_pure_virtual stays: it is where a call of an abstract function would end.
RUNTIME_SYMBOL = re.compile(
    r"_?(_Zn[wa]|_Zd[la]|_ZN?K?St|__cxa_(?!pure_virtual)|(malloc|calloc|realloc|free)$)"
)


@pytest.mark.parametrize("file", SOURCES + HEADERS, ids=lambda file: str(file.name))
def test_includes_c_headers_and_its_own_kind(file: Path) -> None:
    for include in re.findall(r"^\s*#\s*include\s+(\S+)", file.read_text("utf-8"), re.MULTILINE):
        name = include.strip('<>"')
        if include.startswith('"'):
            assert (CORE / name).is_file(), f"{include}: not beside the including file"
            assert "/" not in name, f"{include}: the core must not know its ports"
        elif name.startswith(("mbedtls/", "psa/")):
            assert file.name in PROVIDER_OF_CRYPTOGRAPHY
        else:
            assert name in C_HEADERS


def undefined_symbols(object_file: Path) -> list[str]:
    nm = subprocess.run(["nm", "-u", object_file], check=True, capture_output=True, text=True)
    return re.findall(r"^\s*(?:U\s+)?(\S+)$", nm.stdout, re.MULTILINE)


@pytest.mark.parametrize("object_file", OBJECTS, ids=lambda file: str(file.name))
def test_needs_no_heap_and_no_cxx_runtime(object_file: Path) -> None:
    assert object_file.is_file(), "run `make device` first"

    found = [name for name in undefined_symbols(object_file) if RUNTIME_SYMBOL.match(name)]

    assert found == []


def test_links_as_c(tmp_path: Path) -> None:
    """Link every object of the core with the C driver, which knows no C++ library."""
    main = tmp_path / "main.c"
    main.write_text("int main(void) { return 0; }\nvoid __cxa_pure_virtual(void) {}\n", "ascii")
    libraries = shlex.split(os.environ.get("MBEDTLS_LIBS") or "-lmbedcrypto")

    link = ["gcc", str(main), *map(str, OBJECTS), *libraries, "-o", str(tmp_path / "core")]
    result = subprocess.run(link, check=False, capture_output=True, text=True)

    assert result.returncode == 0, result.stderr
