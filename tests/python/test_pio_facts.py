"""The generated source file."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from platformio_secureota import TrustAnchor, pki
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.pio import facts

if TYPE_CHECKING:
    from pathlib import Path


def anchor(name: str = "owner") -> TrustAnchor:
    return TrustAnchor.from_der(pki.generate(name=name).certificate_der)


def test_the_build_time_is_now_or_what_the_environment_says() -> None:
    assert abs(facts.build_time({}) - time.time()) < 5
    assert facts.build_time({"SOURCE_DATE_EPOCH": "0"}) == 0
    assert facts.build_time({"SOURCE_DATE_EPOCH": "1700000000"}) == 1700000000


@pytest.mark.parametrize("text", ["yesterday", "-1", "1.5", " 1", "253402300800", "\u0661"])
def test_a_build_time_that_is_none(text: str) -> None:
    with pytest.raises(Unusable) as error:
        facts.build_time({"SOURCE_DATE_EPOCH": text})
    assert error.value.reason is Reason.Usage


def test_without_an_anchor_there_is_no_source() -> None:
    with pytest.raises(Unusable) as error:
        facts.source(anchors=[], policies=[], seconds_since_1970=0)
    assert error.value.reason is Reason.AnchorMissing


@pytest.mark.parametrize("standard", ["gnu++11", "gnu++17"])
@pytest.mark.parametrize("policies", [[], ["1.2.3"], ["2.999.1", "1.3.6.1.4.1.99999.1"]])
def test_it_compiles_by_itself_without_a_warning(
    tmp_path: Path, standard: str, policies: list[str]
) -> None:
    # A name that ends in a backslash would continue the comment onto the next line.
    anchors = [anchor(), anchor("evil */ name \\")]
    source = facts.source(anchors=anchors, policies=policies, seconds_since_1970=1700000000)
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
    for name in ("build_time", "trust_anchors", "trust_anchors_size", "denied_keys_size"):
        assert f" R secureota_{name}\n" in symbols
