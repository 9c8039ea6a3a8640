"""Manifests: what is written can be read, what is not like that is refused, by both languages."""

from __future__ import annotations

import json
import string
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from platformio_secureota import manifest
from platformio_secureota.errors import Reason, Refused
from platformio_secureota.manifest import ImageKind, Manifest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "vectors" / "manifests"
CASES = json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))
NAMES = [case["name"] for case in CASES]

USUAL = Manifest(ImageKind.APPLICATION, "lamp", "1.2.3", ("revA", "revB"), 1764000000)
BODY = b"\x7fELF" + bytes(1000)
ESP32 = b"\xe9" + bytes(31) + bytes.fromhex("3254cdab") + bytes(252)

names = st.text(string.ascii_letters + string.digits + "._+-", max_size=16)
manifests = st.builds(
    Manifest,
    kind=st.sampled_from(ImageKind),
    product=names,
    version=st.text([chr(c) for c in range(0x21, 0x7F)], max_size=48),
    hardware=st.lists(names.filter(bool), max_size=8, unique=True).map(tuple),
    build_time=st.integers(0, manifest.LATEST),
)


def judge(image: bytes) -> Manifest | Reason | None:
    """What the host finds."""
    try:
        return manifest.find(image)
    except Refused as refusal:
        return refusal.reason


def show(image: bytes) -> str:
    """The same, as the corpus and judge-manifest write it."""
    found = judge(image)
    if not isinstance(found, Manifest):
        return found.value if found else "none"
    words = [found.product, found.version, ",".join(found.hardware)]
    return " ".join([found.kind.hint, str(found.build_time), *(word or "-" for word in words)])


def judged_by_device(images: list[bytes]) -> list[str]:
    """The same of the library, built with sanitizers."""
    program = ROOT / "build" / "device-asan" / "judge-manifest"
    assert program.exists(), "make device-asan"
    stream = b"".join(len(image).to_bytes(4, "big") + image for image in images)
    done = subprocess.run([str(program)], input=stream, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode("ascii").splitlines()


# -- the corpus -----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_python_gives_the_verdict(case: dict[str, str]) -> None:
    assert show((FOLDER / case["file"]).read_bytes()) == case["verdict"], case["sentence"]


def test_device_gives_the_verdict(report_line: Callable[[str], None]) -> None:
    found = judged_by_device([(FOLDER / case["file"]).read_bytes() for case in CASES])
    assert dict(zip(NAMES, found)) == {case["name"]: case["verdict"] for case in CASES}
    report_line(f"manifests: {len(CASES)} judged by python and the device, no disagreement")


def test_corpus_is_what_the_generator_makes() -> None:
    command = [sys.executable, str(FOLDER / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- cut and damaged ------------------------------------------------------------------------------


def test_every_prefix_is_judged_alike() -> None:
    whole = ESP32 + USUAL.encode() + b"program"
    prefixes = [whole[:size] for size in range(len(whole) + 1)]
    prefixes += [USUAL.encode()[:size] for size in range(manifest.SIZE + 1)]
    verdicts = [show(prefix) for prefix in prefixes]
    assert judged_by_device(prefixes) == verdicts
    good = show(whole)
    start, end = manifest.ESP32_OFFSET + len(manifest.MAGIC), manifest.ESP32_OFFSET + manifest.SIZE
    for size, verdict in enumerate(verdicts[: len(whole) + 1]):
        expected = "none" if size < start else Reason.ManifestMalformed if size < end else good
        assert verdict == expected, size


def test_every_octet_replaced_is_judged_alike() -> None:
    data = USUAL.encode()
    changed = [
        BODY + data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]
        for at in range(len(data))
        for flip in (0x01, 0x20, 0x80, 0xFF)
    ]
    assert judged_by_device(changed) == [show(image) for image in changed]


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=4), manifests)
def test_whatever_is_read_is_what_would_be_written(
    damage: list[tuple[int, int]], value: Manifest
) -> None:
    data = bytearray(value.encode())
    for at, octet in damage:
        data[at] = octet
    found = judge(BODY + bytes(data))
    if isinstance(found, Manifest):
        assert found.encode() == data
    else:
        assert found in (None, Reason.ManifestMalformed)


# -- values ---------------------------------------------------------------------------------------


@given(manifests)
@example(Manifest(ImageKind.FILESYSTEM))
def test_what_is_written_is_read(value: Manifest) -> None:
    assert len(value.encode()) == manifest.SIZE
    assert Manifest.decode(value.encode()) == value
    assert manifest.find(manifest.with_trailer(BODY, value)) == value


@given(st.lists(manifests, min_size=1, max_size=40))
def test_device_reads_what_is_written(values: list[Manifest]) -> None:
    images = [manifest.with_trailer(BODY, value) for value in values]
    assert judged_by_device(images) == [show(image) for image in images]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"product": "x" * 33}, "at most 32"),
        ({"product": "kitchen lamp"}, "only letters"),
        ({"product": "küche"}, "only letters"),
        ({"version": "1.2 3"}, "no space"),
        ({"version": "x" * 49}, "at most 48"),
        ({"hardware": ("x" * 17,)}, "at most 16"),
        ({"hardware": ("a", "b", "a")}, "each one once"),
        ({"hardware": ("",)}, "none empty"),
        ({"hardware": tuple("abcdefghi")}, "at most 8"),
        ({"build_time": -1}, "years"),
        ({"build_time": manifest.LATEST + 1}, "years"),
    ],
)
def test_what_it_cannot_say(setting: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Manifest(ImageKind.APPLICATION, **setting)  # type: ignore[arg-type]


def test_trailer_only_where_it_would_be_looked_for() -> None:
    with pytest.raises(ValueError, match="compiled in"):
        manifest.with_trailer(ESP32 + bytes(300), USUAL)
    with pytest.raises(ValueError, match="already"):
        manifest.with_trailer(manifest.with_trailer(BODY, USUAL), USUAL)
