"""What the device that is built for can verify, as far as that is known before it tries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from platformio_secureota import names
from platformio_secureota.cli import console
from platformio_secureota.errors import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platformio_secureota.anchors import TrustAnchor
    from platformio_secureota.certificate import Certificate
    from platformio_secureota.verify import VerifiedToken

SAFE_RSA_BITS = 3072
"""RSA keys up to this size are verified by the accelerators of all ESP32 chips (those of the C3
and its like end there).  Arduino's libraries come compiled for the accelerator, with no way around
it; an ESP-IDF project can choose software instead."""

ARDUINO_TOKEN_SIZE, TOKEN_SIZE = 8192, 16384
"""Bytes of token that a device has room for, unless the build sets SECUREOTA_TOKEN_SIZE."""

HINT = "P-256 is what all of them verify: `secureota keygen` makes such a key"


@dataclass(frozen=True)
class Target:
    """What firmware is built for."""

    platform: str = ""
    """Name of PlatformIO's platform."""
    framework: str = ""
    """Names of frameworks as in platformio.ini, with commas."""
    token_size: int = 0
    """SECUREOTA_TOKEN_SIZE in the build flags; 0: not set."""

    @property
    def is_arduino(self) -> bool:
        """Whether the libraries come compiled, as they are."""
        return "arduino" in re.split(r"[\s,]+", self.framework)

    @property
    def token_room(self) -> int:
        """Bytes of the largest token that the device takes."""
        own = ARDUINO_TOKEN_SIZE if self.is_arduino else TOKEN_SIZE
        return min(self.token_size or own, TOKEN_SIZE)

    def key_problem(self, certificate: Certificate) -> str:
        """Why the device may fail to verify with the certificate's key; empty: it won't."""
        if self.platform != "espressif32":
            return ""
        key = load_der_public_key(certificate.spki)
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size <= SAFE_RSA_BITS:
            return ""
        problem = (
            f"{names.show(certificate.subject)} has a key of RSA of {key.key_size} bits, which the "
            "crypto hardware of some ESP32 chips can't do"
        )
        return f"{problem}, and Arduino's libraries use it" if self.is_arduino else problem

    def size_problem(self, token: bytes) -> str:
        """Say that a token is larger than the device's buffer; empty if it fits."""
        if len(token) <= self.token_room:
            return ""
        return (
            f"the token has {len(token)} bytes, and the device has room for {self.token_room}: it "
            "will refuse with TokenTooLarge. Set build_flags = -DSECUREOTA_TOKEN_SIZE=..., or have "
            "fewer certificates sent"
        )


def size(text: str) -> int:
    """Value of a C macro that is a number of bytes; 0 for one that can't be read here."""
    try:
        return max(int(text, 0), 0)
    except ValueError:
        return 0


def check(anchors: Iterable[TrustAnchor], target: Target) -> None:
    """Judge the anchors' keys before anything is compiled.

    Refused(KeyNotAllowed) where the device is known to be unable to verify; warns where it may be.
    """
    _judge((anchor.certificate for anchor in anchors), target)


def check_token(token: bytes, verified: VerifiedToken, target: Target) -> None:
    """Judge the keys in a token's path as `check` does; warns about a token that is too large."""
    _judge([verified.signer, *verified.authorities], target)
    problem = target.size_problem(token)
    if problem:
        console.warn(problem)


def _judge(certificates: Iterable[Certificate], target: Target) -> None:
    for certificate in certificates:
        problem = target.key_problem(certificate)
        if problem and target.is_arduino:
            raise Refused(Reason.KeyNotAllowed, problem, hint=HINT)
        if problem:
            console.warn(f"{problem}; {HINT}")
