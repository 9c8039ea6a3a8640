"""What the surroundings tell about tokens, beside the URI: the module and the PIN.

The PIN is asked for when it is needed.  It never is an argument of a command, and no message holds
it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable

from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.keyfile import exposed_mode

if TYPE_CHECKING:
    from pathlib import Path

    from platformio_secureota.hsm.uri import Pkcs11Uri

_MAX_PIN = 255
"""Octets; far more than any token takes, and a wrong file is noticed."""


@dataclass(frozen=True)
class Access:
    """Defaults for URIs that don't say."""

    module: str = ""
    """Absolute path of the PKCS#11 module."""
    pin: Callable[[str], str] | None = field(default=None, repr=False)
    """Asked for the PIN with the token's label; raises Unusable if there is none."""

    def pin_of(self, uri: Pkcs11Uri, label: str) -> str:
        """The PIN: from the URI's pin-source if it has one, else from `pin`."""
        if uri.pin_source is not None:
            return _read_pin(uri.pin_source)
        if self.pin is None:
            hint = "name a file with pin-source in the URI, or set SECUREOTA_PKCS11_PIN"
            raise Unusable(Reason.KeyUnusable, f"token {label}: a PIN is needed", hint=hint)
        return self.pin(label)


def _read_pin(path: Path) -> str:
    try:
        mode = exposed_mode(path)
        if mode:
            detail = f"{path} has mode {mode}: others can read the PIN"
            raise Unusable(Reason.KeyUnusable, detail, hint=f"chmod 600 {path}")
        with path.open("rb") as file:
            line = file.readline(_MAX_PIN + 2).rstrip(b"\r\n")
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
    try:
        pin = line.decode("utf-8")
    except UnicodeDecodeError:
        pin = ""
    if not pin or len(line) > _MAX_PIN or "\0" in pin:
        raise Unusable(Reason.KeyUnusable, f"{path}: its first line is no PIN")
    return pin
