"""Remote authorities for the commands and for PlatformIO: made, and warned about."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from platformio_secureota import public_tsas
from platformio_secureota.cli import console
from platformio_secureota.tsa import FallbackTSA
from platformio_secureota.tsa.client import DEFAULT_TIMEOUT
from platformio_secureota.tsa.credentials import secret_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from platformio_secureota.anchors import TrustAnchor


def ask(
    urls: Sequence[str],
    *,
    option: str,
    timeout: float = DEFAULT_TIMEOUT,
    ca_file: Path | None = None,
    proxy: str = "",
) -> FallbackTSA:
    """Authorities with credentials from the environment; warns about what is unsafe.

    `option` is what the user has named them in.  Without `ca_file`, SECUREOTA_TSA_CA counts.
    """
    tsa = FallbackTSA.from_environment(
        urls,
        os.environ,
        warn=console.warn,
        timeout=timeout,
        ca_file=ca_file or default_ca_file(),
        proxy=proxy,
    )
    for host in tsa.exposed_hosts:
        console.warn(exposure(option, host))
    for host in tsa.public_hosts:
        console.warn(publicity(option, host))
    for path in secret_files(os.environ):
        if path.is_file():
            console.warn_if_exposed(path)
    return tsa


def default_ca_file() -> Path | None:
    """SECUREOTA_TSA_CA, if it is set."""
    name = os.environ.get("SECUREOTA_TSA_CA", "")
    return Path(name) if name else None


def exposure(option: str, host: str) -> str:
    """Say what plain http means."""
    return (
        f"{option} is plain http to {host}: others on the way can see which image is signed, and "
        "stop it, but can't forge the timestamp"
    )


def publicity(option: str, host: str) -> str:
    """Say what a public service means."""
    return (
        f"PUBLIC TIMESTAMP SERVICE: {option} names {host}, which stamps anything for anyone. A "
        "device that trusts it accepts firmware from anyone. Good for playing, never for devices "
        "that matter"
    )


def warn_if_public(anchors: Iterable[TrustAnchor]) -> None:
    """Warn loudly about each anchor that is a public service's."""
    for anchor in anchors:
        warning = public_tsas.public_warning(anchor)
        if warning:
            console.warn(warning)
