"""Signing: from an image to a container that the device will accept.

Nothing is returned that was not verified by the device's own rules first.
"""

from __future__ import annotations

import datetime as dt
import math
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from platformio_secureota import container, manifest
from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.timestamp import TimeStampReq
from platformio_secureota.verify import Rules, VerifiedToken, verify_token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from platformio_secureota.anchors import TrustAnchor
    from platformio_secureota.image import Image

_NONCE_BITS = 63
"""Fits every INTEGER that a timestamp authority may use for it."""


class Tsa(Protocol):
    """Whoever answers timestamp requests: a server, or a key on this machine."""

    def timestamp(self, request: bytes) -> bytes:
        """Answer a DER TimeStampReq with a DER TimeStampResp.  Raises SecureOTAError."""


@dataclass(frozen=True)
class SignedImage:
    """The outcome of signing."""

    container: bytes = field(repr=False)
    token: bytes = field(repr=False)
    """The bare TimeStampResp."""
    verified: VerifiedToken


def request_token(image: Image, tsa: Tsa, *, policy: str | None = None) -> tuple[bytes, int]:
    """Ask for a token for this image; return (TimeStampResp, nonce).  Nothing is verified yet."""
    nonce = secrets.randbits(_NONCE_BITS) | 1
    request = TimeStampReq(digest=image.digest, nonce=nonce, policy=policy)
    return tsa.timestamp(request.encode()), nonce


def sign(
    image: Image,
    tsa: Tsa,
    *,
    anchors: Sequence[TrustAnchor],
    policy: str | None = None,
    rules: Rules | None = None,
    keys: Mapping[str, str] | None = None,
) -> SignedImage:
    """Have `tsa` sign `image`, verify the answer, and put the container together.

    `policy` is asked for; `rules` are the device's; `keys` go into the unsigned header, besides
    the hints that the image's manifest gives.
    Refused if the answer is not one that a device with `anchors` and `rules` accepts; BuiltLater if
    it is older than the image says that it is itself: such a device would come to life with a floor
    that lies above its own token.
    """
    if not anchors:
        raise Unusable(Reason.AnchorMissing, hint="name the certificate that devices trust")
    found = manifest.find(image.data)
    token, nonce = request_token(image, tsa, policy=policy)
    now = dt.datetime.now(dt.timezone.utc)
    verified = verify_token(
        token, anchors=anchors, rules=replace(rules or Rules(), nonce=nonce, now=now)
    )
    if verified.image_digest != image.digest:
        raise Refused(Reason.ImageMismatch, "the answer is for another image")
    if found is not None:
        _check_build_time(found.build_time, verified.gen_time)
    if policy is not None and verified.policy != policy:
        raise Refused(Reason.PolicyNotAccepted, f"asked for {policy}, got {verified.policy}")
    hints = {} if found is None else found.hints
    signed = container.build(token, image.data, keys={**hints, **(keys or {})})
    return SignedImage(signed, token, verified)


def _check_build_time(build_time: int, gen_time: dt.datetime) -> None:
    ahead = dt.timedelta(seconds=build_time - gen_time.timestamp())
    if ahead > dt.timedelta():
        raise Refused(
            Reason.BuiltLater,
            f"by {math.ceil(ahead.total_seconds())} s: the clock of this computer is ahead of the "
            "signer's, or SOURCE_DATE_EPOCH is wrong",
            hint="set the clock, build anew, sign again",
        )
