"""What the core's objects need from outside, held to a short list.

    python3 tools/freestanding.py OBJECT...

The objects are one program without its edges.  What none of them defines must be on the list below;
nothing may run before main(), and nothing may lie in RAM.  Exit status 1, and a line for each thing
found, otherwise: a chip's toolchain need not have a C++ library, and memory that is allocated
before a token is judged would be a stranger's to spend.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import elf_object

# The one file that may call the provider of cryptography.
PROVIDER = "crypto_mbedtls.o"
PROVIDED = re.compile(r"mbedtls_\w+|psa_crypto_init")

ALLOWED = {
    # <string.h>: none of these allocates.
    "memcmp",
    "memcpy",
    "memmove",
    "memset",
    "strchr",
    "strlen",
    # Where the call of an abstract function would end. A weak name: without a C++ library it links.
    "__cxa_pure_virtual",
}

# Arithmetic that a chip has no instruction for; it comes with every C compiler (libgcc).
ARITHMETIC = re.compile(
    r"__u?(div|mod|mul|divmod)[sd]i[34]|__umulsidi3"  # xtensa lx106, RISC-V, x86
    r"|__(lshr|ashr|ashl)di3|__clz[sd]i2"
    r"|__aeabi_(u?idiv(mod)?|u?ldivmod|lmul|l(lsl|lsr|asr)|u?lcmp)"  # Arm: 64 bits, division
    r"|__gnu_thumb1_case_\w+"  # a switch, on cores that have no table branch
)

# Constructors of static objects: a table of them, in whatever way the target keeps it.
STARTUP = re.compile(r"\.((pre)?init_array|fini_array|ctors|dtors|text\.startup)\b")


def needs(objects: dict[str, elf_object.ElfObject]) -> dict[str, list[str]]:
    """Which object needs what from outside, by name."""
    defined = frozenset().union(*(found.defined for found in objects.values()))
    return {name: sorted(found.undefined - defined) for name, found in objects.items()}


def is_allowed(symbol: str, file: str) -> bool:
    """Whether this file may need this symbol."""
    if file == PROVIDER and PROVIDED.fullmatch(symbol):
        return True
    return symbol in ALLOWED or ARITHMETIC.fullmatch(symbol) is not None


def faults(objects: dict[str, elf_object.ElfObject]) -> list[str]:
    """One line for each thing that does not belong there."""
    found = [
        f"{file} needs {symbol}, which is not on the list of what the core may need"
        for file, symbols in needs(objects).items()
        for symbol in symbols
        if not is_allowed(symbol, file)
    ]
    for file, content in objects.items():
        for section in content.sections:
            if section.size == 0:
                continue
            if STARTUP.match(section.name):
                found.append(f"{file} has {section.name}: something runs before main()")
            elif section.area in {".data", ".bss"}:
                found.append(f"{file} keeps {section.size} bytes of RAM in {section.name}")
    return found


def main(arguments: list[str]) -> int:
    """Judge the objects; say what they need."""
    paths = [Path(argument) for argument in arguments]
    if not paths:
        sys.stderr.write("usage: freestanding.py OBJECT...\n")
        return 2
    try:
        objects = {path.name: elf_object.read(path) for path in paths}
    except elf_object.NotElf as error:
        sys.stderr.write(f"{error}\n")
        return 1
    wrong = faults(objects)
    for line in wrong:
        sys.stderr.write(f"{paths[0].parent}: {line}\n")
    if wrong:
        return 1
    outside = {symbol for symbols in needs(objects).values() for symbol in symbols}
    listed = " ".join(sorted(name for name in outside if not PROVIDED.fullmatch(name)))
    sys.stdout.write(f"{paths[0].parent}: {len(objects)} objects need mbedtls and: {listed}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
