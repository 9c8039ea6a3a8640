"""`secureota upload`, and the sending that other commands share."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import click

from platformio_secureota.cli import console, options, progress
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.ota import Connection, Form, ImageKind, Settings, Target, Timeouts
from platformio_secureota.ota import upload as upload_container
from platformio_secureota.ota.auth import PasswordForm

if TYPE_CHECKING:
    from pathlib import Path

    from platformio_secureota.ota import Password, Verdict

_KINDS = {"app": ImageKind.APPLICATION, "fs": ImageKind.FILESYSTEM}

CONNECTION = click.Choice([way.value for way in Connection])
PORT = click.IntRange(0, 65535)
SECONDS = click.FloatRange(0.1, 3600)


@click.command(short_help="Send a signed image to a device.")
@click.argument("image", type=options.FILE)
@click.argument("target", metavar="HOST[:PORT]")
@click.option(
    "kind",
    "--kind",
    type=click.Choice(list(_KINDS)),
    default="app",
    show_default=True,
    help="What IMAGE is: an application or a filesystem.",
)
@click.option(
    "connection",
    "--connection",
    type=CONNECTION,
    default=Connection.AUTO.value,
    show_default=True,
    help="Who opens the TCP connection: this computer (direct), the device (back), or this "
    "computer where the device takes that, and else the device (auto).",
)
@click.option(
    "host_port",
    "--host-port",
    type=PORT,
    default=0,
    help="TCP port of this computer that the device connects to.  [default: any free one]",
)
@click.option(
    "host_address",
    "--host-address",
    default="",
    help="Address of this computer, for both ways.  [default: by the route to the device]",
)
@click.option(
    "allow_weak_password",
    "--allow-weak-password",
    is_flag=True,
    help="Answer devices that ask for an MD5 of the password.  Whoever sends that question can "
    "then guess it.",
)
@click.option(
    "timeout",
    "--timeout",
    type=SECONDS,
    default=Timeouts.invitation,
    show_default=True,
    help="Seconds for the device to answer, and again to connect.",
)
@click.option(
    "idle_timeout",
    "--idle-timeout",
    type=SECONDS,
    default=Timeouts.sending,
    show_default=True,
    help="Seconds in which the device may take nothing.",
)
def upload(  # noqa: PLR0913 - one argument an option
    *,
    image: Path,
    target: str,
    kind: str,
    connection: str,
    host_port: int,
    host_address: str,
    allow_weak_password: bool,
    timeout: float,
    idle_timeout: float,
) -> None:
    """Send the signed image in the file IMAGE to the device HOST, UDP port 3232 by default.

    Exit status 0 only after the device has said that it accepted the image; 1 after a refusal; 2
    where it came to no verdict.  An image that is not signed is not sent.

    The device's password comes from SECUREOTA_PASSWORD, or is asked for on a terminal.
    """
    settings = Settings(
        connection=Connection(connection),
        host_address=host_address,
        host_port=host_port,
        allow_weak_password=allow_weak_password,
        timeouts=Timeouts(invitation=timeout, connection=timeout, sending=idle_timeout),
    )
    deliver(
        read_container(image),
        Target.parse(target),
        kind=_KINDS[kind],
        settings=settings,
        display=progress.display(),
    )


def read_container(path: Path) -> bytes:
    """Bytes of a file that should be a signed image; `upload` judges that."""
    try:
        return path.read_bytes()
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause


def deliver(
    container: bytes,
    target: Target,
    *,
    kind: ImageKind,
    settings: Settings,
    display: progress.Display,
    password: Password = None,
) -> None:
    """Send a container and show what happens; returns if the device accepted it."""
    with display:
        verdict = upload_container(
            container,
            target,
            kind=kind,
            password=password or functools.partial(display.ask_password),
            progress=display.progress,
            on_state=display.state,
            settings=settings,
        )
    _show(verdict)


def _show(verdict: Verdict) -> None:
    if verdict.password_form in {PasswordForm.MD5, PasswordForm.STORED_MD5}:
        console.warn(f"the password was shown in a weak form: {verdict.password_form.value}")
    if verdict.form is Form.STOCK:
        console.warn(
            "the device answered the stock invitation only: if its firmware checks no signatures, "
            "it takes anybody's image"
        )
    click.echo(
        f"accepted: {verdict.ip} says so, after {verdict.size} bytes in {verdict.seconds:.1f} s "
        "(the word of a device is not authenticated)"
    )
