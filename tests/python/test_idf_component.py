"""The component of ESP-IDF: what CMake hands to ESP-IDF, and whether that is what a chip needs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import platformio_secureota

ROOT = Path(__file__).parents[2]

# Stands where ESP-IDF does: writes down what a component registers, one argument a line.
PROJECT = """\
set(IDF_VERSION_MAJOR {major})
function(idf_component_register)
  list(JOIN ARGN "\\n" arguments)
  file(WRITE "{record}" "${{arguments}}\\n")
endfunction()
include("{root}/CMakeLists.txt")
"""


def registered(folder: Path, major: int) -> dict[str, list[str]]:
    record = folder / "arguments"
    script = folder / "project.cmake"
    script.write_text(PROJECT.format(major=major, record=record, root=ROOT), "utf-8")
    # As ESP-IDF reads it a first time, to learn what the component requires: without a project.
    subprocess.run(["cmake", "-P", script], check=True, cwd=folder)
    found: dict[str, list[str]] = {}
    values: list[str] = []
    for word in record.read_text("utf-8").split():
        if re.fullmatch("[A-Z_]+", word):
            values = found.setdefault(word, [])
        else:
            values.append(word)
    return found


def needed_on_the_chip() -> set[str]:
    """Sources that hold something once the chip's compiler has read their guards."""
    posix = ROOT / "src" / "secureota" / "port" / "posix"
    return {
        str(source.relative_to(ROOT))
        for source in (ROOT / "src").rglob("*.cpp")
        if source.parent != posix or "defined(ARDUINO_ARCH_ESP32) ||" in source.read_text("utf-8")
    }


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
@pytest.mark.parametrize("major", [4, 5, 6])
def test_registers_what_the_chip_needs(tmp_path: Path, major: int) -> None:
    component = registered(tmp_path, major)

    sources = component["SRCS"]
    assert [source for source in sources if not (ROOT / source).is_file()] == []
    assert len(sources) == len(set(sources))
    assert set(sources) == needed_on_the_chip()
    assert component["INCLUDE_DIRS"] == ["src"]
    assert ("esp_partition" in component["PRIV_REQUIRES"]) is (major >= 5)
    assert {"app_update", "mbedtls", "nvs_flash"} <= set(component["PRIV_REQUIRES"])


def test_manifest_tells_the_version_and_asks_for_the_arduino_core() -> None:
    manifest = (ROOT / "idf_component.yml").read_text("utf-8")

    assert f'version: "{platformio_secureota.__version__}"' in manifest
    assert re.search(r"espressif/arduino-esp32:\n\s+version: .*\n\s+require: public", manifest)
