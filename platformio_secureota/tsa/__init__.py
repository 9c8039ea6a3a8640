"""Timestamp authorities: where a TimeStampResp comes from.

Each has one method, `timestamp(request: bytes) -> bytes`: a DER TimeStampReq in, a DER
TimeStampResp out (RFC 3161).  None is trusted: `sign` verifies every answer before it uses it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from platformio_secureota.tsa.local import DEFAULT_POLICY, LocalTSA

if TYPE_CHECKING:
    from platformio_secureota.tsa.client import HttpTSA
    from platformio_secureota.tsa.credentials import ClientCertificate, Credentials
    from platformio_secureota.tsa.fallback import FallbackTSA

__all__ = [
    "DEFAULT_POLICY",
    "ClientCertificate",
    "Credentials",
    "FallbackTSA",
    "HttpTSA",
    "LocalTSA",
]

_OVER_HTTP = {
    "ClientCertificate": "credentials",
    "Credentials": "credentials",
    "FallbackTSA": "fallback",
    "HttpTSA": "client",
}
"""Modules of what is imported when it is called for: who verifies, or certifies, needs no HTTP."""


def __getattr__(name: str) -> object:
    """Import what speaks HTTP (PEP 562)."""
    if name not in _OVER_HTTP:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"{__name__}.{_OVER_HTTP[name]}"), name)
