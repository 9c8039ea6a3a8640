"""The two ways to name extra_script.py in platformio.ini, exactly as the README writes them."""

from __future__ import annotations

import re
import shutil
import sys
from typing import TYPE_CHECKING, Callable

import pytest
from conftest import ROOT

from stock_device import StockDevice

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

    NewProject = Callable[..., Project]

FLAGS = re.DOTALL | re.MULTILINE

IN_LIBDEPS = "extra_scripts = post:$PROJECT_LIBDEPS_DIR/$PIOENV/SecureOTA/extra_script.py"

SKETCH = """\
#include <SecureOTA.h>
#include <stdio.h>
#include "secureota/facts.h"

int main() {
  printf("anchors %lu\\n", secureota_trust_anchors_size);
  return 0;
}
"""


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library as a user's checkout has it."""
    folder = tmp_path_factory.mktemp("checkout") / "SecureOTA"
    ignored = shutil.ignore_patterns("__pycache__", ".*", "build", "*.egg-info")
    shutil.copytree(ROOT, folder, ignore=ignored)
    return folder


@pytest.mark.parametrize("scheme", ["file", "symlink"])
def test_as_a_library(keyed: NewProject, library: Path, scheme: str) -> None:
    project = keyed()
    key = f"custom_secureota_signing_key = {project.folder.parent / 'key.pem'}"
    # A project that takes no warning can have it, too.
    flags = "build_flags = -Wall -Wextra -Werror -lmbedcrypto"
    needs = [f"lib_deps = {scheme}://{library}", flags]
    project.ini(key, *needs, script=IN_LIBDEPS if scheme == "file" else "")
    project.write("src/main.cpp", SKETCH)
    with StockDevice() as device:
        project.run("upload", port=f"127.0.0.1:{device.port}").ok()
    assert device.received == project.signed.read_bytes()
    # The generated facts win over the library's weak ones.
    assert int(project.facts()["anchors"]) > 0
    if scheme == "file":
        assert (project.folder / ".pio/libdeps/it/SecureOTA/extra_script.py").is_file()
    assert project.run().ok().steps == []


def test_from_a_plain_path_relative_to_the_project(keyed: NewProject, library: Path) -> None:
    project = keyed()
    shutil.copytree(library, project.folder.parent / "SecureOTA")
    key = f"custom_secureota_signing_key = {project.folder.parent / 'key.pem'}"
    project.ini(key, script="extra_scripts = post:../SecureOTA/extra_script.py")
    assert project.run().ok().steps[-1] == "Signing program"


def test_exactly_as_the_readme_writes_it(keyed: NewProject, library: Path) -> None:
    project = keyed("espressif32")
    (project.folder.parent / "SecureOTA").symlink_to(library)
    blocks = re.findall(r"^```ini\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), FLAGS)
    (ini,) = (block for block in blocks if "extra_scripts" in block)
    # The fixture has no Arduino core.
    ini = ini.replace("framework = arduino\n", "").replace("[env:ota]", "[env:it]")
    project.write("platformio.ini", ini)
    project.run("keygen").ok()
    with StockDevice() as device:
        project.run("upload", port=f"127.0.0.1:{device.port}").ok()
    assert device.received == project.signed.read_bytes()


def test_alone_it_needs_a_python_that_has_the_package(keyed: NewProject) -> None:
    project = keyed()
    shutil.copy(ROOT / "extra_script.py", project.folder)
    key = f"custom_secureota_signing_key = {project.folder.parent / 'key.pem'}"
    project.ini(key, script="extra_scripts = post:extra_script.py")
    project.run().refused("SECUREOTA_PYTHON")
    project.run(SECUREOTA_PYTHON=str(project.folder / "no-python")).refused("SECUREOTA_PYTHON")
    project.run(SECUREOTA_PYTHON=sys.executable, PYTHONPATH="").ok()
    assert project.signed.exists()
