"""Keys on paper: printed, photographed or typed, restored, and good for signing."""

from __future__ import annotations

import base64
import datetime as dt
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture
from PIL import ImageFilter

from authorities import Company
from platformio_secureota import Image, Reason, TrustAnchor, Unusable, pki, sign
from platformio_secureota.paper import armour, backup, codes, layout, pdf, png, scan, sheet, text
from platformio_secureota.tsa import LocalTSA

if TYPE_CHECKING:
    import random
    from pathlib import Path

PRINTED = dt.datetime(2026, 11, 23, tzinfo=dt.timezone.utc)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

needs_zbar = pytest.mark.skipif(
    shutil.which("zbarimg") is None, reason="zbarimg is not here (tools/setup.py test brings it)"
)
needs_poppler = pytest.mark.skipif(
    shutil.which("pdftoppm") is None, reason="pdftoppm is not here (tools/setup.py test brings it)"
)

parts = st.sampled_from([armour.KEY, armour.CERTIFICATES])
payloads = st.binary(min_size=1, max_size=200)


def read_back(part: str, lines: list[str]) -> bytes:
    reader = armour.Reader()
    for line in lines:
        reader.feed(line)
    return reader.data(part)


def wrong_lines(part: str, lines: list[str]) -> str:
    with pytest.raises(Unusable) as caught:
        read_back(part, lines)
    assert caught.value.reason is Reason.BackupUnreadable
    return caught.value.detail


# -- lines ------------------------------------------------------------------------------------


@given(parts, payloads, st.randoms(use_true_random=False))
def test_lines_come_back_in_any_order(part: str, data: bytes, order: random.Random) -> None:
    lines = armour.encode(part, data)
    order.shuffle(lines)
    assert read_back(part, lines) == data


@given(payloads)
def test_spacing_case_and_lookalikes_do_not_matter(data: bytes) -> None:
    lines = armour.encode(armour.KEY, data)
    sloppy = [
        " - ".join(line.replace(" ", "")).lower().replace("0", "o").replace("1", "l") + " \t"
        for line in lines
    ]
    assert read_back(armour.KEY, sloppy) == data
    assert read_back(armour.KEY, [line.replace("1", "I") for line in lines]) == data
    assert read_back(armour.KEY, [armour.compact(lines)]) == data


def test_the_form_of_a_line_is_stable() -> None:
    # Sheets are read years later: these lines were printed by the first version.
    data = bytes(range(30))
    lines = [
        "K000 0401X WGS4P 2BCZD 3 HXW8",
        "K001 000G4 0R40M 30E20 9185G R38E1 W8124 GK2GA HC5RR KZK9",
        "K002 34D1P 70X W13K",
    ]
    assert armour.encode(armour.KEY, data) == lines


def test_every_wrong_character_is_noticed_and_its_line_named() -> None:
    lines = armour.encode(armour.KEY, bytes(range(60)))
    for number, line in enumerate(lines):
        for at in range(4, len(line)):
            if line[at] == " ":
                continue
            for wrong in set(ALPHABET) - {line[at]}:
                reader = armour.Reader()
                damaged = line[:at] + wrong + line[at + 1 :]
                assert reader.feed(damaged).startswith(f"K{number:03d} has a wrong character")


def test_each_wrong_line_is_named_with_what_is_wrong() -> None:
    lines = armour.encode(armour.KEY, bytes(range(200)))
    lines[1] = lines[1][:10] + "U" + lines[1][11:]
    lines[3] = lines[3][:-7] + lines[3][-6:]
    lines[4] += "0"
    assert lines[5][12] != lines[5][13]
    lines[5] = lines[5][:12] + lines[5][13] + lines[5][12] + lines[5][14:]
    del lines[6]
    named = dict(part.split(" ", 1) for part in wrong_lines(armour.KEY, lines).split("; "))
    assert list(named) == ["K001", "K003", "K004", "K005", "K006"]
    assert "'U'" in named["K001"]
    assert "it has 47 characters" in named["K003"]
    assert "too long" in named["K004"]
    assert named["K005"] == "has a wrong character"
    assert named["K006"] == "is missing"


def test_lines_under_each_others_names_are_noticed() -> None:
    lines = armour.encode(armour.KEY, bytes(range(75)))
    swapped = [lines[0], "K002" + lines[1][4:], "K001" + lines[2][4:], lines[3]]
    detail = wrong_lines(armour.KEY, swapped)
    assert "K001 has a wrong character" in detail
    assert "K002 has a wrong character" in detail
    assert "K003" not in detail


