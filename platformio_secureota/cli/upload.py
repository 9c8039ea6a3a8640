"""`secureota upload`, and the sending that other commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from platformio_secureota.cli import console, device_password, fleet, options, progress, verdict
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.fleet import Limits
from platformio_secureota.ota import Connection, ImageKind, Settings, Target, Timeouts, Wait
from platformio_secureota.ota import upload as upload_container

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = {"app": ImageKind.APPLICATION, "fs": ImageKind.FILESYSTEM}

CONNECTION = click.Choice([way.value for way in Connection])
PORT = click.IntRange(0, 65535)
SECONDS = click.FloatRange(0.1, 3600)


@click.command(short_help="Send a signed image to a device, or to many.")
@click.argument("image", type=options.FILE)
@click.argument("targets", metavar="[HOST[:PORT]]...", nargs=-1)
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
@options.password_file_option
@click.option(
    "wait",
    "--wait/--no-wait",
    default=None,
    help="Wait until the device runs the new image, and fail if it does not.  [default: no-wait "
    "for one device, wait for several]",
)
@click.option(
    "wait_confirmed",
    "--wait-confirmed",
    is_flag=True,
    help="Wait until that image has also said that it works.",
)
@click.option(
    "wait_timeout",
    "--wait-timeout",
    type=SECONDS,
    default=Timeouts.back,
    show_default=True,
    help="Seconds for the device to run the new image.  It may take 180 s, or as long as this, to "
    "confirm it.",
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
@fleet.targets_options
def upload(  # noqa: PLR0913 - one argument an option
    *,
    image: Path,
    targets: tuple[str, ...],
    kind: str,
    connection: str,
    host_port: int,
    host_address: str,
    password_file: Path | None,
    wait: bool | None,
    wait_confirmed: bool,
    wait_timeout: float,
    allow_weak_password: bool,
    timeout: float,
    idle_timeout: float,
    targets_file: Path | None,
    groups: tuple[str, ...],
    parallel: int,
    max_failures: int,
    report: str,
) -> None:
    """Send the signed image in the file IMAGE to the device HOST, UDP port 3232 by default.

    HOST is a name, an address, or mdns:NAME of `secureota devices`.  Exit status 0 only after the
    device has said that it accepted the image, and with --wait that it runs it; 1 after a refusal;
    2 where it came to no verdict.  An image that is not signed is not sent.

    Several devices, or those of a file: first one of them, the canary; if it is good, the others,
    as many at once as --parallel says.  --wait is then the default.  Devices that run the image
    already are left alone, so the same command again goes on where it was stopped.  Exit status 0
    only if all have the image.

    The device's password comes from --password-file, SECUREOTA_PASSWORD, SECUREOTA_PASSWORD_FILE,
    the system's keyring (service secureota, user HOST), or is asked for on a terminal.
    """
    if wait is False and wait_confirmed:
        raise Unusable(Reason.Usage, "--no-wait and --wait-confirmed contradict each other")
    words = fleet.Words(targets, targets_file, groups, Limits(parallel, max_failures), report)
    if wait is None:
        wait = not words.one
    settings = Settings(
        connection=Connection(connection),
        host_address=host_address,
        host_port=host_port,
        allow_weak_password=allow_weak_password,
        wait=Wait.CONFIRMED if wait_confirmed else Wait.RUNNING if wait else Wait.NO,
        timeouts=Timeouts(
            invitation=timeout,
            connection=timeout,
            sending=idle_timeout,
            back=wait_timeout,
            confirmation=max(Timeouts.confirmation, wait_timeout),
        ),
    )
    container = read_container(image)
    if not words.one:
        fleet.roll_out(
            container, words, kind=_KINDS[kind], settings=settings, password_file=password_file
        )
        return
    deliver(
        container,
        Target.parse(targets[0]),
        kind=_KINDS[kind],
        settings=settings,
        display=progress.display(),
        password_file=password_file,
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
    password: str = "",
    password_file: Path | None = None,
) -> None:
    """Send a container and show what happens; returns if the device accepted it."""
    with display:
        outcome = upload_container(
            container,
            target,
            kind=kind,
            password=device_password.source(
                target, given=password, file=password_file, ask=display.ask_password
            ),
            progress=display.progress,
            on_state=display.state,
            settings=settings,
        )
    verdict.warn(outcome)
    click.echo(
        f"accepted: {outcome.ip} says so, after {outcome.size} bytes in {outcome.seconds:.1f} s "
        "(the word of a device is not authenticated)"
    )
    if outcome.status is not None:
        click.echo(f"running: {outcome.ip} {verdict.running(outcome)}")
    elif settings.wait is not Wait.NO and kind is ImageKind.APPLICATION:
        console.warn(verdict.UNKNOWN)
