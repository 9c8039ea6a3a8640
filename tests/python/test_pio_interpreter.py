"""The Python that runs the tool, and what PlatformIO's own one must be able to read."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from platformio_secureota.pio import interpreter

ROOT = Path(__file__).parents[2]
IN_PLATFORMIO = (
    ROOT / "extra_script.py",
    ROOT / "platformio_secureota" / "pio" / "interpreter.py",
)

STANDARD = {
    *("__future__", "collections", "contextlib", "hashlib", "importlib", "json", "os", "pathlib"),
    *("fcntl", "re", "shlex", "shutil", "subprocess", "sys", "typing"),
}


def find(python: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [python, "-I", str(IN_PLATFORMIO[1]), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("path", IN_PLATFORMIO, ids=lambda path: path.name)
def test_it_is_python_3_9_and_imports_the_standard_library_alone(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= STANDARD
    # Annotations are never evaluated, so newer types in them do no harm.
    assert any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in tree.body)


def test_an_interpreter_with_the_dependencies_is_taken(tmp_path: Path) -> None:
    found = find(sys.executable, tmp_path / "secureota")
    assert found.stdout.strip() == sys.executable
    assert not (tmp_path / "secureota").exists()


def test_old_releases_will_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert interpreter.has_dependencies()
    monkeypatch.setattr(interpreter, "NEEDED", {"cryptography": (999, 0)})
    assert not interpreter.has_dependencies()
    monkeypatch.setattr(interpreter, "NEEDED", {"no-such-package-of-ours": (0, 0)})
    assert not interpreter.has_dependencies()


def test_needed_and_pinned_are_the_project_s_dependencies() -> None:
    manifest = (ROOT / "pyproject.toml").read_text("utf-8")
    dependencies = re.search(r"^dependencies = \[\n(.*?)^\]", manifest, re.DOTALL | re.MULTILINE)
    assert dependencies is not None
    lines = dependencies[1]
    if sys.version_info >= (3, 11):
        lines = re.sub(r".*; python_version < '3.11'.*\n", "", lines)
    declared = dict(re.findall(r'^  "([\w-]+)>=([\d.]+)[";]', lines, re.MULTILINE))
    assert len(declared) == lines.count("\n")
    needed = {
        name: ".".join(map(str, version)).removesuffix(".0")
        for name, version in interpreter.NEEDED.items()
    }
    assert needed == declared
    pinned = dict(line.split("==") for line in interpreter.PINNED)
    assert set(pinned) == set(declared)
    for name, version in pinned.items():
        assert tuple(map(int, version.split(".")[:2])) >= interpreter.NEEDED[name]


def bare_python(folder: Path) -> str:
    """An interpreter without any package."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return str(folder / "bin" / "python")


def test_a_failure_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "secureota").write_text("a file stands in the way")
    found = find(bare_python(tmp_path / "bare"), tmp_path / "secureota")
    assert found.returncode == 2
    assert found.stdout == ""
    assert "SECUREOTA_PYTHON" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_virtual_environment_is_made_once(tmp_path: Path) -> None:
    bare, folder = bare_python(tmp_path / "bare"), tmp_path / "secureota"
    command = [bare, "-I", str(IN_PLATFORMIO[1]), str(folder)]
    # Two builds at once: one makes it, the other waits.
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert sum("making a Python environment" in stderr for _, stderr in said) == 1
    python = said[0][0].strip()
    tool = [python, "-m", "platformio_secureota.pio", "--help"]
    subprocess.run(tool, cwd=ROOT, check=True, capture_output=True)
    again = find(bare, folder)
    assert again.stdout.strip() == python
    assert again.stderr == ""
