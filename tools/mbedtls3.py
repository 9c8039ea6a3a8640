"""mbedtls 3.6 from the next Debian release, unpacked beside the project, never installed.

    python3 tools/mbedtls3.py FOLDER

Prints the folder that holds `include/` and `libmbedcrypto.a`, for `MBEDTLS_CFLAGS` and
`MBEDTLS_LIBS`.  Where the packages come from is derived from this machine's own apt configuration:
the same archive, another suite.  Exit status 3, with one line on stderr, where it can't be had (no
apt, no network): whoever called says so and goes on without it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

SUITE = "trixie"
PACKAGES = ["libmbedtls-dev", "libmbedcrypto16"]
CAN_NOT_BE_HAD = 3


class Unavailable(Exception):
    """The packages can't be had here; the text says why."""


def archive_sources() -> str:
    """deb822 source of the wanted suite, from the machine's own line for Debian's main archive."""
    for path in sorted(Path("/etc/apt").glob("sources.list.d/*.sources")):
        for stanza in path.read_text(encoding="utf-8").split("\n\n"):
            fields = dict(re.findall(r"^([A-Za-z-]+):\s*(.*)$", stanza, re.MULTILINE))
            if re.search(r"/debian/?$", fields.get("URIs", "")) and "deb" in fields.get(
                "Types", ""
            ):
                return source(fields["URIs"].split()[0], fields.get("Signed-By", ""))
    for path in [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*.list")]:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        line = re.search(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+/debian/?)\s", text, re.MULTILINE)
        if line:
            return source(line.group(1), "/usr/share/keyrings/debian-archive-keyring.gpg")
    message = "no Debian archive in this machine's apt configuration"
    raise Unavailable(message)


def source(uri: str, signed_by: str) -> str:
    """One stanza."""
    stanza = f"Types: deb\nURIs: {uri}\nSuites: {SUITE}\nComponents: main\n"
    return stanza + (f"Signed-By: {signed_by}\n" if signed_by else "")


def apt_get(work: Path, *arguments: str) -> None:
    """apt-get with lists and cache of its own, so that the machine's stay untouched."""
    settings = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": str(work / "sources"),
        "Dir::State": str(work / "state"),
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": str(work / "cache"),
        "APT::Sandbox::User": "root",
    }
    options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
    command = ["apt-get", "-q", *options, *arguments]
    result = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        lines = (result.stderr or result.stdout).strip().splitlines()
        raise Unavailable(lines[-1] if lines else "apt-get failed")


def unpack(folder: Path) -> None:
    """Fetch the packages and leave headers and the static library in `folder`."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        message = "this machine has no apt"
        raise Unavailable(message)
    work = folder.with_name(folder.name + ".part")
    shutil.rmtree(work, ignore_errors=True)
    for name in ("sources", "state/lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True)
    (work / "sources" / "suite.sources").write_text(archive_sources(), encoding="utf-8")
    apt_get(work, "update")
    apt_get(work, "download", *PACKAGES)
    for package in work.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package.name, "root"], cwd=work, check=True)
    library = next((work / "root").rglob("libmbedcrypto.a"))
    (work / "root/usr/include").rename(work / "include")
    library.rename(work / "libmbedcrypto.a")
    for name in ("root", "sources", "state", "cache"):
        shutil.rmtree(work / name)
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)


def main() -> int:
    """Print the folder; see the module's text."""
    folder = Path(sys.argv[1]).absolute()
    if not (folder / "libmbedcrypto.a").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            unpack(folder)
        except Unavailable as why:
            sys.stderr.write(f"mbedtls 3.6 can't be had here: {why}\n")
            return CAN_NOT_BE_HAD
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
