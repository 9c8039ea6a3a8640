"""`secureota status`: what a device says that it runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from platformio_secureota.cli import device_password, options
from platformio_secureota.ota import Settings, Target, ask_status

if TYPE_CHECKING:
    from pathlib import Path

    from platformio_secureota.ota import Status

_NOBODY = "nobody vouches for this answer"
_VOUCHED = "the device's password vouches for this answer"


@click.command(short_help="Ask a device what it runs.")
@click.argument("target", metavar="HOST[:PORT]")
@click.option("as_json", "--json", is_flag=True, help="For machines.")
@options.password_file_option
@click.option("host_address", "--host-address", default="", help="Address of this computer.")
@click.option(
    "allow_weak_password", "--allow-weak-password", is_flag=True,
    help="The device may have stored an MD5 of the password.",
)  # fmt: skip
@click.option(
    "timeout", "--timeout", type=click.FloatRange(0.1, 3600), default=5.0, show_default=True,
    help="Seconds for the device to answer.",
)  # fmt: skip
def status(
    *,
    target: str,
    as_json: bool,
    password_file: Path | None,
    host_address: str,
    allow_weak_password: bool,
    timeout: float,
) -> None:
    """Ask the device HOST, UDP port 3232 by default, what it runs.

    If its password is set here (see `secureota upload`), the answer has to prove it.  Exit status:
    0 answered, 1 not proven, 2 no answer; firmware that does not know the question gives none.
    """
    device = Target.parse(target)
    found, vouched = ask_status(
        device,
        password=device_password.source(device, file=password_file),
        timeout=timeout,
        settings=Settings(host_address=host_address, allow_weak_password=allow_weak_password),
    )
    values = _values(found)
    if as_json:
        click.echo(json.dumps({**values, "vouched": vouched}))
        return
    for name, value in values.items():
        click.echo(f"{name:8} {'-' if value is None else value}")
    unchecked = f"{_NOBODY}: its password is not set here" if found.proof else _NOBODY
    click.echo(_VOUCHED if vouched else unchecked)


def _values(found: Status) -> dict[str, str | None]:
    return {
        "image": found.image.hex() if found.image is not None else None,
        "state": "confirmed" if found.confirmed else "pending",
        "floor": found.floor or None,
        "product": found.product or None,
        "version": found.version or None,
        "last": found.last or None,
    }
