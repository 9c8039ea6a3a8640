"""`secureota hsm`: looking into PKCS#11 tokens, and making a key in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from cryptography.hazmat.primitives.serialization import Encoding

from platformio_secureota import pki
from platformio_secureota.cli import console, options
from platformio_secureota.hsm import Pkcs11Uri, parse
from platformio_secureota.hsm.uri import CERTIFICATE

if TYPE_CHECKING:
    from pathlib import Path


@click.group(short_help="Keys in a smart card or hardware security module (PKCS#11).")
def hsm() -> None:
    """Keys in a smart card, a USB key or a hardware security module.

    They are named by pkcs11: URIs (RFC 7512); `sign --key` and platformio.ini take those too.  The
    module is named by module-path in the URI or SECUREOTA_PKCS11_MODULE, the PIN comes from the
    file in pin-source, SECUREOTA_PKCS11_PIN, or is asked for at a terminal.
    """


@hsm.command("list", short_help="Show the tokens, and the keys in them.")
@click.option("path", "--module", metavar="PATH", default="", help="PKCS#11 module to look into.")
def list_(*, path: str) -> None:
    """Print a URI for each key that can be seen without a PIN: public keys and certificates."""
    from platformio_secureota.hsm import listing  # noqa: PLC0415 - needs the extra `hsm`

    for entry in listing.entries(path or console.token_access().module):
        click.echo(entry)


@hsm.command("keygen", short_help="Make a key inside a token.")
@click.argument("uri", metavar="URI")
@click.option(
    "--kind", type=click.Choice(pki.KINDS), default=pki.KINDS[0], show_default=True, help="Of key."
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
    required=True,
    help="PEM file for the certificate: the part to commit and to give away.",
)
def keygen(
    *, uri: str, kind: str, name: str, policies: tuple[str, ...], certificate_out: Path
) -> None:
    """Make a signing key in the token that URI names, under the label in its `object`.

    The key can't leave the token, so there is no backup of it: make a second one in another token,
    and put both certificates into the firmware.  The certificate goes into the token too, where
    `sign` finds it.  Prints it as a C header, to be compiled into the firmware.
    """
    from platformio_secureota.hsm import generate  # noqa: PLC0415 - needs the extra `hsm`

    console.prepare_output(certificate_out)
    place = parse(uri)
    access = console.token_access()
    key = generate.generate(place, kind, access)
    identity = pki.self_signed(key, name=name, policies=policies)
    generate.store_certificate(place, identity.certificate, access)
    console.write_output(certificate_out, identity.certificate.public_bytes(Encoding.PEM))
    console.note(f"The signing key is in the token, as {_short(place)}")
    console.note(f"Its certificate is in {certificate_out}, and in the token.")
    console.note(f"Key fingerprint (SHA-256 of SubjectPublicKeyInfo): {identity.fingerprint}")
    console.note(f"Should the token lose it: ?{CERTIFICATE}={certificate_out} names the file.")
    click.echo(pki.c_header([identity.certificate]), nl=False)


def _short(uri: Pkcs11Uri) -> str:
    return f"{uri}?module-path={uri.module_path}" if uri.module_path else str(uri)
