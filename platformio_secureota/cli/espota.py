"""`secureota espota`: the command line of the older signed OTA tool, for its users and their files.

The flags mean what they meant there; what changed is the answer.  An image goes out signed or not
at all, and the exit status is 0 only after the device's yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from platformio_secureota import hsm, key_source, pki
from platformio_secureota.cli import console, espota_signing, options, progress, upload
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.ota import (
    DEFAULT_PORT,
    ImageKind,
    Settings,
    Target,
    Timeouts,
    TransportDigest,
)

if TYPE_CHECKING:
    from pathlib import Path

_ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - the older tool's default; here it means: by the route
_DIGESTS = {"md5": TransportDigest.MD5, "sha256": TransportDigest.SHA256}


@click.command(short_help="The older tool's flags: sign and send, or make a key.")
@click.option("ip", "-i", "--ip", default="", help="Name or address of the device.")
@click.option("host_ip", "-I", "--host_ip", default=_ANY_ADDRESS, help="Address of this computer.")
@click.option(
    "port", "-p", "--port", type=click.IntRange(1, 65535), default=DEFAULT_PORT, show_default=True,
    help="UDP port of the device.",
)  # fmt: skip
@click.option(
    "host_port", "-P", "--host_port", type=upload.PORT, default=0,
    help="TCP port of this computer that the device connects to.  [default: any free one]",
)  # fmt: skip
@click.option(
    "password", "-a", "--auth", default="",
    help="Password of the device.  SECUREOTA_PASSWORD in the environment is safer.",
)  # fmt: skip
@click.option(
    "auth_digest", "-A", "--authentication-digest",
    type=click.Choice(list(_DIGESTS), case_sensitive=False), default="sha256", show_default=True,
    help="md5: also answer devices that ask for an MD5 of the password.",
)  # fmt: skip
@click.option(
    "md5_target", "--md5-target", is_flag=True, help="The same as --authentication-digest=md5."
)
@click.option("file", "-f", "--file", type=options.FILE, help="Image, or signed image.")
@click.option("filesystem", "-s", "--spiffs", is_flag=True, help="FILE is a filesystem image.")
@click.option("debug", "-d", "--debug", is_flag=True, help="Say more.")
@click.option("show_progress", "-r", "--progress", is_flag=True, help="Show progress.")
@click.option(
    "timeout", "-t", "--timeout", type=upload.SECONDS, default=Timeouts.invitation,
    show_default=True, help="Seconds for the device to answer.",
)  # fmt: skip
@click.option(
    "digest", "-m", "--digest", type=click.Choice(list(_DIGESTS), case_sensitive=False),
    default="sha256", show_default=True,
    help="Digest that the invitation names.  It finds damage; it is no signature.",
)  # fmt: skip
@click.option(
    "url", "-S", "--sign", metavar="URL", default="", help="Timestamp authority to sign the image."
)
@click.option(
    "key", "-K", "--signing-key", metavar="FILE|URI",
    help="Key file to sign the image, or pkcs11: URI of a key in a token.",
)  # fmt: skip
@click.option(
    "generate", "-G", "--generate-signing-key", "--generate", is_flag=True,
    help="Make the key file that --signing-key names, and print its certificate.",
)  # fmt: skip
@options.anchor_option
@click.option(
    "for_old_readers", "--compat", type=click.Choice(["redwax"]),
    help="With --signing-key: write what deployed readers of the older tool can take.",
)  # fmt: skip
def espota(  # noqa: PLR0913 - one argument an option
    *,
    ip: str,
    host_ip: str,
    port: int,
    host_port: int,
    password: str,
    auth_digest: str,
    md5_target: bool,
    file: Path | None,
    filesystem: bool,
    debug: bool,
    show_progress: bool,
    timeout: float,
    digest: str,
    url: str,
    key: str | None,
    generate: bool,
    anchors: tuple[Path, ...],
    for_old_readers: str | None,
) -> None:
    """Sign an image and send it to a device, with the older tool's flags.

    \b
      secureota espota --signing-key=KEY.pem --generate-signing-key
      secureota espota -i ADDRESS -f firmware.bin --signing-key=KEY.pem
      secureota espota -i ADDRESS -f firmware.bin --sign=https://tsa.example/
      secureota espota -i ADDRESS -f firmware.signed.bin

    An image that is not signed is not sent.  With --sign, the authority's answer is checked against
    the anchors of --anchor, of SECUREOTA_TRUST_ANCHORS, or of ./secureota/anchor.pem.
    """  # noqa: D301 - \b is click's mark for lines to be kept
    if generate:
        if ip or file or url:
            raise Unusable(Reason.Usage, "--generate-signing-key makes a key and sends nothing")
        if key is None:
            raise Unusable(Reason.Usage, "--generate-signing-key needs --signing-key=FILE")
        _generate(key)
        return
    if not ip or file is None:
        raise Unusable(Reason.Usage, "--ip says where, and --file what to send: both are needed")
    if password:
        console.warn(
            "a password on the command line shows in process lists and logs; "
            "SECUREOTA_PASSWORD in the environment does not"
        )
    wants_md5 = md5_target or auth_digest == "md5"
    settings = Settings(
        host_address="" if host_ip == _ANY_ADDRESS else host_ip,
        host_port=host_port,
        allow_weak_password=wants_md5,
        transport_digest=_DIGESTS[digest],
        timeouts=Timeouts(invitation=timeout, connection=timeout),
    )
    container = espota_signing.signed_container(
        file,
        key=key,
        url=url,
        anchors=anchors,
        filesystem=filesystem,
        for_old_readers=bool(for_old_readers),
    )
    if debug:
        console.note(f"{len(container)} bytes for {ip}, UDP port {port}; {settings}")
    upload.deliver(
        container,
        Target(ip, port),
        kind=ImageKind.FILESYSTEM if filesystem else ImageKind.APPLICATION,
        settings=settings,
        display=progress.display() if show_progress else progress.Lines(percent=False),
        password=password,
    )


def _generate(key: str) -> None:
    path = key_source.parse(key)
    if isinstance(path, hsm.Pkcs11Uri):
        hint = "secureota hsm keygen makes a key in a token"
        raise Unusable(Reason.Usage, "--generate-signing-key makes a file", hint=hint)
    passphrase = console.key_passphrase()
    identity = pki.generate()
    pki.write_pem(path, identity, passphrase=passphrase)
    console.note(f"The signing key is in {path}: keep it secret, and a copy of it safe.")
    console.note("Its certificate, which is no secret, goes into the firmware:")
    click.echo(pki.c_header([identity.certificate]), nl=False)
