"""`secureota send-first-image-unsigned`: how a device with the stock library moves in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from platformio_secureota.cli import device_password, options, progress, upload
from platformio_secureota.image import Image
from platformio_secureota.ota import Settings, Target, Timeouts
from platformio_secureota.ota.first_image import FirstImage, send_first_image

if TYPE_CHECKING:
    from pathlib import Path

NEXT = (
    "its other slot still holds firmware that takes anybody's image: send a signed update now, "
    "which overwrites that"
)


@click.command("send-first-image-unsigned", short_help="Bring SecureOTA to a device without it.")
@click.argument("image", type=options.FILE)
@click.argument("target", metavar="HOST[:PORT]")
@click.option(
    "host_port",
    "--host-port",
    type=upload.PORT,
    default=0,
    help="TCP port of this computer that the device connects to.  [default: any free one]",
)
@click.option(
    "host_address",
    "--host-address",
    default="",
    help="Address of this computer.  [default: by the route to the device]",
)
@options.password_file_option
@click.option(
    "allow_weak_password",
    "--allow-weak-password",
    is_flag=True,
    help="Answer a device that asks for an MD5 of the password.  Give the new firmware another.",
)
@click.option(
    "timeout",
    "--timeout",
    type=upload.SECONDS,
    default=Timeouts.invitation,
    show_default=True,
    help="Seconds for the device to answer, and again to connect.",
)
@click.option(
    "wait_timeout",
    "--wait-timeout",
    type=upload.SECONDS,
    default=Timeouts.back,
    show_default=True,
    help="Seconds for the device to come back with the new image.",
)
def send_first_image_unsigned(
    *,
    image: Path,
    target: str,
    host_port: int,
    host_address: str,
    password_file: Path | None,
    allow_weak_password: bool,
    timeout: float,
    wait_timeout: float,
) -> None:
    """Send the plain image in the file IMAGE to a device that checks no signatures yet.

    Once, for a device with the stock ArduinoOTA: from then on it takes signed images only.  A
    device that understands signed uploads already gets nothing (AlreadySecured), and an image
    without SecureOTA in it is not sent.  docs/migrate.md is the guide.
    """
    device = Target.parse(target)
    display = progress.display()
    settings = Settings(
        host_address=host_address,
        host_port=host_port,
        allow_weak_password=allow_weak_password,
        timeouts=Timeouts(invitation=timeout, connection=timeout, back=wait_timeout),
    )
    with display:
        moved = send_first_image(
            Image.read(image).data,
            device,
            password=device_password.source(device, file=password_file, ask=display.ask_password),
            progress=display.progress,
            on_state=display.state,
            settings=settings,
        )
    click.echo(f"accepted: {told(moved)}")


def told(moved: FirstImage) -> str:
    """Say what was reached, and what is still to be done."""
    return f"{moved.ip} took it in {moved.seconds:.1f} s and checks signatures from now on; {NEXT}"
