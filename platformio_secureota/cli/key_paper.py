"""`secureota key paper` and `secureota key restore`: to paper, and back."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path

import click
from cryptography import x509

from platformio_secureota import atomic, keystore, pki
from platformio_secureota.cli import console, key_typing, options, passphrase
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.paper import armour, backup, layout, scan, sheet, text
from platformio_secureota.pio.project_key import ANCHOR

_FORMS = (".pdf", ".png", ".txt")


@click.command(short_help="Write a sheet to print: codes, lines, how to restore.")
@click.argument("file", type=options.FILE)
@click.option(
    "out",
    "-o",
    "--out",
    type=options.FILE,
    required=True,
    help="Sheet to write: .pdf, .png (300 dpi) or .txt (without codes).  Never replaced.",
)
@click.option(
    "decrypted",
    "--decrypted",
    is_flag=True,
    help="Print an encrypted key without its encryption: the sheet alone can sign then.",
)
@passphrase.file_option
def paper(*, file: Path, out: Path, decrypted: bool, passphrase_file: Path | None) -> None:
    """Write the key in FILE onto a sheet of paper.

    An encrypted key stays encrypted; its passphrase is asked for all the same, for a sheet whose
    passphrase nobody knows is of no use.  The sheet holds the secret: print it where nobody else
    fetches the pages, and remove the file.
    """
    form = out.suffix.lower()
    if form not in _FORMS:
        raise Unusable(Reason.Usage, f"{out} ends in none of {', '.join(_FORMS)}")
    secret = passphrase.of_key_file(file, passphrase_file)
    kept = backup.of_file(file, passphrase=secret, decrypted=decrypted)
    today = dt.datetime.now().astimezone()
    for path, data in _files(sheet.compose(kept, printed=today), out, form).items():
        atomic.write(path, data, mode=atomic.PRIVATE, replace=False)
        click.echo(str(path))
    console.note(f"Print it, and try it before you rely on it: secureota key restore --check {out}")
    console.note("with a scan or a photo of the print in its place.  Then remove the file.")
    if kept.encrypted:
        console.note("Keep the passphrase too, in another place: the sheet is worth nothing alone.")


def _files(composed: sheet.Sheet, out: Path, form: str) -> dict[Path, bytes]:
    if form == ".txt":
        return {out: text.write(composed)}
    try:
        from platformio_secureota.paper import pdf, png  # noqa: PLC0415 - an extra
    except ImportError as cause:
        hint = "pip install 'platformio-secureota[paper]', or write a .txt sheet to be typed from"
        detail = f"{cause.name}, a Python package"
        raise Unusable(Reason.ExtraMissing, detail, hint=hint) from cause
    pages = layout.pages(composed)
    if form == ".pdf":
        return {out: pdf.write(pages)}
    if len(pages) == 1:
        return {out: png.write(pages[0])}
    names = [
        out.with_name(f"{out.stem}-{number}{out.suffix}") for number in range(1, len(pages) + 1)
    ]
    return {name: png.write(page) for name, page in zip(names, pages)}


@click.command(short_help="Bring a key back from its sheet.")
@click.argument("sources", metavar="[SOURCE]...", type=click.Path(path_type=Path), nargs=-1)
@click.option(
    "out",
    "-o",
    "--out",
    type=options.FILE,
    help="Key file to write, never replaced.  [default: where builds look for the key]",
)
@click.option(
    "certificates",
    "--certificate",
    type=options.FILE,
    multiple=True,
    help="Where the key's certificate is, PEM, if its lines C are not read.  "
    "[default: secureota/anchor.pem, if it is there]",
)
@click.option("check", "--check", is_flag=True, help="Read the sheet, and write nothing.")
@passphrase.file_option
def restore(
    *,
    sources: tuple[Path, ...],
    out: Path | None,
    certificates: tuple[Path, ...],
    check: bool,
    passphrase_file: Path | None,
) -> None:
    """Restore a key from what was read of its sheet.

    Each SOURCE is a picture of codes (read by zbarimg) or a text file with lines, whether typed or
    read by a telephone; - is standard input.  Without SOURCE you are asked line by line.  A line
    that was not read as it was printed is named.  An encrypted key stays encrypted.
    """
    reader = armour.Reader()
    known = _known_certificates(certificates)
    for source in sources:
        reader.feed(_text_of(source))
    if not sources:
        key_typing.read(reader, certificates_are_known=bool(known))
    secret_key = reader.data(armour.KEY)
    if not known or not reader.missing(armour.CERTIFICATES):
        known += backup.split_certificates(reader.data(armour.CERTIFICATES))
    words = None
    if backup.is_encrypted(secret_key):
        words = passphrase.known("the key on the sheet", passphrase_file)
    restored = backup.restored(secret_key, known, passphrase=words)
    name = f"{pki.describe(restored.certificates[0])}, {sheet.spaced(restored.fingerprint)}"
    if check:
        click.echo(f"the sheet is good: {name}")
        return
    path = out or keystore.key_path(restored.certificates[0], keystore.config_dir(os.environ))
    if out is None:
        keystore.make_folder(path)
    atomic.write(path, restored.pem(), mode=atomic.PRIVATE, replace=False)
    click.echo(f"restored to {path}: {name}")


def _known_certificates(paths: tuple[Path, ...]) -> list[x509.Certificate]:
    if not paths and ANCHOR.is_file():
        paths = (ANCHOR,)
    return [
        x509.load_der_x509_certificate(anchor.certificate.der)
        for anchor in options.load_anchor_files(paths)
    ]


def _text_of(source: Path) -> str:
    if source == Path("-"):
        return sys.stdin.read()
    try:
        data = source.read_bytes()
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{source}: {cause.strerror}") from cause
    if not scan.is_picture(data):
        return data.decode("utf-8-sig", "replace")
    found = scan.decode(source)
    if not any(armour.is_line(line) for line in found.splitlines()):
        hint = (
            "come nearer, hold the camera straight, and mind reflections; one code a photo will do"
        )
        raise Unusable(Reason.BackupUnreadable, f"{source}: no code was found", hint=hint)
    return found