def test_a_line_read_wrong_once_may_be_read_again() -> None:
    lines = armour.encode(armour.KEY, bytes(range(75)))
    wrong = lines[2][:-1] + ("0" if lines[2][-1] != "0" else "1")
    assert read_back(armour.KEY, [*lines[:2], wrong, *lines[2:]]) == bytes(range(75))
    assert read_back(armour.KEY, [*lines, wrong]) == bytes(range(75))


def test_lines_of_two_sheets_do_not_mix() -> None:
    ours, theirs = (armour.encode(armour.KEY, bytes([n]) * 75) for n in (1, 2))
    detail = wrong_lines(armour.KEY, [*ours, theirs[1]])
    assert "two sheets" in detail
    # Each line is a good one, and together they are none of the two.
    detail = wrong_lines(armour.KEY, [ours[0], theirs[1], *ours[2:]])
    assert "add up" in detail


def test_prose_is_passed_over_and_nothing_is_nothing() -> None:
    assert wrong_lines(armour.KEY, ["Keep this sheet", "", "K", "K1", "---"]) == "K000 is missing"


def test_a_sheet_of_a_later_version_is_not_guessed_at() -> None:
    lines = armour.encode(armour.KEY, b"data")
    body = "1" + lines[0].replace(" ", "")[5:-4]
    later = "K000" + body + armour._checksum("K000" + body)  # noqa: SLF001 - a version to come
    assert "does not know" in wrong_lines(armour.KEY, [later, *lines[1:]])


def test_more_than_a_sheet_takes_is_refused() -> None:
    assert len(armour.encode(armour.KEY, bytes(armour.MAX_BYTES))) == 1000
    with pytest.raises(Unusable):
        armour.encode(armour.KEY, bytes(armour.MAX_BYTES + 1))


# -- what is kept -----------------------------------------------------------------------------


def key_file(tmp_path: Path, kind: str = "p256", passphrase: bytes | None = None) -> Path:
    path = tmp_path / "key.pem"
    pki.write_pem(path, pki.generate(kind, name="SecureOTA lamp backup"), passphrase=passphrase)
    return path


@pytest.mark.parametrize("kind", pki.KINDS)
@pytest.mark.parametrize("passphrase", [None, b"sesame"])
def test_a_key_file_is_restored_as_it_was(
    tmp_path: Path, kind: str, passphrase: bytes | None
) -> None:
    path = key_file(tmp_path, kind, passphrase)
    kept = backup.of_file(path, passphrase=passphrase)
    assert kept.encrypted == bool(passphrase)
    key = read_back(armour.KEY, kept.key_lines())
    certificates = backup.split_certificates(
        read_back(armour.CERTIFICATES, kept.certificate_lines())
    )
    restored = backup.restored(key, certificates, passphrase=passphrase)
    assert restored == kept
    assert restored.pem() == path.read_bytes()


def test_a_chain_is_kept(tmp_path: Path) -> None:
    company = Company.make()
    path = tmp_path / "key.pem"
    pki.write_pem(path, company.signer)
    kept = backup.of_file(path, passphrase=None)
    certificates = backup.split_certificates(
        read_back(armour.CERTIFICATES, kept.certificate_lines())
    )
    assert backup.restored(kept.key, certificates, passphrase=None).pem() == path.read_bytes()


def test_other_peoples_certificates_stay_out_of_the_key_file(tmp_path: Path) -> None:
    kept = backup.of_file(key_file(tmp_path), passphrase=None)
    anchors = [pki.generate().certificate, kept.certificates[0], pki.generate().certificate]
    assert backup.restored(kept.key, anchors, passphrase=None) == kept


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    kept = backup.of_file(key_file(tmp_path), passphrase=None)
    with pytest.raises(Unusable, match="none of the 1 certificates") as caught:
        backup.restored(kept.key, [pki.generate().certificate], passphrase=None)
    assert caught.value.reason is Reason.KeyUnusable


@pytest.mark.parametrize("passphrase", [None, b"", b"wrong"])
def test_an_encrypted_key_needs_its_passphrase(tmp_path: Path, passphrase: bytes | None) -> None:
    path = key_file(tmp_path, passphrase=b"sesame")
    with pytest.raises(Unusable) as caught:
        backup.of_file(path, passphrase=passphrase)
    assert caught.value.reason is Reason.KeyUnusable
    kept = backup.of_file(path, passphrase=b"sesame")
    with pytest.raises(Unusable) as caught:
        backup.restored(kept.key, kept.certificates, passphrase=passphrase)
    assert caught.value.reason is Reason.KeyUnusable


