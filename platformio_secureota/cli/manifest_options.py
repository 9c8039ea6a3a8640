"""Options that say what an image is, where its build has not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, TypeVar

import click

from platformio_secureota import build_time
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.image import Image
from platformio_secureota.manifest import ImageKind, Manifest, with_trailer

if TYPE_CHECKING:
    from pathlib import Path

_Command = TypeVar("_Command", bound=Callable[..., Any])

_KINDS = {kind.hint: kind for kind in ImageKind}

_OPTIONS = (
    click.option(
        "kind", "--kind", type=click.Choice(list(_KINDS)), help="Application (app) or filesystem."
    ),
    click.option("product", "--product", metavar="NAME", default="", help="What it is for."),
    click.option(
        "hardware",
        "--hardware",
        metavar="REVISION",
        multiple=True,
        help="Hardware revision that it is for.  Repeatable; without it, any.",
    ),
    click.option(
        "image_version", "--image-version", metavar="TEXT", default="", help="Its version."
    ),
)


def manifest_options(command: _Command) -> _Command:
    """--kind, --product, --hardware and --image-version."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read(
    *, kind: str | None, product: str, hardware: tuple[str, ...], image_version: str
) -> Manifest | None:
    """Return the manifest that was asked for, if any.  Unusable(Usage)."""
    if not (kind or product or hardware or image_version):
        return None
    try:
        return Manifest(
            ImageKind.APPLICATION if kind is None else _KINDS[kind],
            product,
            image_version,
            hardware,
            build_time.if_set(os.environ),
        )
    except ValueError as cause:
        raise Unusable(Reason.Usage, str(cause)) from cause


def covered_name(image: Path) -> Path:
    """Name the file that the token covers."""
    return image.with_suffix(".image.bin")


def with_manifest(image: Image, manifest: Manifest, *, name: Path) -> Image:
    """Return image and manifest in one.  Unusable(Usage) where there is one already."""
    try:
        return Image(with_trailer(image.data, manifest))
    except ValueError as cause:
        raise Unusable(Reason.Usage, f"{name}: {cause}") from cause
