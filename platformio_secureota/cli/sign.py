"""`secureota sign`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from platformio_secureota import compat, container, names
from platformio_secureota.anchors import TrustAnchor
from platformio_secureota.cli import (
    authorities,
    console,
    manifest_options,
    options,
    signing_key,
)
from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.image import Image
from platformio_secureota.sign import sign as sign_image
from platformio_secureota.tsa.client import DEFAULT_TIMEOUT
from platformio_secureota.tsa.local import CERTIFICATE_CHOICES

if TYPE_CHECKING:
    from pathlib import Path

    from platformio_secureota.sign import Tsa


@click.command(short_help="Sign an image, with a key or by a timestamp authority.")
@click.argument("image", type=options.FILE)
@click.option(
    "key", "--key", metavar="FILE|URI", help="Key file, or pkcs11: URI of a key in a token."
)
@click.option(
    "urls",
    "--tsa",
    metavar="URL",
    multiple=True,
    help="Timestamp authority to ask (RFC 3161).  Repeatable: the first that answers.",
)
@options.anchor_option
@click.option("policy", "--policy", type=options.oid, metavar="OID", help="Policy to ask for.")
@click.option(
    "certs",
    "--certs",
    type=click.Choice(CERTIFICATE_CHOICES),
    default="all",
    show_default=True,
    help="Certificates to put into the token; a device needs none if its anchor is the signer's.",
)
@click.option(
    "for_compat",
    "--compat",
    type=click.Choice(["redwax"]),
    help="Write what deployed readers of the older signed OTA tools can take.",
)
@click.option(
    "out",
    "-o",
    "--out",
    type=options.FILE,
    help="Signed image to write.  [default: IMAGE with .signed.bin for its suffix]",
)
@click.option(
    "token_out",
    "--token-out",
    type=options.FILE,
    help="Write the bare timestamp too (firmware.tsr), for `openssl ts -verify`.",
)
@manifest_options.manifest_options
@click.option("ca_file", "--tsa-ca", type=options.FILE, help="CA certificates of --tsa's TLS.")
@click.option(
    "timeout",
    "--tsa-timeout",
    type=click.FloatRange(0.1, 3600),
    default=DEFAULT_TIMEOUT,
    show_default=True,
    help="Seconds to wait for each --tsa, its retries included.",
)
@click.option("proxy", "--tsa-proxy", metavar="URL", default="", help="HTTP proxy towards --tsa.")
def sign(  # noqa: PLR0913 - one argument an option
    *,
    image: Path,
    key: str | None,
    urls: tuple[str, ...],
    anchors: tuple[Path, ...],
    policy: str | None,
    certs: str,
    for_compat: str | None,
    out: Path | None,
    token_out: Path | None,
    ca_file: Path | None,
    timeout: float,
    proxy: str,
    kind: str | None,
    product: str,
    hardware: tuple[str, ...],
    image_version: str,
) -> None:
    """Sign the firmware in the file IMAGE.

    Either with a key on this machine (--key), or by a timestamp authority (--tsa), which keeps the
    key and attests the time.  The result is verified, by the rules of a device that trusts the
    --anchor certificates, before anything is written.  With --key the default anchor is the key's
    own certificate.  `secureota hsm` tells about keys in tokens.

    Several authorities are asked in the order given, until one answers.  A token that does not
    verify, or a rejection, is an error, and nobody else is asked then.

    With --kind, --product, --hardware or --image-version a manifest is put behind the image before
    it is signed: devices that have a product take no application without one, and no device takes
    a filesystem without one.  The file that the token then covers is kept beside IMAGE, with
    .image.bin for its suffix.  An ESP32 application has its manifest inside, from its build.

    Credentials for the authority come from the environment: SECUREOTA_TSA_TOKEN, or
    SECUREOTA_TSA_TOKEN_FILE, or SECUREOTA_TSA_USER and SECUREOTA_TSA_PASSWORD; with them or alone
    SECUREOTA_TSA_CLIENT_CERT and SECUREOTA_TSA_CLIENT_KEY.  SECUREOTA_TSA_CA is the default of
    --tsa-ca.  Proxy variables and .netrc are not read.
    """
    destination = out or image.with_suffix(".signed.bin")
    manifest = manifest_options.read(
        kind=kind, product=product, hardware=hardware, image_version=image_version
    )
    covered = None if manifest is None else manifest_options.covered_name(image)
    _check_names(image, destination, token_out, covered)
    trusted = options.load_anchor_files(anchors)
    data = Image.read(image)
    if _is_container(data.data):
        raise Unusable(Reason.Usage, f"{image} is a signed image already")
    if manifest is not None:
        data = manifest_options.with_manifest(data, manifest, name=image)
    tsa: Tsa
    if key is not None and not urls:
        local = signing_key.tsa_of(key, for_old_readers=bool(for_compat), certs=certs)
        trusted = trusted or [TrustAnchor.from_der(local.identity.anchor_der)]
        tsa = local
    elif urls and key is None:
        tsa = authorities.ask(urls, option="--tsa", timeout=timeout, ca_file=ca_file, proxy=proxy)
    else:
        raise Unusable(Reason.Usage, "either --key or --tsa says who signs")
    authorities.warn_if_public(trusted)
    signed = sign_image(data, tsa, anchors=trusted, policy=policy)
    if for_compat:
        compat.check_redwax(signed.token)
    if covered is not None:
        console.write_output(covered, data.data)
    if token_out is not None:
        console.write_output(token_out, signed.token)
    console.write_output(destination, signed.container)
    verified = signed.verified
    click.echo(
        f"signed {console.utc(verified.gen_time)} by {names.show(verified.signer.subject)}: "
        f"{destination} ({len(signed.container)} bytes, {len(signed.token)} of them the token)"
    )
    if covered is not None:
        click.echo(f"the token covers {covered}: {image} and its manifest")


def _is_container(data: bytes) -> bool:
    # Signed twice, an image would be refused by the bootloader instead of here.
    try:
        container.parse(data)
    except Refused as refusal:
        return refusal.reason is not Reason.NotSigned
    return True


def _check_names(image: Path, *others: Path | None) -> None:
    names = [path.resolve() for path in (image, *others) if path is not None]
    if len(set(names)) != len(names):
        raise Unusable(Reason.Usage, "image, output and token must be different files")
