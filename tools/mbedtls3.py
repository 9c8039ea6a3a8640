"""mbedtls 3.6 from the next Debian release, unpacked beside the project, never installed.

    python3 tools/mbedtls3.py FOLDER

Prints the folder that holds `include/` and `libmbedcrypto.a`, for `MBEDTLS_CFLAGS` and
`MBEDTLS_LIBS`.  Exit status 3, with one line on stderr, where it can't be had (no apt, no network):
whoever called says so and goes on without it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from debian import Archive, Unavailable

SUITE = "trixie"
PACKAGES = ["libmbedtls-dev", "libmbedcrypto16"]
CAN_NOT_BE_HAD = 3


def unpack(folder: Path) -> None:
    """Fetch the packages and leave headers and the static library in `folder`."""
    work = folder.with_name(folder.name + ".part")
    archive = Archive(SUITE, work)
    archive.apt_get("download", *PACKAGES)
    archive.close()
    for package in work.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package.name, "root"], cwd=work, check=True)
    library = next((work / "root").rglob("libmbedcrypto.a"))
    (work / "root/usr/include").rename(work / "include")
    library.rename(work / "libmbedcrypto.a")
    shutil.rmtree(work / "root")
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
