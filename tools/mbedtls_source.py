"""The sources of mbedtls, out of a source package of Debian, to be compiled for other machines.

    python3 tools/mbedtls_source.py VERSION FOLDER

VERSION is 2.28 or 3.6.  Leaves `include/` and `library/` in the folder, as upstream released them.
Exit status 3, with one line on stderr, where they can't be had (no apt, no network): whoever called
goes on without them.
"""

from __future__ import annotations

import shutil
import sys
import tarfile
from pathlib import Path

from debian import Archive, Unavailable

SUITES = {"2.28": "bookworm", "3.6": "trixie"}
CAN_NOT_BE_HAD = 3
WANTED = ("include", "library")


def unpack(suite: str, folder: Path) -> None:
    """Fetch the package's upstream tarball and leave what is wanted of it in `folder`."""
    work = folder.with_name(folder.name + ".part")
    archive = Archive(suite, work, sources=True)
    archive.apt_get("source", "--download-only", "--tar-only", "mbedtls")
    archive.close()
    tarball = next(work.glob("mbedtls_*.orig.tar.*"))
    with tarfile.open(tarball) as upstream:
        upstream.extraction_filter = getattr(tarfile, "data_filter", None)  # newer Pythons have it
        # One folder of a name that differs stands before all.
        members = [one for one in upstream if one.name.partition("/")[2].startswith(WANTED)]
        upstream.extractall(work / "all", members)  # noqa: S202 - apt has verified who signed it
    top = next((work / "all").iterdir())
    shutil.rmtree(folder, ignore_errors=True)
    top.rename(folder)
    shutil.rmtree(work)


def main() -> int:
    """See the module's text."""
    version, folder = sys.argv[1], Path(sys.argv[2]).absolute()
    if folder.exists():
        return 0
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        unpack(SUITES[version], folder)
    except Unavailable as why:
        sys.stderr.write(f"the sources of mbedtls {version} can't be had here: {why}\n")
        return CAN_NOT_BE_HAD
    return 0


if __name__ == "__main__":
    sys.exit(main())
