"""The deny-list: its file, and how a build takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platformio_secureota import Unusable, denied, pki
from platformio_secureota.anchors import TrustAnchor
from platformio_secureota.errors import Reason
from platformio_secureota.manifest import ImageKind, Manifest
from platformio_secureota.pio import facts, options, trust

if TYPE_CHECKING:
    from pathlib import Path

A, B, C = (bytes([octet]) * 32 for octet in (0xAA, 0xBB, 0xCC))


def test_lines_comments_and_repetitions() -> None:
    text = f"# heading\n\n{A.hex()}  # Fred: left\n  {B.hex().upper()}\n{A.hex()}#again\n"
    assert denied.parse(text, name="x") == [A, B]
    assert denied.parse("", name="x") == []


@pytest.mark.parametrize(
    "line",
    ["aa", A.hex()[:-1], A.hex() + "0", "Fred", A.hex() + " Fred", "0x" + A.hex(), "g" * 64],
)
def test_a_line_that_is_not_understood_is_no_comment(line: str) -> None:
    with pytest.raises(Unusable, match=r"list\.txt, line 2") as error:
        denied.parse(f"{B.hex()}\n{line}\n", name="list.txt")
    assert error.value.reason is Reason.DenyListUnusable


def test_add_makes_the_file_and_keeps_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "denied.txt"
    assert denied.add(file, [A], comment="Fred, 2026-11-23: left") == [A]
    with file.open("a") as text:
        text.write(f"{B.hex()}")  # by hand, without an end of line
    assert denied.add(file, [A, C, C], comment="evil\nname \x1b[2J") == [C]
    assert denied.read(file) == [A, B, C]
    assert "# Fred, 2026-11-23: left\n" in file.read_text()
    assert "\x1b" not in file.read_text()
    assert denied.add(file, [A], comment="") == []


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(Unusable) as error:
        denied.read(tmp_path / "missing")
    assert error.value.reason is Reason.FileUnreadable
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(Unusable) as error:
        denied.read(tmp_path / "binary")
    assert error.value.reason is Reason.DenyListUnusable


def test_a_firmware_takes_so_many() -> None:
    many = [number.to_bytes(32, "big") for number in range(denied.MAX_DENIED)]
    assert len(denied.combine([many, many])) == denied.MAX_DENIED
    with pytest.raises(Unusable) as error:
        denied.combine([many, [A]])
    assert error.value.reason is Reason.DenyListUnusable


def test_the_projects_own_list_and_those_that_are_named(tmp_path: Path) -> None:
    def keys(**raw: str) -> tuple[bytes, ...]:
        values = {options.PREFIX + name: text for name, text in raw.items()}
        return trust.denied_keys(options.parse(values, project=tmp_path), project=tmp_path)

    assert keys() == ()
    (tmp_path / "secureota").mkdir()
    denied.add(tmp_path / "secureota" / "denied.txt", [A], comment="")
    assert keys() == (A,)
    denied.add(tmp_path / "company.txt", [B, A], comment="")
    assert keys(denied="company.txt") == (A, B)
    with pytest.raises(Unusable) as error:
        keys(denied="company.txt, missing.txt")
    assert error.value.reason is Reason.FileUnreadable


def test_the_source_has_the_keys_one_behind_the_other() -> None:
    anchor = TrustAnchor.from_der(pki.generate().certificate_der)
    manifest = Manifest(ImageKind.APPLICATION)
    source = facts.source(anchors=[anchor], policies=[], denied=[A, B], manifest=manifest)
    array = source.partition("secureota_denied_keys[] = {")[2].partition("}")[0]
    octets = bytes(int(word, 16) for word in array.replace(",", " ").split())
    assert octets == A + B
    assert "secureota_denied_keys_size = 64;" in source
