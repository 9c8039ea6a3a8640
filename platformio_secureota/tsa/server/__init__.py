"""A timestamp authority behind HTTP, for keys that approve firmware (docs/tsa.md).

Here a token means "this firmware is approved": who asked, under which policy and when is the
security.  Every token's line is on disk before the token leaves.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platformio_secureota.tsa.server.app import Application

CONFIG_VARIABLE = "SECUREOTA_TSA_CONFIG"
"""Names the configuration where nobody can hand it over: `uvicorn --factory`."""

__all__ = ["CONFIG_VARIABLE", "create_app"]


def create_app() -> Application:
    """Make the ASGI application of the configuration that SECUREOTA_TSA_CONFIG names.

    For `uvicorn --factory platformio_secureota.tsa.server:create_app --no-proxy-headers`, with as
    many workers as you like: they share one log.
    """
    # Late, so that `tsa log verify` needs no web server.
    from platformio_secureota.tsa.server.app import make_app  # noqa: PLC0415
    from platformio_secureota.tsa.server.config import read_config  # noqa: PLC0415

    passphrase = os.fsencode(os.environ.get("SECUREOTA_KEY_PASSPHRASE", "")) or None
    config = read_config(Path(os.environ.get(CONFIG_VARIABLE, "tsa.toml")))
    return make_app(config, passphrase=passphrase)
