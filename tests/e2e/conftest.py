"""Real `pio` runs on a hermetic core, in projects of their own.

Nothing here is a double but what stands for hardware: the development platforms (their uploaders
only write down what they were given) and, in some tests, the device.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import pytest

ROOT = Path(__file__).parents[2]
for folder in (ROOT / "tests" / "python", ROOT / "tools"):
    sys.path.insert(0, str(folder))

import hermetic_core  # noqa: E402 - found there

CLOSED = "http://127.0.0.1:9"
"""Nobody listens there: whatever asks the network through a proxy fails at once."""

PLATFORMS = {
    "native": "platform = native\n",
    "espressif32": "platform = espressif32\nboard = esp32dev\n",
    "espressif8266": "platform = espressif8266\nboard = d1_mini\n",
}

PROGRAM = """\
// Prints the facts that were compiled in.
#include <stdio.h>
extern "C" {
extern const long long secureota_build_time;
extern const unsigned char secureota_trust_anchors[];
extern const unsigned long secureota_trust_anchors_size;
extern const unsigned char secureota_required_policies[];
extern const unsigned long secureota_required_policies_size;
extern const unsigned char secureota_denied_keys[];
extern const unsigned long secureota_denied_keys_size;
extern const unsigned char secureota_manifest[256];
}
static void hex(const char* name, const unsigned char* data, unsigned long size) {
  printf("%s ", name);
  while (size--) printf("%02x", *data++);
  printf("\\n");
}
int main() {
  printf("time %lld\\n", secureota_build_time);
  hex("anchors", secureota_trust_anchors, secureota_trust_anchors_size);
  hex("policies", secureota_required_policies, secureota_required_policies_size);
  hex("denied", secureota_denied_keys, secureota_denied_keys_size);
  hex("manifest", secureota_manifest, sizeof secureota_manifest);
  return 0;
}
"""

COMPILERS = ROOT / ".cache" / "ccache" / "bin"
"""First on the PATH: what PlatformIO takes for the compilers is ccache, where there is one."""

CCACHE = {
    "CCACHE_DIR": str(COMPILERS.parent),
    "CCACHE_BASEDIR": "/",
    "CCACHE_NOHASHDIR": "1",
}
"""Project after project builds the same library, each in a folder of its own: once is enough."""

_STEPS = ("Compiling", "Linking", "Archiving", "Generating", "Signing")


@dataclass(frozen=True)
class Run:
    """One finished `pio`."""

    status: int
    output: str
    """stdout and stderr, as they came."""

    @property
    def steps(self) -> list[str]:
        """What was made: "Compiling main.o", "Signing firmware.bin", ..."""
        lines = [line.split() for line in self.output.splitlines()]
        return [
            f"{words[0]} {Path(words[1]).name}"
            for words in lines
            if len(words) == 2 and words[0] in _STEPS
        ]

    def ok(self) -> Run:
        assert self.status == 0, self.output
        return self

    def refused(self, *texts: str) -> Run:
        """It failed, says these things in one line that is ours, and shows no traceback."""
        assert self.status != 0, self.output
        assert "Traceback" not in self.output, self.output
        own = [line for line in self.output.splitlines() if "secureota: " in line or "  " in line]
        assert all(any(text in line for line in own) for text in texts), self.output
        return self


@dataclass
class Project:
    """A PlatformIO project, and how `pio` is run in it."""

    folder: Path
    core: Path
    tool: Path
    """Where extra_script.py and its package are."""
    config: Path
    """The user's configuration directory of SecureOTA."""
    platform: str
    section: str = "it"
    """Name of the environment in platformio.ini."""

    def write(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        return path

    def ini(self, *lines: str, script: str = "") -> None:
        line = script or f"extra_scripts = post:{self.tool / 'extra_script.py'}"
        options = "\n".join([line, *lines])
        self.write("platformio.ini", f"[env:{self.section}]\n{PLATFORMS[self.platform]}{options}\n")

    def pio(self, *words: str, timeout: float = 90, **environ: str) -> Run:
        command = [sys.executable, "-m", "platformio", *words]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment(), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
        return Run(done.returncode, done.stdout.decode("utf-8", "replace"))

    def run(self, *targets: str, port: str = "", **environ: str) -> Run:
        """`pio run`, with targets, and with --upload-port where there is one."""
        words = [word for target in targets for word in ("-t", target)]
        return self.pio("run", *words, *(["--upload-port", port] if port else []), **environ)

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{COMPILERS}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.config.parent),
            "PLATFORMIO_CORE_DIR": str(self.core),
            "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
            "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
            "SECUREOTA_CONFIG_DIR": str(self.config),
            "FIXTURE_TOOL_LOG": str(self.folder / "tools.log"),
            "http_proxy": CLOSED,
            "https_proxy": CLOSED,
            "HTTP_PROXY": CLOSED,
            "HTTPS_PROXY": CLOSED,
            **CCACHE,
        }

    @property
    def build(self) -> Path:
        return self.folder / ".pio" / "build" / self.section

    @property
    def image(self) -> Path:
        return self.build / ("program" if self.platform == "native" else "firmware.bin")

    @property
    def covered(self) -> Path:
        """The file that the token covers."""
        return self.build / "program.image.bin" if self.platform == "native" else self.image

    @property
    def signed(self) -> Path:
        return self.build / f"{self.image.stem}.signed.bin"

    @property
    def token(self) -> Path:
        return self.build / f"{self.image.stem}.tsr"

    @property
    def anchor(self) -> Path:
        return self.folder / "secureota" / "anchor.pem"

    def tools(self) -> list[dict[str, object]]:
        """What the platform's own upload tools were given."""
        log = self.folder / "tools.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def facts(self) -> dict[str, str]:
        """What the built program says about itself."""
        program = self.build / ("program" if self.platform == "native" else "firmware.elf")
        said = subprocess.run([program], capture_output=True, text=True, check=True).stdout
        return dict(line.partition(" ")[::2] for line in said.splitlines())


