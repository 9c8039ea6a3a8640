"""What is published is whole: the wheel, the source distribution, the library for PlatformIO."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import platformio_secureota

ROOT = Path(__file__).parents[2]
VERSION = platformio_secureota.__version__


def clean_environment() -> dict[str, str]:
    """Ours without what would let an interpreter find this checkout."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in hidden}


def run(*command: str | Path, cwd: Path) -> str:
    result = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=clean_environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel is made from the source distribution, as pip does it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return {
        "sdist": next(folder.glob("*.tar.gz")),
        "wheel": next(folder.glob("*.whl")),
    }


def test_manifests_tell_one_version() -> None:
    library = json.loads((ROOT / "library.json").read_text("utf-8"))
    lines = (ROOT / "library.properties").read_text("utf-8").splitlines()
    properties = dict(line.split("=", 1) for line in lines)

    assert library["version"] == VERSION
    assert properties["version"] == VERSION
    assert library["name"] == properties["name"] == "SecureOTA"


def test_library_names_no_script_of_its_own() -> None:
    # Such a script is skipped under `-t nobuild`, and an unsigned image would go out.
    library = json.loads((ROOT / "library.json").read_text("utf-8"))

    assert "extraScript" not in library.get("build", {})


def test_arduino_keywords_are_what_a_sketch_can_say() -> None:
    headers = "".join(path.read_text("utf-8") for path in sorted((ROOT / "src").glob("*.h")))
    lines = (ROOT / "keywords.txt").read_text("utf-8").splitlines()
    kinds = dict(line.split("\t") for line in lines)

    assert [word for word in kinds if not re.search(rf"\b{word}\b", headers)] == []
    settings = set(re.findall(r"^  Secure\w+Class& (\w+)\(", headers, re.MULTILINE))
    objects = set(re.findall(r"^extern Secure\w+Class (\w+);", headers, re.MULTILINE))
    assert {word for word in settings if kinds.get(word) != "KEYWORD2"} == set()
    assert {word for word in objects if kinds.get(word) != "KEYWORD1"} == set()


def test_arduino_properties_name_headers_that_exist() -> None:
    lines = (ROOT / "library.properties").read_text("utf-8").splitlines()
    properties = dict(line.split("=", 1) for line in lines)

    assert {path.name for path in (ROOT / "src").glob("*.h")} >= set(
        properties["includes"].split(",")
    )
    wanted = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category"}
    assert wanted | {"architectures"} <= properties.keys()


def test_sdist_holds_the_sources(distributions: dict[str, Path]) -> None:
    with tarfile.open(distributions["sdist"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    wanted = {
        "LICENSE",
        "README.md",
        "Makefile",
        "extra_script.py",
        "library.json",
        "docs/format.md",
        "examples/EmulatedDevice/platformio.ini",
        "platformio_secureota/verify.py",
        "src/SecureOTA.h",
        "src/secureota/verifier.h",
        "tests/python/test_packaging.py",
        "tests/vectors/cases.json",
        "tools/setup.py",
    }
    assert wanted - names == set()
    assert [name for name in names if ".pio/" in name or name.endswith(".pyc")] == []


def test_wheel_holds_the_package_and_the_script(distributions: dict[str, Path]) -> None:
    with zipfile.ZipFile(distributions["wheel"]) as archive:
        names = archive.namelist()
        script = f"platformio_secureota-{VERSION}.data/data/share/secureota/extra_script.py"
        shipped = archive.read(script)

    assert "platformio_secureota/py.typed" in names
    assert shipped == (ROOT / "extra_script.py").read_bytes()
    # One place each: nothing of ours lies about at the top of somebody's site-packages.
    tops = {name.split("/")[0] for name in names}
    prefix = f"platformio_secureota-{VERSION}"
    assert tops == {"platformio_secureota", f"{prefix}.data", f"{prefix}.dist-info"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_installs_into_an_empty_venv(
    kind: str, distributions: dict[str, Path], tmp_path: Path
) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"

    run(python, "-m", "pip", "install", "--quiet", distributions[kind], cwd=tmp_path)

    assert VERSION in run(home / "bin" / "secureota", "--version", cwd=tmp_path)
    assert (home / "share" / "secureota" / "extra_script.py").is_file()
    where = run(python, "-c", "import platformio_secureota as p; print(p.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(home)


# `pio pkg pack`, without its download of the list of licences.
PACK = """
import sys
from platformio.package.manifest.schema import ManifestSchema
from platformio.package.pack import PackagePacker
licences = {"licenses": [{"licenseId": "Apache-2.0"}]}
ManifestSchema.load_spdx_licenses = staticmethod(lambda: licences)
PackagePacker(sys.argv[1]).pack(sys.argv[2])
"""


def library_files() -> set[str]:
    """What a project needs of this repository: both halves, and what tells about them."""
    single = ["extra_script.py", "pyproject.toml", "library.json", "library.properties"]
    single += ["keywords.txt", "README.md", "LICENSE"]
    whole = ["src", "examples", "platformio_secureota"]
    unwanted = {".pio", "__pycache__", "emulated-device"}
    within = (path for folder in whole for path in (ROOT / folder).rglob("*") if path.is_file())
    paths = (path.relative_to(ROOT) for path in within)
    return {*single, *(str(path) for path in paths if not unwanted & set(path.parts))}


def test_library_package_is_small_and_whole(tmp_path: Path) -> None:
    run(sys.executable, "-c", PACK, ROOT, tmp_path, cwd=tmp_path)
    (packed,) = tmp_path.glob("*.tar.gz")

    with tarfile.open(packed) as archive:
        names = set(archive.getnames())

    assert names == library_files()
    assert packed.stat().st_size < 512 * 1024


def test_extra_script_suits_any_interpreter_that_runs_platformio(tmp_path: Path) -> None:
    tree = ast.parse((ROOT / "extra_script.py").read_text("utf-8"), feature_version=(3, 9))
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(str(node.module))
    of_scons = {name for name in modules if name.split(".")[0] == "SCons"}

    # -S: without site-packages there is the standard library alone.
    for name in sorted(modules - of_scons):
        run(sys.executable, "-I", "-S", "-c", f"import {name}", cwd=tmp_path)