def test_an_encrypted_key_may_be_printed_decrypted(tmp_path: Path) -> None:
    path = key_file(tmp_path, passphrase=b"sesame")
    kept = backup.of_file(path, passphrase=b"sesame", decrypted=True)
    assert not kept.encrypted
    assert b"ENCRYPTED" not in kept.pem()
    assert backup.restored(kept.key, kept.certificates, passphrase=None) == kept


def test_lines_that_are_no_certificates() -> None:
    for data in (b"\x30\x03\x02\x01\x01", b"\x30\x05\x02", b"text"):
        with pytest.raises(Unusable) as caught:
            backup.split_certificates(data)
        assert caught.value.reason is Reason.BackupUnreadable


# -- the sheet --------------------------------------------------------------------------------


def composed(path: Path, passphrase: bytes | None = None) -> sheet.Sheet:
    return sheet.compose(backup.of_file(path, passphrase=passphrase), printed=PRINTED)


@pytest.mark.parametrize("passphrase", [None, b"sesame"])
def test_the_sheet_says_what_it_is(tmp_path: Path, passphrase: bytes | None) -> None:
    path = key_file(tmp_path, passphrase=passphrase)
    words = text.write(composed(path, passphrase)).decode()
    fingerprint = pki.load_identity(path, passphrase=passphrase).fingerprint
    assert "CN=SecureOTA lamp backup" in words
    assert fingerprint in words.replace(" ", "")
    assert "2026-11-23" in words
    assert "secureota key restore" in words
    assert ("NOT encrypted" in words) == (passphrase is None)
    assert max(map(len, words.splitlines())) <= 100
    reader = armour.Reader()
    assert reader.feed(words) == ""
    assert backup.is_encrypted(reader.data(armour.KEY)) == bool(passphrase)


