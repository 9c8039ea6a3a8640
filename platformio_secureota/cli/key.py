"""`secureota key`: the keys of one person, and their backups."""

from __future__ import annotations

import os
from pathlib import Path

import click
from cryptography.hazmat.primitives.serialization import Encoding

from platformio_secureota import keystore, pki
from platformio_secureota.cli import console, key_paper, key_show, options, passphrase
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.pio import project_key


@click.group(short_help="Keys: make, show, protect, print on paper, restore.")
def key() -> None:
    """Signing keys of one person, and what keeps them from getting lost.

    \b
    In a PlatformIO project, the first build makes two keys: one to work with and a backup.
      secureota key show                         which keys the project has, and which are here
      secureota key paper KEY.pem -o backup.pdf  a sheet to print: then remove the backup's file
      secureota key restore photo.png            back from the sheet

    A passphrase comes from --passphrase-file, from SECUREOTA_KEY_PASSPHRASE, or from you.
    """  # noqa: D301 - \b is click's mark for lines to be kept


key.add_command(key_show.show)
key.add_command(key_paper.paper)
key.add_command(key_paper.restore)


@key.command(short_help="Make a signing key and its certificate.")
@click.option(
    "out",
    "--out",
    type=options.FILE,
    required=True,
    help="PEM file for both, readable by you alone.  An existing file is never replaced.",
)
@click.option(
    "kind",
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
@click.option("encrypt", "--encrypt", is_flag=True, help="Ask for a passphrase if none is given.")
@passphrase.file_option
def new(
    *,
    out: Path,
    kind: str,
    name: str,
    policies: tuple[str, ...],
    certificate_out: Path | None,
    encrypt: bool,
    passphrase_file: Path | None,
) -> None:
    """Make a signing key and the certificate that names it.

    The key is encrypted if a passphrase is given, or asked for with --encrypt.
    """
    console.prepare_output(certificate_out)
    secret = None
    if encrypt or passphrase_file is not None or console.key_passphrase():
        secret = passphrase.new(str(out), passphrase_file)
    identity = pki.generate(kind, name=name, policies=policies)
    pki.write_pem(out, identity, passphrase=secret)
    if certificate_out is not None:
        console.write_output(certificate_out, identity.certificate.public_bytes(Encoding.PEM))
    console.note(f"Back it up now, offline: secureota key paper {out} --out backup.pdf")
    click.echo(key_show.text(out), nl=False)


@key.command(short_help="Add a backup key to a project.")
@click.option(
    "project",
    "--project",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The PlatformIO project's folder.  [default: this one]",
)
@click.option("encrypt", "--encrypt", is_flag=True, help="Ask for a passphrase if none is given.")
@passphrase.file_option
def backup(*, project: Path, encrypt: bool, passphrase_file: Path | None) -> None:
    """Make one more key that devices will trust, for the day on which the other is lost.

    Its certificate is appended to the project's secureota/anchor.pem.  Devices trust it once they
    run a firmware that was built after this: build, and update them.
    """
    secret = None
    if encrypt or passphrase_file is not None or console.key_passphrase():
        secret = passphrase.new("the backup key", passphrase_file)
    config = keystore.config_dir(os.environ)
    path = project_key.add_backup(project, config, passphrase=secret)
    console.note(f"Its certificate is in {project / project_key.ANCHOR}: commit it, build, and")
    console.note("update the devices.  Print the key, then remove it from this machine:")
    console.note(f'  secureota key paper "{path}" --out backup.pdf')
    click.echo(key_show.text(path), nl=False)


@key.command(short_help="Protect a key file by a passphrase, or change it.")
@click.argument("file", type=options.FILE)
@passphrase.file_option
@click.option(
    "new_file",
    "--new-passphrase-file",
    type=options.FILE,
    help="File whose first line is the new passphrase.  [default: as for --passphrase-file if the "
    "key is not encrypted yet; else you are asked]",
)
def encrypt(*, file: Path, passphrase_file: Path | None, new_file: Path | None) -> None:
    """Encrypt the key in FILE, or change the passphrase of one that is encrypted.

    The file is replaced as a whole.  Copies that were made before keep what they had.
    """
    was_encrypted = passphrase.is_encrypted(file)
    identity = pki.load_identity(
        file, passphrase=passphrase.of_key_file(file, passphrase_file) if was_encrypted else None
    )
    if was_encrypted or new_file is not None:
        secret = passphrase.new(str(file), new_file, environment=False)
    else:
        secret = passphrase.new(str(file), passphrase_file)
    pki.write_pem(file, identity, passphrase=secret, replace=True)
    done = "has a new passphrase" if was_encrypted else "is encrypted"
    console.note(f"{file} {done}.  A passphrase that is forgotten can't be had back.")


@key.command(short_help="Remove the passphrase of a key file.")
@click.argument("file", type=options.FILE)
@passphrase.file_option
def decrypt(*, file: Path, passphrase_file: Path | None) -> None:
    """Write the key in FILE without a passphrase: whoever can read the file can sign."""
    if file.is_file() and not passphrase.is_encrypted(file):
        raise Unusable(Reason.Usage, f"{file} is not encrypted")
    secret = passphrase.of_key_file(file, passphrase_file)
    pki.write_pem(file, pki.load_identity(file, passphrase=secret), replace=True)
    console.note(f"{file} is not encrypted any more.")
