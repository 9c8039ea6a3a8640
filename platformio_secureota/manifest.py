"""The manifest: 256 bytes inside the signed image that say what it is (docs/format.md, section 8).

An ESP32 application carries it right behind its app description, where the build compiled it in;
any other image carries it as its last bytes.  src/secureota/manifest.cpp takes the same decisions,
byte for byte.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from platformio_secureota.errors import Reason, Refused

SIZE = 256
MAGIC = b"SOTAinfo"
FORMAT_VERSION = 1

ESP32_OFFSET = 288
"""In an ESP32 application: behind image header (24), segment header (8) and app description."""

LATEST = 253402300799
"""Seconds since 1970 of 9999-12-31T23:59:59Z: the last second that a token can name."""

MAX_PRODUCT, MAX_VERSION, MAX_REVISION, MAX_REVISIONS = 32, 48, 16, 8
"""Characters of each text, and how many hardware revisions there may be."""

_VERSION_AT, _KIND_AT, _ZERO_AT, _TIME_AT = 8, 9, 10, 16
_PRODUCT_AT, _TEXT_AT, _HARDWARE_AT, _END_AT = 24, 56, 104, 232

_ESP32_IMAGE = 0xE9
_APP_DESCRIPTION = slice(32, 36)
_APP_DESCRIPTION_MAGIC = bytes.fromhex("3254cdab")

_NAME = re.compile(r"[A-Za-z0-9._+-]*", re.ASCII)
_PRINTABLE = re.compile(r"[!-~]*", re.ASCII)


class ImageKind(enum.Enum):
    """What an image is for; the value is the manifest's octet."""

    APPLICATION = 1
    FILESYSTEM = 2

    @property
    def hint(self) -> str:
        """How a container's header repeats it."""
        return "app" if self is ImageKind.APPLICATION else "fs"


@dataclass(frozen=True)
class Manifest:
    """What an image says about itself.  ValueError, with one line, for what it can't say."""

    kind: ImageKind
    product: str = ""
    """Empty: any."""
    version: str = ""
    """Empty: not said."""
    hardware: tuple[str, ...] = ()
    """The revisions that it is for; empty: any."""
    build_time: int = 0
    """Seconds since 1970, UTC; 0: not known."""

    def __post_init__(self) -> None:
        """Check every value."""
        _check(self.product, "product", MAX_PRODUCT, _NAME)
        _check(self.version, "version", MAX_VERSION, _PRINTABLE)
        if len(self.hardware) > MAX_REVISIONS:
            message = f"{len(self.hardware)} hardware revisions: at most {MAX_REVISIONS} fit"
            raise ValueError(message)
        for number, revision in enumerate(self.hardware):
            _check(revision, "hardware revision", MAX_REVISION, _NAME)
            if not revision or revision in self.hardware[:number]:
                message = f"hardware revision {revision!r}: each one once, and none empty"
                raise ValueError(message)
        if not 0 <= self.build_time <= LATEST:
            message = f"build time {self.build_time}: not in the years 1970 to 9999"
            raise ValueError(message)

    @property
    def hints(self) -> dict[str, str]:
        """What a container's header repeats, unsigned."""
        product = {"product": self.product} if self.product else {}
        return {**product, "kind": self.kind.hint}

    def encode(self) -> bytes:
        """Return the 256 bytes."""
        revisions = b"".join(_field(revision, MAX_REVISION) for revision in self.hardware)
        return (
            MAGIC
            + bytes([FORMAT_VERSION, self.kind.value])
            + bytes(_TIME_AT - _ZERO_AT)
            + self.build_time.to_bytes(_PRODUCT_AT - _TIME_AT, "big")
            + _field(self.product, MAX_PRODUCT)
            + _field(self.version, MAX_VERSION)
            + revisions.ljust(SIZE - _HARDWARE_AT, b"\0")
        )

    @classmethod
    def decode(cls, data: bytes) -> Manifest:
        """Read exactly what `encode` writes; Refused(ManifestMalformed) for anything else."""
        try:
            return cls._decode(data)
        except ValueError as cause:
            raise Refused(Reason.ManifestMalformed, str(cause)) from cause

    @classmethod
    def _decode(cls, data: bytes) -> Manifest:
        _require(len(data) == SIZE, f"{len(data)} bytes")
        _require(data.startswith(MAGIC), "it does not begin like one")
        _require(data[_VERSION_AT] == FORMAT_VERSION, f"format version {data[_VERSION_AT]}")
        _require(not any(data[_ZERO_AT:_TIME_AT]), "bytes that must be zero are not")
        _require(not any(data[_END_AT:]), "bytes that must be zero are not")
        fields = [data[at : at + MAX_REVISION] for at in range(_HARDWARE_AT, _END_AT, MAX_REVISION)]
        revisions = [_text(field) for field in fields]
        used = len([revision for revision in revisions if revision])
        return cls(
            kind=ImageKind(data[_KIND_AT]),
            product=_text(data[_PRODUCT_AT:_TEXT_AT]),
            version=_text(data[_TEXT_AT:_HARDWARE_AT]),
            hardware=tuple(revisions[:used]),  # an empty one among them is refused there
            build_time=int.from_bytes(data[_TIME_AT:_PRODUCT_AT], "big"),
        )


