"""A PlatformIO core that asks no registry for anything.

    python tools/hermetic_core.py CORE_DIR

PlatformIO downloads its build engine (the package tool-scons) and its development platforms when a
project first needs them.  This makes a core directory that has them already: SCons from PyPI, in
the form that PlatformIO looks for, and the small platforms of tests/fixtures/platforms.  With
PLATFORMIO_CORE_DIR=CORE_DIR, PLATFORMIO_SETTING_ENABLE_TELEMETRY=no and
PLATFORMIO_DISABLE_UPGRADE_CHECK=true, `pio run` then works without a network.

Run it with the Python that has PlatformIO: the version of SCons is the one that this PlatformIO
asks for.  What is up to date is left alone.
"""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLATFORMS = ROOT / "tests" / "fixtures" / "platforms"

SCONS_LAUNCHER = """\
from SCons.Script import main

main()
"""
"""The package's scons.py, which PlatformIO starts.  SCons itself lies beside it."""


class CoreError(Exception):
    """The core can't be made; the text is for the person at the terminal."""


def scons_requirement() -> str:
    """Version of the package tool-scons that the installed PlatformIO wants, such as 4.41101.0."""
    try:
        dependencies = importlib.import_module("platformio.dependencies")
    except ImportError as cause:
        message = f"PlatformIO is not installed for {sys.executable}"
        raise CoreError(message) from cause
    requirement = str(dependencies.get_core_dependencies()["tool-scons"])
    return requirement.lstrip("~^= ")


def scons_release(package_version: str) -> str:
    """Name the PyPI release behind a package version: 4.41101.0 is SCons 4.11.1."""
    match = re.fullmatch(r"\d+\.(\d+)(\d\d)(\d\d)\.\d+", package_version)
    if match is None:
        message = f"tool-scons {package_version} does not tell which SCons it is"
        raise CoreError(message)
    return ".".join(str(int(part)) for part in match.groups())


def make_scons(packages: Path) -> None:
    """Fill packages/tool-scons, unless it is there in the right version."""
    version = scons_requirement()
    package = packages / "tool-scons"
    manifest = package / "package.json"
    if manifest.is_file() and json.loads(manifest.read_text("utf-8"))["version"] == version:
        return
    packages.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=packages) as scratch:
        fresh = Path(scratch) / "tool-scons"
        pip_install(f"scons=={scons_release(version)}", fresh)
        (fresh / "scons.py").write_text(SCONS_LAUNCHER, "utf-8")
        description = {
            "name": "tool-scons",
            "version": version,
            "description": "SCons software construction tool",
        }
        spec = {"owner": "platformio", "id": None, "name": "tool-scons"}
        spec |= {"requirements": None, "uri": None}
        installed = {"type": "tool", "name": "tool-scons", "version": version, "spec": spec}
        (fresh / "package.json").write_text(json.dumps(description, indent=2), "utf-8")
        (fresh / ".piopm").write_text(json.dumps(installed), "utf-8")
        shutil.rmtree(package, ignore_errors=True)
        fresh.rename(package)


def pip_install(requirement: str, target: Path) -> None:
    """Unpack one release into a folder of its own."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
    pip += ["--quiet", "--no-deps", "--no-compile", "--target", str(target), requirement]
    result = subprocess.run(pip, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        message = f"{result.stderr.rstrip()}\npip could not install {requirement}"
        raise CoreError(message)


def copy_platforms(destination: Path) -> None:
    """Make CORE/platforms hold exactly the fixtures."""
    for source in sorted(path for path in PLATFORMS.iterdir() if path.is_dir()):
        target = destination / source.name
        if not target.is_dir() or contents(source) != contents(target):
            shutil.rmtree(target, ignore_errors=True)
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target, ignore=ignored)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its name."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def make(core: Path) -> None:
    """Make a core, or complete one."""
    make_scons(core / "packages")
    copy_platforms(core / "platforms")


def main(arguments: list[str]) -> int:
    """Take the one argument from the command line."""
    if len(arguments) != 1:
        sys.stderr.write("usage: hermetic_core.py CORE_DIR\n")
        return 2
    try:
        make(Path(arguments[0]).resolve())
    except CoreError as error:
        sys.stderr.write(f"hermetic core: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