def test_a_fingerprint_is_never_taken_for_a_line(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    identity = pki.generate(name="c")
    while not re.match("c[0-9]{3}", identity.fingerprint):
        identity = pki.generate(name="c")
    pki.write_pem(path, identity)
    reader = armour.Reader()
    assert reader.feed(text.write(composed(path)).decode()) == ""
    assert backup.split_certificates(reader.data(armour.CERTIFICATES))


def test_a_name_that_fonts_do_not_have_is_spelt(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    pki.write_pem(path, pki.generate(name="温室 Zoë"))
    one = composed(path)
    assert one.facts[0] == ("Name", "CN=\\u6e29\\u5ba4 Zoë")
    pages = layout.pages(one)
    assert pdf.write(pages).startswith(b"%PDF")
    assert png.write(pages[0]).startswith(b"\x89PNG")


def test_the_key_can_be_had_without_our_code(tmp_path: Path) -> None:
    """Word by word what step 6 on the sheet says, with Python's base32 and openssl."""
    path = key_file(tmp_path)
    words = text.write(composed(path)).decode()
    lines = [line.replace(" ", "") for line in re.findall(r"^K0(?!00).*", words, re.MULTILINE)]
    crockford = "".join(line[4:-4] for line in lines)
    theirs = crockford.translate(str.maketrans(ALPHABET, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
    der = base64.b32decode(theirs[: len(theirs) // 8 * 8] + _padded(theirs[len(theirs) // 8 * 8 :]))
    command = ["openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER"]
    public = subprocess.run(command, input=der, capture_output=True, check=True).stdout
    assert public == TrustAnchor.from_der(pki.load_identity(path).certificate_der).certificate.spki


def _padded(tail: str) -> str:
    return tail.ljust(8, "=") if tail else ""


@pytest.mark.parametrize(("kind", "count"), [("p256", 1), ("rsa3072", 3)])
def test_nothing_leaves_the_page_or_covers_another(tmp_path: Path, kind: str, count: int) -> None:
    pages = layout.pages(composed(key_file(tmp_path, kind, b"sesame"), b"sesame"))
    assert len(pages) == count
    for page in pages:
        codes = [mark for mark in page if isinstance(mark, layout.Code)]
        lines = [mark for mark in page if isinstance(mark, layout.Text)]
        for code in codes:
            assert code.x > 0
            assert code.x + code.size < layout.WIDTH - 5
            assert code.y + code.size < layout.HEIGHT - 5
        for above, below in zip(codes, codes[1:]):
            assert above.y + above.size <= below.y
        for line in lines:
            assert 0 < line.y < layout.HEIGHT - 10
            width = len(line.text) * line.size * (layout.GRID_CELL if line.fixed else 0.5)
            assert line.x + width < layout.WIDTH - 5
            if line.fixed and line.bold:
                assert all(line.x + width < code.x for code in codes)


# -- printed and photographed -----------------------------------------------------------------


def signs(restored: backup.Backup, passphrase: bytes | None, folder: Path) -> bool:
    """Sign with the restored file, verified as a device would that trusts the certificate."""
    path = folder / "restored.pem"
    path.write_bytes(restored.pem())
    tsa = LocalTSA.from_pem(path, passphrase)
    anchor = TrustAnchor.from_der(pki.to_der(restored.certificates[-1]))
    image = Image(b"firmware" * 1000)
    return sign(image, tsa, anchors=[anchor]).verified.image_digest == image.digest


def restored_from(pictures: list[Path], passphrase: bytes | None) -> backup.Backup:
    reader = armour.Reader()
    for picture in pictures:
        assert scan.is_picture(picture.read_bytes())
        assert reader.feed(scan.decode(picture)) == ""
    certificates = backup.split_certificates(reader.data(armour.CERTIFICATES))
    return backup.restored(reader.data(armour.KEY), certificates, passphrase=passphrase)


def test_a_code_brings_its_quiet_zone() -> None:
    picture = codes.image("K000", pixels=300).convert("L")
    modules = 21 + 2 * 4  # version 1 (ISO/IEC 18004, 5.3.1), and four on each side
    module = picture.width // modules
    assert picture.width == modules * module
    # The codes are black on white, and nothing else is in the picture.
    box = picture.point(lambda grey: 255 - grey).getbbox()
    assert box == (4 * module, 4 * module, 25 * module, 25 * module)


@needs_zbar
@needs_poppler
@pytest.mark.parametrize("passphrase", [None, b"sesame"])
@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_a_printed_pdf_is_scanned_restored_and_signs(
    tmp_path: Path, kind: str, passphrase: bytes | None
) -> None:
    path = key_file(tmp_path, kind, passphrase)
    pages = layout.pages(composed(path, passphrase))
    (tmp_path / "sheet.pdf").write_bytes(pdf.write(pages))
    command = ["pdftoppm", "-r", "200", "-gray", "-png", "sheet.pdf", "scan"]
    subprocess.run(command, cwd=tmp_path, check=True)
    scans = sorted(tmp_path.glob("scan-*.png"))
    assert len(scans) == len(pages)
    restored = restored_from(scans, passphrase)
    assert restored.pem() == path.read_bytes()
    assert signs(restored, passphrase, tmp_path)


@needs_zbar
def test_a_poor_photo_of_the_png_is_restored_and_signs(tmp_path: Path) -> None:
    path = key_file(tmp_path, passphrase=b"sesame")
    (page,) = layout.pages(composed(path, b"sesame"))
    (tmp_path / "sheet.png").write_bytes(png.write(page))
    # Held at an angle, out of focus, grey on grey, and compressed.
    with Picture.open(tmp_path / "sheet.png") as sheet_png:
        photo = sheet_png.rotate(4, resample=Picture.Resampling.BICUBIC, expand=True, fillcolor=120)
    photo = photo.filter(ImageFilter.GaussianBlur(1.2)).point(lambda grey: 60 + grey // 2)
    photo.save(tmp_path / "photo.jpg", quality=50)
    restored = restored_from([tmp_path / "photo.jpg"], b"sesame")
    assert restored.pem() == path.read_bytes()
    assert signs(restored, b"sesame", tmp_path)


@needs_poppler
def test_the_words_of_the_pdf_are_text(tmp_path: Path) -> None:
    (tmp_path / "sheet.pdf").write_bytes(pdf.write(layout.pages(composed(key_file(tmp_path)))))
    command = ["pdftotext", "-layout", "sheet.pdf", "-"]
    words = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout.decode()
    reader = armour.Reader()
    lines = [re.split(r"\s{3,}", line.strip())[0] for line in words.splitlines()]
    reader.feed("\n".join(lines))
    assert reader.missing(armour.KEY) == []
    assert "To restore the key" in words


@needs_zbar
def test_pictures_without_codes_and_files_that_are_no_pictures(tmp_path: Path) -> None:
    empty = tmp_path / "empty.png"
    Picture.new("L", (300, 300), 255).save(empty)
    assert scan.decode(empty) == ""
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG and then nothing")
    with pytest.raises(Unusable) as caught:
        scan.decode(broken)
    assert caught.value.reason is Reason.FileUnreadable
    assert not scan.is_picture(b"K000 0400F")
    with pytest.raises(Unusable) as caught:
        scan.is_picture(b"%PDF-1.3")
    assert "pdftoppm" in caught.value.hint


def test_without_zbarimg_the_way_out_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unusable) as caught:
        scan.decode(tmp_path / "photo.png")
    assert caught.value.reason is Reason.ExtraMissing
    assert "zbar-tools" in caught.value.hint
    assert "telephone" in caught.value.hint
