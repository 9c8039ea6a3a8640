"""Packages and sources of a Debian release other than this machine's, beside what is installed.

The archive is the one of this machine's own apt configuration; lists and cache are of our own, so
that the machine's stay untouched.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path


class Unavailable(Exception):
    """They can't be had here; the text says why."""


class Archive:
    """One suite, as apt-get sees it from the folder `work`, which is made anew."""

    def __init__(self, suite: str, work: Path, *, sources: bool = False) -> None:
        """Fetch the lists; `sources`: of source packages."""
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise Unavailable("this machine has no apt")
        self._work = work
        shutil.rmtree(work, ignore_errors=True)
        for name in ("sources", "state/lists/partial", "cache/archives/partial"):
            (work / name).mkdir(parents=True)
        uri, signed_by = _main_archive()
        stanza = f"Types: {'deb-src' if sources else 'deb'}\nURIs: {uri}\nSuites: {suite}\n"
        stanza += "Components: main\n" + (f"Signed-By: {signed_by}\n" if signed_by else "")
        (work / "sources" / "suite.sources").write_text(stanza, encoding="utf-8")
        self.apt_get("update")

    def apt_get(self, *arguments: str) -> None:
        """Run it in `work`, where downloads are left."""
        settings = {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": str(self._work / "sources"),
            "Dir::State": str(self._work / "state"),
            "Dir::State::status": "/var/lib/dpkg/status",
            "Dir::Cache": str(self._work / "cache"),
            "APT::Sandbox::User": "root",
        }
        options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
        command = ["apt-get", "-q", *options, *arguments]
        result = subprocess.run(
            command, cwd=self._work, capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            lines = (result.stderr or result.stdout).strip().splitlines()
            raise Unavailable(lines[-1] if lines else "apt-get failed")

    def close(self) -> None:
        """Remove lists and cache; what was downloaded stays."""
        for name in ("sources", "state", "cache"):
            shutil.rmtree(self._work / name)


def _main_archive() -> tuple[str, str]:
    """URI and keyring of Debian's main archive, from the machine's own line for it."""
    for path in sorted(Path("/etc/apt").glob("sources.list.d/*.sources")):
        for stanza in path.read_text(encoding="utf-8").split("\n\n"):
            fields = dict(re.findall(r"^([A-Za-z-]+):\s*(.*)$", stanza, re.MULTILINE))
            if re.search(r"/debian/?$", fields.get("URIs", "")) and "deb" in fields.get(
                "Types", ""
            ):
                return fields["URIs"].split()[0], fields.get("Signed-By", "")
    for path in [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*.list")]:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        line = re.search(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+/debian/?)\s", text, re.MULTILINE)
        if line:
            return line.group(1), "/usr/share/keyrings/debian-archive-keyring.gpg"
    raise Unavailable("no Debian archive in this machine's apt configuration")
