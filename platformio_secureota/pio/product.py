"""What the images of a project say about themselves, but for kind and time.

`resolve` is asked once a run, before anything is built; the build steps pass on what it found as a
file, so that another version (a commit, above all) renews what depends on it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Refused
from platformio_secureota.manifest import ImageKind, Manifest, find, is_esp32_application

if TYPE_CHECKING:
    from pathlib import Path

    from platformio_secureota.pio.options import Options


@dataclass(frozen=True)
class Product:
    """See Manifest."""

    product: str = ""
    version: str = ""
    hardware: tuple[str, ...] = ()

    def manifest(self, kind: ImageKind, *, build_time: int) -> Manifest:
        """Return the manifest of an image of that kind."""
        return Manifest(kind, self.product, self.version, self.hardware, build_time)

    def encode(self) -> bytes:
        """Write it for the next build steps."""
        return json.dumps(dataclasses.asdict(self), indent=1).encode() + b"\n"

    @classmethod
    def read(cls, path: Path) -> Product:
        """Read what `encode` has written."""
        fields = json.loads(path.read_text("utf-8"))
        return cls(**{**fields, "hardware": tuple(fields["hardware"])})


def resolve(options: Options, *, project: Path) -> Product:
    """Take the options, and where no version is set ask git for it."""
    version = options.version or described_by_git(project)
    return Product(options.product, version, options.hardware)


def described_by_git(project: Path) -> str:
    """`git describe --always --dirty`, if it fits a manifest, else the commit alone.

    Empty where there is no git or no commit.
    """
    for words in (["--always", "--dirty"], ["--always", "--dirty", "--exclude=*"]):
        version = _git_describe(project, words)
        try:
            Manifest(ImageKind.APPLICATION, version=version)
        except ValueError:  # a tag may be long, and in any script
            continue
        return version
    return ""


def _git_describe(project: Path, words: list[str]) -> str:
    # A hook that runs a build has set these for another repository than, perhaps, the project's.
    ours = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(project), "describe", *words]
    try:
        done = subprocess.run(command, env=ours, capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


def check_compiled_in(image: bytes, product: Product, *, name: str) -> None:
    """Is the manifest in an application that devices will ask for it?  Only if a product is set.

    Refused: ManifestMissing, ManifestMalformed; WrongProduct for an application that was built
    under other settings.
    """
    if not product.product:
        return
    found = find(image)
    if found is None:
        where = "" if is_esp32_application(image) else ": it has no app description"
        raise Refused(
            Reason.ManifestMissing,
            f"{name} has no manifest where devices look for it{where}",
            hint="build it with extra_script.py, and call SecureOTA.begin(): what nobody uses, the "
            "linker leaves out",
        )
    if (found.product, found.hardware) != (product.product, product.hardware):
        raise Refused(
            Reason.WrongProduct,
            f"{name} was built as {shown(found.product, found.hardware)}, and platformio.ini says "
            f"{shown(product.product, product.hardware)}",
            hint="build it anew",
        )


def shown(product: str, hardware: tuple[str, ...]) -> str:
    """Write both for people."""
    return f"{product or 'any product'} ({', '.join(hardware) or 'any hardware'})"
