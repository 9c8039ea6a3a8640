"""`secureota anchor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from cryptography import x509

from platformio_secureota import pki
from platformio_secureota.cli import console, options

if TYPE_CHECKING:
    from pathlib import Path


@click.command(short_help="Write trust anchors as a C header.")
@click.argument("files", metavar="FILE...", type=options.FILE, nargs=-1, required=True)
@click.option("--name", default="signing_cert", show_default=True, help="Name of the array in C.")
@click.option("out", "-o", "--out", type=options.FILE, help="Header to write; else to stdout.")
def anchor(*, files: tuple[Path, ...], name: str, out: Path | None) -> None:
    """Write certificates as C arrays, for a sketch to add as trust anchors.

    Each FILE is PEM or DER; of a key file only the certificates are taken.  The second array is
    called NAME_2, and so on.
    """
    anchors = options.load_anchor_files(files)
    # What the verifier can't use as an anchor has been refused by now.
    certificates = [x509.load_der_x509_certificate(one.certificate.der) for one in anchors]
    header = pki.c_header(certificates, name)
    if out is None:
        click.echo(header, nl=False)
    else:
        console.write_output(out, header.encode("utf-8"))
        console.note(f"{len(certificates)} certificate(s) written to {out}")
