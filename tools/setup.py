"""Everything that `make demo`, `make test` and the other targets need, made ready.

    python3 tools/setup.py device lint python platformio test fuzz bench cross rv32

Each word names one thing: the C++ toolchain and mbedtls, the linters, the `.venv`, the hermetic
PlatformIO core, what the tests like to have, clang with libFuzzer, libcrypto for the
benchmarks, the compilers for the chips, a machine that runs what they make.
What is there already is reused, and finding that out takes a fraction of a second.  Standard
library only, and Python 3.9: this runs before anything is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CACHE = ROOT / ".cache"
PLATFORMIO_CORE = CACHE / "platformio-core"
OLDEST_PYTHON = (3, 9)


class SetupError(Exception):
    """Set-up can't go on; the text is for the person at the terminal."""


def say(text: str) -> None:
    """One line of progress, where it does not mix with a command's results."""
    sys.stderr.write(f"set-up: {text}\n")
    sys.stderr.flush()


def run(command: list[str], *, env: dict[str, str] | None = None) -> None:
    """Run quietly; what the command said is shown only if it failed."""
    result = subprocess.run(
        command,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if result.returncode != 0:
        output = result.stdout.decode(errors="replace").rstrip()
        message = f"{output}\n`{shlex.join(command)}` failed"
        raise SetupError(message)


# -- system packages ----------------------------------------------------------------------------


@dataclass(frozen=True)
class SystemPackage:
    """Something that only the system's package manager can bring."""

    apt: str
    brew: str
    present: Callable[[], bool]


def has_command(name: str) -> Callable[[], bool]:
    """Make the question whether a command is on the PATH."""
    return lambda: shutil.which(name) is not None


def has_mbedtls() -> bool:
    """Ask the compiler itself, with the flags that the build will use."""
    compiler = shlex.split(os.environ.get("CXX", "g++"))
    flags = shlex.split(os.environ.get("MBEDTLS_CFLAGS", ""))
    if shutil.which(compiler[0]) is None:
        return False
    probe = subprocess.run(
        [*compiler, *flags, "-E", "-x", "c++", "-"],
        input=b"#include <mbedtls/version.h>\n",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return probe.returncode == 0


def has_libcrypto() -> bool:
    """Ask the C compiler whether libcrypto's headers are there."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    flags = shlex.split(os.environ.get("LIBCRYPTO_FLAGS", ""))
    if shutil.which(compiler[0]) is None:
        return False
    probe = subprocess.run(
        [*compiler, *flags, "-E", "-x", "c", "-"],
        input=b"#include <openssl/ts.h>\n",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return probe.returncode == 0


def has_libfuzzer() -> bool:
    """Link a fuzzer: Debian keeps libFuzzer and the sanitizers apart from the compiler."""
    compiler = shlex.split(os.environ.get("FUZZ_CXX", "clang++"))
    source = b'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }'
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "probe")
        probe = subprocess.run(
            [*compiler, "-fsanitize=fuzzer,address", "-x", "c++", "-", "-o", program],
            input=source,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    return probe.returncode == 0


def libfuzzer() -> SystemPackage:
    """The package that goes with the clang that is there."""
    compiler = shlex.split(os.environ.get("FUZZ_CXX", "clang++"))
    version = subprocess.run([*compiler, "-dumpversion"], stdout=subprocess.PIPE, check=True).stdout
    major = version.decode("ascii").partition(".")[0]
    return SystemPackage(f"libclang-rt-{major}-dev", "llvm", has_libfuzzer)


def can_cross(*compiler: str) -> Callable[[], bool]:
    """Make the question whether a cross compiler is there, and a C library for it."""

    def probe() -> bool:
        if shutil.which(compiler[0]) is None:
            return False
        command = [*compiler, "-fsyntax-only", "-x", "c++", "-"]
        source = b"#include <string.h>\n"
        result = subprocess.run(command, input=source, stderr=subprocess.DEVNULL, check=False)
        return result.returncode == 0

    return probe


def has_ensurepip() -> bool:
    """Debian splits the module that `venv` needs from the interpreter."""
    probe = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0


PICOLIBC = "--specs=picolibc.specs"
COMPILER = SystemPackage("g++", "gcc", has_command("g++"))
MBEDTLS = SystemPackage("libmbedtls-dev", "mbedtls@3", has_mbedtls)
SOFTHSM = SystemPackage("softhsm2", "softhsm", has_command("softhsm2-util"))
OPENSSL = SystemPackage("openssl", "openssl@3", has_command("openssl"))
LIBCRYPTO = SystemPackage("libssl-dev", "openssl@3", has_libcrypto)
ZBAR = SystemPackage("zbar-tools", "zbar", has_command("zbarimg"))
POPPLER = SystemPackage("poppler-utils", "poppler", has_command("pdftoppm"))
CMAKE = SystemPackage("cmake", "cmake", has_command("cmake"))
CCACHE = SystemPackage("ccache", "ccache", has_command("ccache"))
CLANG_FORMAT = SystemPackage("clang-format", "clang-format", has_command("clang-format"))
CLANG = SystemPackage("clang", "llvm", has_command("clang++"))
CLANG_TIDY = SystemPackage("clang-tidy", "llvm", has_command("clang-tidy"))
# A C library for each chip; it brings the compiler. Homebrew has none of these pairs.
CROSS = {
    target: SystemPackage(apt, f"{' '.join(compiler)} with a C library", can_cross(*compiler))
    for target, apt, compiler in [
        ("rv32imc", "picolibc-riscv64-unknown-elf", ["riscv64-unknown-elf-g++", PICOLIBC]),
        ("cortex-m33, cortex-m0plus", "picolibc-arm-none-eabi", ["arm-none-eabi-g++", PICOLIBC]),
        ("lx106", "picolibc-xtensa-lx106-elf", ["xtensa-lx106-elf-g++"]),
        ("x86-32", "libc6-dev-i386", ["g++", "-m32"]),
    ]
}
QEMU_RV32 = SystemPackage("qemu-system-misc", "qemu", has_command("qemu-system-riscv32"))
ENSUREPIP = SystemPackage(
    f"python{sys.version_info.major}.{sys.version_info.minor}-venv", "python", has_ensurepip
)


def need_packages(*packages: SystemPackage) -> None:
    """Install those that are missing, or say in one line which they are."""
    missing = [package for package in packages if not package.present()]
    if not missing:
        return
    if platform.system() == "Darwin":
        message = "please run: brew install " + " ".join(package.brew for package in missing)
        raise SetupError(message)
    names = [package.apt for package in missing]
    become_root = root_prefix()
    if become_root is None:
        message = "please install (as root): apt-get install " + " ".join(names)
        raise SetupError(message)
    apt_install(become_root, names)
    absent = [package.apt for package in missing if not package.present()]
    if absent:
        message = f"installed, but still not found: {' '.join(absent)}"
        raise SetupError(message)


def want_package(package: SystemPackage, *, without_it: str) -> None:
    """Install it where that can be done without asking; else say what will be missing."""
    if package.present():
        return
    is_mac = platform.system() == "Darwin"
    become_root = None if is_mac else root_prefix()
    if become_root is not None:
        with contextlib.suppress(SetupError):
            apt_install(become_root, [package.apt])
    if not package.present():
        say(f"{package.brew if is_mac else package.apt} is not installed: {without_it}")


def root_prefix() -> list[str] | None:
    """How to run apt-get as root without asking anybody; None if that can't be done."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    if (
        shutil.which("sudo")
        and subprocess.run([*sudo, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    ):
        return sudo
    return None


def apt_install(become_root: list[str], names: list[str]) -> None:
    """Install; refresh the package lists only if the first try fails."""
    say(f"installing {' '.join(names)} (apt)")
    apt = [*become_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    install = [*apt, "install", "--yes", "--no-install-recommends", *names]
    try:
        run(install)
    except SetupError:
        run([*apt, "update"])
        run(install)


# -- things made once, and again when their inputs change ---------------------------------------


def fingerprint(*inputs: Path | str) -> str:
    """Digest of files, folders and words: equal means that nothing is to be made anew."""
    total = hashlib.sha256()
    for item in inputs:
        if isinstance(item, str):
            total.update(item.encode() + b"\0")
            continue
        files = sorted(item.rglob("*")) if item.is_dir() else [item]
        for file in files:
            if file.is_file() and file.suffix != ".pyc":
                content = hashlib.sha256(file.read_bytes()).digest()
                total.update(str(file.relative_to(ROOT)).encode() + b"\0" + content)
    return total.hexdigest()


def is_fresh(stamp: Path, wanted: str) -> bool:
    """Whether what lies beside `stamp` was made from the inputs that `wanted` stands for."""
    return stamp.is_file() and stamp.read_text(encoding="ascii") == wanted


def venv_fingerprint() -> str:
    """Changes with the interpreter, the dependencies, and where the folder is."""
    interpreter = f"{sys.base_prefix} {platform.python_version()}"
    # The tool tables stand last, and what a linter is told needs no other .venv.
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("\n[tool.")[0]
    return fingerprint(interpreter, str(ROOT), project)


def make_venv() -> None:
    """`.venv` with this package, editable, and everything that developing it needs."""
    stamp = VENV / "secureota-stamp"
    wanted = venv_fingerprint()
    if is_fresh(stamp, wanted):
        return
    need_packages(ENSUREPIP)
    say(f"making .venv with Python {platform.python_version()} (a minute or so, once)")
    shutil.rmtree(VENV, ignore_errors=True)
    # Not sys.executable: that may be the .venv's own, which has just been removed.
    base = getattr(sys, "_base_executable", sys.executable)
    run([base, "-m", "venv", str(VENV)])
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    run([*pip, "--quiet", "pip>=23"])  # older ones can't install a pyproject.toml in place
    run([*pip, "--quiet", "--editable", f"{ROOT}[dev]"])
    stamp.write_text(wanted, encoding="ascii")


def make_platformio_core() -> None:
    """Make a PlatformIO core that asks no registry for anything."""
    maker = ROOT / "tools" / "hermetic_core.py"
    stamp = PLATFORMIO_CORE / "secureota-stamp"
    platforms = ROOT / "tests" / "fixtures" / "platforms"
    wanted = fingerprint(venv_fingerprint(), maker, platforms)
    if is_fresh(stamp, wanted):
        return
    say("making a PlatformIO core in .cache/platformio-core")
    run([str(VENV / "bin" / "python"), str(maker), str(PLATFORMIO_CORE)])
    stamp.write_text(wanted, encoding="ascii")


def make_device() -> None:
    """Compiler and mbedtls."""
    need_packages(COMPILER, MBEDTLS)


def make_python() -> None:
    """The `.venv`, the openssl command as a judge, and SoftHSM2 as a smart card, for the tests."""
    need_packages(OPENSSL)
    want_package(SOFTHSM, without_it="the tests of keys in PKCS#11 tokens are skipped")
    make_venv()


def make_platformio() -> None:
    """The `.venv` has PlatformIO itself; the core is what it would download."""
    make_venv()
    make_platformio_core()


def make_fuzz() -> None:
    """Install clang first: its version says which libFuzzer is wanted."""
    if not has_command(shlex.split(os.environ.get("FUZZ_CXX", "clang++"))[0])():
        need_packages(CLANG)
    need_packages(libfuzzer())


def make_bench() -> None:
    """A peer of the timestamps is written in C, against libcrypto."""
    need_packages(COMPILER, LIBCRYPTO)


def make_test() -> None:
    """A QR reader and a rasteriser, as the tests print keys and photograph them; ccache.

    The last because `pio` builds the whole library in project after project.
    """
    want_package(ZBAR, without_it="tests of printed QR codes are skipped")
    want_package(POPPLER, without_it="tests of printed PDFs are skipped")
    want_package(CMAKE, without_it="the component of ESP-IDF is not tested")
    want_package(CCACHE, without_it="the tests that build with pio take some minutes longer")


def make_cross() -> None:
    """Compilers for the chips; `make cross` leaves out those that can't be had."""
    for target, package in CROSS.items():
        want_package(package, without_it=f"the core is not compiled for {target}")


def make_rv32() -> None:
    """One of the compilers, and QEMU."""
    for package in (CROSS["rv32imc"], QEMU_RV32):
        want_package(package, without_it="the core is not run on rv32")


def make_lint() -> None:
    """Ruff and mypy are in the `.venv`."""
    need_packages(CLANG_FORMAT, CLANG_TIDY)
    make_venv()


PARTS: dict[str, Callable[[], None]] = {
    "device": make_device,
    "python": make_python,
    "platformio": make_platformio,
    "lint": make_lint,
    "test": make_test,
    "fuzz": make_fuzz,
    "bench": make_bench,
    "cross": make_cross,
    "rv32": make_rv32,
}


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two `make` in one checkout must not build the same `.venv`."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    """Make the named parts ready, in the order given."""
    if sys.version_info < OLDEST_PYTHON:
        found = platform.python_version()
        sys.stderr.write(f"set-up: Python 3.9 or newer is needed, and this is {found}; ")
        sys.stderr.write("name another one: make PYTHON=...\n")
        return 2
    unknown = [name for name in arguments if name not in PARTS]
    if unknown or not arguments:
        sys.stderr.write(f"usage: setup.py {{{','.join(PARTS)}}}...\n")
        return 2
    try:
        with one_at_a_time():
            for name in arguments:
                PARTS[name]()
    except SetupError as error:
        sys.stderr.write(f"set-up: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
