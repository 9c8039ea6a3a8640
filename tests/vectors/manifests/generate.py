"""Makes the corpus of manifests: `python tests/vectors/manifests/generate.py`; `--check` compares.

Uses nothing of the product: the layout is written down here once more, from docs/format.md, section
8.  Each case is an image, of which a reader says one of

    none                    there is no manifest where this image would have it
    ManifestMalformed
    app 1764000000 kitchen-lamp 1.2.3 revA,revB

the last being type (app, fs), build time, product, version and hardware revisions; "-" stands for
a text that is empty.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent
MALFORMED = "ManifestMalformed"
LATEST = 253402300799


class Case(NamedTuple):
    """One image, and what there is to say about it."""

    name: str
    sentence: str
    image: bytes
    verdict: str


def manifest(  # noqa: PLR0913 - one argument a field
    *,
    magic: bytes = b"SOTAinfo",
    version: int = 1,
    kind: int = 1,
    zeros: bytes = bytes(6),
    time: int = 1764000000,
    product: bytes = b"kitchen-lamp",
    text: bytes = b"1.2.3",
    hardware: tuple[bytes, ...] = (b"revA", b"revB"),
    end: bytes = bytes(24),
) -> bytes:
    """256 bytes, every field as it is told."""
    fields = [revision.ljust(16, b"\0") for revision in hardware]
    data = magic + bytes([version, kind]) + zeros + time.to_bytes(8, "big")
    data += product.ljust(32, b"\0") + text.ljust(48, b"\0")
    return data + b"".join(fields).ljust(128, b"\0") + end


GOOD = "app 1764000000 kitchen-lamp 1.2.3 revA,revB"
BODY = bytes(range(1, 101))


def esp32(described: bytes, *, behind: bytes = b"program") -> bytes:
    """An ESP32 application: headers, app description, and whatever is said to lie behind it."""
    header = b"\xe9\x03\x02\x20" + bytes(range(20)) + bytes(8)
    description = bytes.fromhex("3254cdab") + bytes(12) + b"app".ljust(240, b"\0")
    return header + description + described + behind


def good() -> list[Case]:
    """What must be read, up to the limits."""
    largest = manifest(
        time=LATEST,
        product=b"abcdefghijklmnopqrstuvwxyzABCDEF",
        text=bytes(range(0x21, 0x51)),
        hardware=tuple(b"0123456789._+-" + b"r%d" % i for i in range(8)),
    )
    names = ",".join(f"0123456789._+-r{i}" for i in range(8))
    text = bytes(range(0x21, 0x51)).decode()
    nothing = manifest(time=0, product=b"", text=b"", hardware=())
    rest = manifest(text=bytes(range(0x51, 0x7F)), product=b"GHIJKLMNOPQRSTUVWXYZ")
    return [
        Case("usual", "every field is set", BODY + manifest(), GOOD),
        Case("nothing-set", "type alone", BODY + nothing, "app 0 - - -"),
        Case("filesystem", "the other type", BODY + manifest(kind=2), GOOD.replace("app", "fs")),
        Case(
            "largest",
            "every field is as long as it can be",
            BODY + largest,
            f"app {LATEST} abcdefghijklmnopqrstuvwxyzABCDEF {text} {names}",
        ),
        Case(
            "all-characters",
            "what `largest` had no room for",
            BODY + rest,
            f"app 1764000000 GHIJKLMNOPQRSTUVWXYZ {bytes(range(0x51, 0x7F)).decode()} revA,revB",
        ),
        Case("alone", "the image is its manifest", manifest(), GOOD),
        Case("esp32", "behind the app description", esp32(manifest()), GOOD),
        Case("esp32-ends-there", "and nothing behind it", esp32(manifest(), behind=b""), GOOD),
        Case(
            "esp32-and-trailer",
            "an app description: the last bytes are not looked at",
            esp32(manifest(), behind=manifest(product=b"heater")),
            GOOD,
        ),
        Case(
            "esp32-byte-without-description",
            "begins like an ESP32 image, has no app description: a trailer counts",
            b"\xe9" + bytes(99) + manifest(),
            GOOD,
        ),
        Case(
            "description-without-esp32-byte",
            "the app description's magic alone does not make one",
            b"\xea" + esp32(b"")[1:] + manifest(),
            GOOD,
        ),
    ]


def none() -> list[Case]:
    """Images without one."""
    return [
        Case("empty", "no image at all", b"", "none"),
        Case("short", "shorter than a manifest", BODY, "none"),
        Case("short-and-magic", "shorter than a manifest, begins like it", b"SOTAinfo", "none"),
        Case("one-byte-short", "255 bytes that begin like one", manifest()[:-1], "none"),
        Case("other-image", "other bytes", BODY * 5, "none"),
        Case("small-letters", "sotainfo", BODY + manifest(magic=b"sotainfo"), "none"),
        Case("in-front", "at the beginning", manifest() + BODY * 3, "none"),
        Case("one-byte-early", "a byte behind it", BODY + manifest() + b"\0", "none"),
        Case("esp32-without", "an app description, nothing behind", esp32(bytes(300)), "none"),
        Case("esp32-trailer", "a trailer is not its place", esp32(bytes(256) + manifest()), "none"),
        Case("esp32-short", "ends in its app description", esp32(b"", behind=b"")[:200], "none"),
        Case("esp32-half-magic", "ends in the magic", esp32(b"SOTA", behind=b""), "none"),
        Case("esp32-shifted", "a byte late", esp32(b"\0" + manifest()), "none"),
    ]


def malformed_fields() -> list[Case]:
    """One field at a time."""
    double = (b"revA", b"revB", b"revA")
    fields: list[tuple[str, str, bytes]] = [
        ("version-0", "format version 0", manifest(version=0)),
        ("version-2", "format version 2", manifest(version=2)),
        ("type-0", "type 0", manifest(kind=0)),
        ("type-3", "type 3", manifest(kind=3)),
        ("type-letter", "type 'a'", manifest(kind=0x61)),
        ("time-too-late", "the year 10000", manifest(time=LATEST + 1)),
        ("time-negative", "the highest bit is set", manifest(time=2**63)),
        ("time-largest", "all bits are set", manifest(time=2**64 - 1)),
        ("product-space", "a space in it", manifest(product=b"kitchen lamp")),
        ("product-slash", "a slash in it", manifest(product=b"kitchen/lamp")),
        ("product-equals", "an equals sign in it", manifest(product=b"kitchen=lamp")),
        ("product-comma", "a comma in it", manifest(product=b"kitchen,lamp")),
        ("product-not-ascii", "an octet above 127", manifest(product=b"k\xfcche")),
        ("product-newline", "a newline in it", manifest(product=b"lamp\n")),
        ("product-goes-on", "bytes behind its end", manifest(product=b"lamp\0x")),
        ("product-begins-late", "a zero before it", manifest(product=b"\0lamp")),
        ("product-last-byte", "its last byte alone", manifest(product=bytes(31) + b"x")),
        ("text-space", "a space in the version", manifest(text=b"1.2 3")),
        ("text-delete", "the octet 127 in the version", manifest(text=b"1.2\x7f")),
        ("text-control", "a control character in the version", manifest(text=b"1.2\x1b[0m")),
        ("text-not-ascii", "an octet above 127 in the version", manifest(text=b"1.2\xe9")),
        ("text-goes-on", "bytes behind the version's end", manifest(text=b"1.2\0dirty")),
        ("text-last-byte", "the version's last byte alone", manifest(text=bytes(47) + b"x")),
        ("hardware-twice", "a revision is there twice", manifest(hardware=double)),
        ("hardware-neighbours", "twice, one after the other", manifest(hardware=(b"a", b"a"))),
        ("hardware-gap", "an empty one before it", manifest(hardware=(b"revA", b"", b"revB"))),
        ("hardware-late", "the first one is empty", manifest(hardware=(b"", b"revA"))),
        ("hardware-last", "the last one alone", manifest(hardware=(b"",) * 7 + (b"revA",))),
        ("hardware-space", "a space in one", manifest(hardware=(b"rev A",))),
        ("hardware-comma", "a comma in one", manifest(hardware=(b"revA,revB",))),
        ("hardware-goes-on", "bytes behind the end of one", manifest(hardware=(b"revA\0B",))),
        ("hardware-not-ascii", "an octet above 127", manifest(hardware=(b"rev\xc4",))),
    ]
    fields += [
        (f"zero-{at}", f"byte {at} is not zero", with_byte(manifest(), at, 1))
        for at in (10, 15, 232, 240, 255)
    ]
    return [
        Case(f"malformed-{name}", sentence, BODY + data, MALFORMED)
        for name, sentence, data in fields
    ]


def with_byte(data: bytes, at: int, value: int) -> bytes:
    """The same with one byte replaced."""
    return data[:at] + bytes([value]) + data[at + 1 :]


def malformed_in_applications() -> list[Case]:
    """What only an app description can bring about."""
    whole = esp32(manifest(), behind=b"")
    bad = esp32(manifest(version=2))
    filesystem = esp32(manifest(kind=2))
    return [
        Case("malformed-esp32", "behind an app description", bad, MALFORMED),
        Case("malformed-esp32-filesystem", "no filesystem", filesystem, MALFORMED),
        Case("malformed-esp32-cut", "the image ends in the manifest", whole[:-1], MALFORMED),
        Case("malformed-esp32-magic-alone", "ends behind the magic", whole[:296], MALFORMED),
    ]


def cases() -> list[Case]:
    """All of them."""
    return good() + none() + malformed_fields() + malformed_in_applications()


def files() -> dict[Path, bytes]:
    """What belongs into the folder."""
    made = cases()
    entries = [
        {
            "name": case.name,
            "sentence": case.sentence,
            "file": f"{case.name}.bin",
            "verdict": case.verdict,
        }
        for case in made
    ]
    index = json.dumps(entries, indent=1) + "\n"
    images = {FOLDER / f"{case.name}.bin": case.image for case in made}
    return {FOLDER / "cases.json": index.encode(), **images}


def main() -> int:
    """Exit status 0: written, or nothing differs."""
    wanted = files()
    there = {path for path in FOLDER.iterdir() if path.suffix in {".bin", ".json"}}
    if "--check" in sys.argv[1:]:
        differing = list(there - wanted.keys())
        differing += [p for p, data in wanted.items() if p not in there or p.read_bytes() != data]
        sys.stdout.writelines(f"differs: {path.name}\n" for path in sorted(differing))
        return 1 if differing else 0
    for path in there - wanted.keys():
        path.unlink()
    for path, data in wanted.items():
        path.write_bytes(data)
    sys.stdout.write(f"{len(wanted) - 1} cases\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
