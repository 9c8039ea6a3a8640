"""The generated source file."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from platformio_secureota import TrustAnchor, pki
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.manifest import ImageKind, Manifest
from platformio_secureota.pio import facts

if TYPE_CHECKING:
    from pathlib import Path


def anchor(name: str = "owner") -> TrustAnchor:
    return TrustAnchor.from_der(pki.generate(name=name).certificate_der)


def manifest(build_time: int = 1700000000) -> Manifest:
    return Manifest(ImageKind.APPLICATION, "lamp", "1.2", ("revA",), build_time)


def test_without_an_anchor_there_is_no_source() -> None:
    with pytest.raises(Unusable) as error:
        facts.source(anchors=[], policies=[], manifest=manifest())
    assert error.value.reason is Reason.AnchorMissing


@pytest.mark.parametrize("standard", ["gnu++11", "gnu++17"])
@pytest.mark.parametrize("policies", [[], ["1.2.3"], ["2.999.1", "1.3.6.1.4.1.99999.1"]])
@pytest.mark.parametrize("section", ["", facts.ESP32_SECTION])
def test_it_compiles_by_itself_without_a_warning(
    tmp_path: Path, standard: str, policies: list[str], section: str
) -> None:
    # A name that ends in a backslash would continue the comment onto the next line.
    anchors = [anchor(), anchor("evil */ name \\")]
    source = facts.source(anchors=anchors, policies=policies, manifest=manifest(), section=section)
    file = tmp_path / "build_facts.cpp"
    file.write_text(source)
    command = ["g++", f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c"]
    command += [str(file), "-o", str(tmp_path / "build_facts.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    symbols = subprocess.run(
        ["nm", "--extern-only", str(tmp_path / "build_facts.o")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in ("build_time", "trust_anchors", "denied_keys_size", "manifest"):
        assert f" R secureota_{name}\n" in symbols
    headers = subprocess.run(
        ["objdump", "--section-headers", str(tmp_path / "build_facts.o")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (facts.ESP32_SECTION in headers) == bool(section)
