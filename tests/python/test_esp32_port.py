"""The port to the chip, without the chip: compiled for both Arduino cores, its flash run here."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECLARATIONS = ROOT / "tests" / "device" / "arduino-esp32-declarations"
PORT = ROOT / "src" / "secureota" / "port" / "esp32"
CORES = ("2.0.17", "3.3.x")
STANDARDS = ("gnu++11", "gnu++17")

SOURCES = [
    *PORT.glob("*.cpp"),
    *(ROOT / "src").glob("*.cpp"),
    *(ROOT / "src" / "secureota" / "port" / "posix").glob("*.cpp"),
]
SKETCHES = [
    ROOT / "examples" / "BasicSecureOTA" / "src" / "main.cpp",
    ROOT / "examples" / "SecureOTA-PublicTSA" / "src" / "main.cpp",
    ROOT / "examples" / "HTTPUpdate" / "src" / "main.cpp",
    ROOT / "examples" / "WebUpdate" / "src" / "main.cpp",
    ROOT / "tests" / "device" / "sketches" / "seed.cpp",
]


def compiler(core: str, standard: str, *flags: str) -> list[str]:
    return [
        os.environ.get("CXX", "g++"),
        f"-std={standard}",
        "-fno-exceptions",
        "-fno-rtti",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-DARDUINO=10819",
        "-DARDUINO_ARCH_ESP32",
        "-DESP32",
        f"-I{ROOT / 'src'}",
        f"-I{DECLARATIONS / core}",
        f"-I{DECLARATIONS / 'common'}",
        *shlex.split(os.environ.get("MBEDTLS_CFLAGS", "")),
        *flags,
    ]


@pytest.mark.parametrize("standard", STANDARDS)
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("log_level", [0, 3])
def test_compiles(core: str, standard: str, log_level: int) -> None:
    command = compiler(core, standard, f"-DCORE_DEBUG_LEVEL={log_level}", "-fsyntax-only")
    done = subprocess.run(
        [*command, *map(str, SOURCES + SKETCHES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_other_boards_are_told(tmp_path: Path) -> None:
    sketch = tmp_path / "sketch.cpp"
    sketch.write_text("#include <SecureOTA.h>\n")
    done = subprocess.run(
        ["g++", "-DARDUINO=10819", "-DESP8266", f"-I{ROOT / 'src'}", "-fsyntax-only", sketch],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "SecureOTA runs on ESP32 boards" in done.stderr


def test_ports_are_empty_elsewhere(tmp_path: Path) -> None:
    """Arduino compiles every file under src/, and PlatformIO on a computer does too."""
    shared = {
        "socket",
        "sockets",
        "overlapped_sink",
        "partition_writer",
        "filesystem_sink",
        "tcp_stream",
    }
    posix = [path for path in SOURCES if path.parent.name == "posix" and path.stem not in shared]
    for source, flags in [
        *((path, []) for path in PORT.glob("*.cpp")),
        *((path, ["-DARDUINO=10819", "-DARDUINO_ARCH_ESP32"]) for path in posix),
    ]:
        output = tmp_path / f"{source.stem}.o"
        subprocess.run(["g++", *flags, "-c", str(source), "-o", str(output)], check=True)
        symbols = subprocess.run(["nm", output], check=True, capture_output=True, text=True)
        assert re.findall(r"\s[A-Z]\s", symbols.stdout) == [], source


@pytest.mark.parametrize("core", CORES)
def test_the_core_leaves_the_trial_to_us(core: str, tmp_path: Path) -> None:
    """The core asks a weak function of its own whether it shall confirm before setup() runs."""
    files = {
        "core.c": """
            #include <stdbool.h>
            bool verifyRollbackLater(void) __attribute__((weak));
            bool verifyRollbackLater(void) { return false; }
            bool initArduino(void) { return verifyRollbackLater(); }
        """,
        "sketch.cpp": """
            #include <SecureOTA.h>
            extern "C" bool initArduino();
            void setup() { SecureOTA.begin(); }
            int main() { return initArduino(); }
        """,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    ours = [path for path in SOURCES if path.name == "SecureOTA.cpp"]
    assert ours
    objects = {}
    for source in [*(tmp_path / name for name in files), *ours]:
        command = ["gcc"] if source.suffix == ".c" else compiler(core, "gnu++11")
        objects[source.name] = tmp_path / f"{source.name}.o"
        subprocess.run([*command, "-c", str(source), "-o", objects[source.name]], check=True)
    archives = []
    for name in ("core.c", "SecureOTA.cpp"):
        archives.append(tmp_path / f"lib{name}.a")
        subprocess.run(["ar", "rc", archives[-1], objects[name]], check=True)

    # In this order the linker has seen the weak one first.
    program = tmp_path / "program"
    link = ["g++", str(objects["sketch.cpp"]), *map(str, archives)]
    ignore = ["-Wl,--unresolved-symbols=ignore-all", "-o", str(program)]
    subprocess.run([*link, *ignore], check=True)

    symbols = subprocess.run(["nm", program], check=True, capture_output=True, text=True).stdout
    assert re.search(r" ([TW]) verifyRollbackLater$", symbols, re.MULTILINE)[1] == "T"


@pytest.mark.parametrize("core", CORES)
def test_flash_and_record_over_a_made_up_chip(core: str, tmp_path: Path) -> None:
    others = {"esp32_port", "partition_flash"}
    library = ("floor", "update_record", "error", "der", "algorithms", "crypto_mbedtls")
    run(
        core,
        tmp_path / "esp32_flash",
        ROOT / "tests" / "device" / "esp32_flash.cpp",
        *(path for path in PORT.glob("*.cpp") if path.stem not in others),
        *(ROOT / "src" / "secureota" / f"{name}.cpp" for name in library),
    )


@pytest.mark.parametrize("core", CORES)
def test_filesystem_over_a_made_up_chip(core: str, tmp_path: Path) -> None:
    posix = ROOT / "src" / "secureota" / "port" / "posix"
    run(
        core,
        tmp_path / "esp32_filesystem",
        ROOT / "tests" / "device" / "esp32_filesystem.cpp",
        PORT / "partition_flash.cpp",
        posix / "partition_writer.cpp",
        posix / "filesystem_sink.cpp",
        ROOT / "src" / "secureota" / "error.cpp",
    )


def run(core: str, program: Path, *sources: Path) -> None:
    """Build a program with sanitizers; none of its checks fails."""
    libraries = shlex.split(os.environ.get("MBEDTLS_LIBS", "") or "-lmbedcrypto")
    sanitizers = "-fsanitize=address,undefined"
    command = compiler(core, "gnu++11", sanitizers, "-fno-sanitize-recover=all")
    subprocess.run([*command, *map(str, sources), *libraries, "-o", str(program)], check=True)

    done = subprocess.run([program], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d{2,} passed, 0 failed$", done.stdout, re.MULTILINE), done.stdout
