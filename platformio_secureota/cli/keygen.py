"""`secureota keygen`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from cryptography.hazmat.primitives.serialization import Encoding

from platformio_secureota import pki
from platformio_secureota.cli import console, options

if TYPE_CHECKING:
    from pathlib import Path


@click.command(short_help="Make a signing key and its certificate.")
@click.option(
    "out",
    "--out",
    type=options.FILE,
    required=True,
    help="PEM file for both, readable by you alone.  An existing file is never replaced.",
)
@click.option(
    "--kind",
    type=click.Choice(pki.KINDS),
    default=pki.KINDS[0],
    show_default=True,
    help="p256 is small and signs fast; rsa2048 is verified fastest on the device.",
)
@click.option("--name", default="", help="Common name in the certificate; devices' logs show it.")
@click.option(
    "policies",
    "--policy",
    type=options.oid,
    metavar="OID",
    multiple=True,
    help="Policy that the certificate asserts, for devices that require one.  Repeatable.",
)
@click.option(
    "certificate_out",
    "--certificate-out",
    type=options.FILE,
    help="Write the certificate alone too, PEM: the part to commit and to give away.",
)
def keygen(
    *, out: Path, kind: str, name: str, policies: tuple[str, ...], certificate_out: Path | None
) -> None:
    """Make a signing key and the certificate that names it.

    Whoever has the key can approve firmware for every device that has the certificate, for 20
    years.  Whoever loses the only key can update those devices by cable alone: make two or three
    keys, put all their certificates into the firmware, and keep the others offline.

    Prints the certificate as a C header, to be compiled into the firmware.  With
    SECUREOTA_KEY_PASSPHRASE set, the key in the file is encrypted.
    """
    console.prepare_output(certificate_out)
    passphrase = console.key_passphrase()
    identity = pki.generate(kind, name=name, policies=policies)
    pki.write_pem(out, identity, passphrase=passphrase)
    if certificate_out is not None:
        console.write_output(certificate_out, identity.certificate.public_bytes(Encoding.PEM))
    protection = "encrypted with SECUREOTA_KEY_PASSPHRASE" if passphrase else "not encrypted"
    console.note(f"The signing key and its certificate are in {out}, {protection}.")
    console.note(f"Key fingerprint (SHA-256 of SubjectPublicKeyInfo): {identity.fingerprint}")
    console.note(f"Back up {out} now, offline: without it these devices take no more updates.")
    if passphrase:
        console.note("Back up the passphrase too, somewhere else.")
    console.note(f"Next: compile the array below in, then secureota sign IMAGE --key {out}")
    click.echo(pki.c_header([identity.certificate]), nl=False)