@pytest.fixture(scope="session")
def core() -> Path:
    """The one that `make test` has made; made here where pytest is run by itself."""
    folder = ROOT / ".cache" / "platformio-core"
    hermetic_core.make(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def compilers() -> None:
    ccache = shutil.which("ccache")
    if ccache is not None:
        COMPILERS.mkdir(parents=True, exist_ok=True)
        for name in ("cc", "c++", "gcc", "g++"):
            with contextlib.suppress(FileExistsError):
                (COMPILERS / name).symlink_to(ccache)


@pytest.fixture(scope="session")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, so that nobody's editor makes the tool newer than what it has signed."""
    folder = tmp_path_factory.mktemp("SecureOTA")
    shutil.copy(ROOT / "extra_script.py", folder)
    ignored = shutil.ignore_patterns("__pycache__")
    package = "platformio_secureota"
    shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    return folder


@pytest.fixture
def new_project(tmp_path: Path, core: Path, tool: Path) -> Callable[..., Project]:
    """Make projects: `new_project("espressif32", "custom_secureota_... = ...")`."""

    def make(platform: str = "native", *lines: str, name: str = "greenhouse") -> Project:
        project = Project(tmp_path / name, core, tool, tmp_path / "config", platform)
        project.write("src/main.cpp", PROGRAM)
        project.ini(*lines)
        return project

    return make


@pytest.fixture
def keyed(new_project: Callable[..., Project], tmp_path: Path) -> Callable[..., Project]:
    """As `new_project`, with a signing key of its own in key.pem outside the project."""
    from platformio_secureota import pki  # noqa: PLC0415 - not before the path is set

    def make(platform: str = "native", *lines: str, name: str = "greenhouse") -> Project:
        key = tmp_path / "key.pem"
        if not key.exists():
            pki.write_pem(key, pki.generate(name="test key"))
        return new_project(platform, f"custom_secureota_signing_key = {key}", *lines, name=name)

    return make
