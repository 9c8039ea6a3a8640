"""Why an exchange with an authority failed, and whether asking again may help."""

from __future__ import annotations

import contextlib
import datetime as dt
import email.utils
import ssl
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Unusable

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_RETRY_DIGITS = 9
"""Of a Retry-After in seconds; more is nonsense."""


OWN_AUTHORITY_HINT = (
    "if its certificate is your own authority's, name that with --tsa-ca or in SECUREOTA_TSA_CA"
)
CLIENT_CERTIFICATE_HINT = (
    "if it wants a client certificate of its own authority, name one in SECUREOTA_TSA_CLIENT_CERT "
    "and SECUREOTA_TSA_CLIENT_KEY"
)


class Outage(Unusable):
    """No timestamp came, but one may, if somebody asks again: here, or elsewhere."""

    def __init__(
        self,
        reason: Reason,
        detail: str = "",
        *,
        hint: str = "",
        mends: bool = True,
        wait: float | None = None,
    ) -> None:
        """`mends`: asking again soon may help; `wait`: the server's word for how soon, seconds."""
        super().__init__(reason, detail, hint=hint)
        self.mends = mends
        self.wait = wait


def retry_after(text: str) -> float | None:
    """Seconds that Retry-After asks for: a number, or a date (RFC 9110 10.2.3)."""
    if text.isascii() and text.isdigit() and len(text) <= _MAX_RETRY_DIGITS:
        return float(text)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        moment = email.utils.parsedate_to_datetime(text)
        return max(0.0, (moment - dt.datetime.now(dt.timezone.utc)).total_seconds())
    return None


def _layers(cause: BaseException) -> Iterator[BaseException]:
    # The libraries wrap the system's word, which is the useful one, several layers deep.
    layer: BaseException | None = cause
    while layer is not None:
        yield layer
        reason = getattr(layer, "reason", None)
        inner = next((a for a in layer.args if isinstance(a, BaseException)), None)
        layer = reason if isinstance(reason, BaseException) else inner or layer.__context__


def why(cause: BaseException) -> str:
    """Say in the system's words why a connection failed."""
    for layer in _layers(cause):
        if isinstance(layer, OSError) and layer.strerror:
            return layer.strerror
    return "the connection broke"


def is_broken_off(cause: BaseException) -> bool:
    """Whether the other side ended the connection: over TLS, perhaps for want of a certificate."""
    kinds = (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)
    return any(isinstance(layer, kinds) for layer in _layers(cause))


def tls_words(cause: BaseException) -> tuple[str, str] | None:
    """(what happened, what to do), if it was TLS that failed and asking again won't help."""
    for layer in _layers(cause):
        if isinstance(layer, ssl.SSLCertVerificationError):
            return "its TLS certificate is not trusted", OWN_AUTHORITY_HINT
        if isinstance(layer, ssl.SSLError) and not isinstance(layer, ssl.SSLEOFError):
            words = (layer.reason or "for no reason given").lower().replace("_", " ")
            if "alert" in words:
                return f"it refused us in TLS ({words})", CLIENT_CERTIFICATE_HINT
            return f"TLS failed ({words})", ""
    return None