def is_esp32_application(image: bytes) -> bool:
    """Whether the image has an app description, and so the manifest's place behind it."""
    return image[:1] == bytes([_ESP32_IMAGE]) and image[_APP_DESCRIPTION] == _APP_DESCRIPTION_MAGIC


def find(image: bytes) -> Manifest | None:
    """Return the manifest of a whole image; None if it has none.

    Refused(ManifestMalformed) where its first 8 bytes are there and the rest is not.
    """
    inside = is_esp32_application(image)
    place = image[ESP32_OFFSET : ESP32_OFFSET + SIZE] if inside else image[-SIZE:]
    if not place.startswith(MAGIC) or (not inside and len(place) < SIZE):
        return None
    manifest = Manifest.decode(place)
    if inside and manifest.kind is not ImageKind.APPLICATION:
        raise Refused(Reason.ManifestMalformed, "an application says that it is something else")
    return manifest


def with_trailer(image: bytes, manifest: Manifest) -> bytes:
    """Append the manifest to an image that has no other place for it, and none yet: ValueError."""
    if is_esp32_application(image):
        message = "an ESP32 application has its manifest compiled in, or none"
        raise ValueError(message)
    if image[-SIZE:].startswith(MAGIC) and len(image) >= SIZE:
        message = "the image has a manifest already"
        raise ValueError(message)
    return image + manifest.encode()


def without_trailer(image: bytes) -> bytes:
    """Take away what `with_trailer` has added; images without a trailer stay as they are."""
    has_trailer = len(image) >= SIZE and image[-SIZE:].startswith(MAGIC)
    return image[:-SIZE] if has_trailer and not is_esp32_application(image) else image


def _check(text: str, what: str, size: int, allowed: re.Pattern[str]) -> None:
    if len(text) > size:
        message = f"{what} {text!r}: {len(text)} characters, at most {size} fit"
        raise ValueError(message)
    if not allowed.fullmatch(text):
        letters = "letters, digits, . _ + -" if allowed is _NAME else "printable ASCII, no space"
        message = f"{what} {text!r}: only {letters}"
        raise ValueError(message)


def _field(text: str, size: int) -> bytes:
    return text.encode("ascii").ljust(size, b"\0")


def _text(field: bytes) -> str:
    text = field.rstrip(b"\0")
    _require(b"\0" not in text, "a text goes on behind its end")
    return text.decode("ascii")  # UnicodeDecodeError is a ValueError


def _require(holds: bool, message: str) -> None:  # noqa: FBT001 - reads like assert
    if not holds:
        raise ValueError(message)
