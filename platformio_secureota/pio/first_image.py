"""Bringing SecureOTA to a device with the stock library: `pio run -t send-first-image-unsigned`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platformio_secureota import ota
from platformio_secureota.cli import device_password, send_first_image_unsigned
from platformio_secureota.cli.progress import Lines
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.ota.first_image import send_first_image
from platformio_secureota.pio.upload import GrowingBar

if TYPE_CHECKING:
    from platformio_secureota.cli.fleet import Words
    from platformio_secureota.pio.upload import Flags


def target(words: Words) -> ota.Target:
    """The one device.  Unusable(Usage) for several: who moves in is looked at one by one."""
    if not words.one:
        detail = f"a first image goes to one device at a time, not to {words}"
        raise Unusable(Reason.Usage, detail, hint="name it with --upload-port")
    return ota.Target.parse(words.targets[0])


def send(image: bytes, device: ota.Target, *, flags: Flags, live: bool) -> str:
    """Send, and return a line about what was reached.  `live`: somebody is watching."""
    with GrowingBar() if live else Lines() as display:
        moved = send_first_image(
            image,
            device,
            password=device_password.source(device, given=flags.password, file=flags.password_file),
            progress=display.progress,
            on_state=display.state,
            settings=flags.settings,
        )
    return send_first_image_unsigned.told(moved)
