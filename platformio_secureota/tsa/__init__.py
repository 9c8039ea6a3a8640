"""Timestamp authorities: where a TimeStampResp comes from.

Each has one method, `timestamp(request: bytes) -> bytes`: a DER TimeStampReq in, a DER
TimeStampResp out (RFC 3161).  None is trusted: `sign` verifies every answer before it uses it.
"""

from platformio_secureota.tsa.client import HttpTSA
from platformio_secureota.tsa.credentials import ClientCertificate, Credentials
from platformio_secureota.tsa.fallback import FallbackTSA
from platformio_secureota.tsa.local import DEFAULT_POLICY, LocalTSA

__all__ = [
    "DEFAULT_POLICY",
    "ClientCertificate",
    "Credentials",
    "FallbackTSA",
    "HttpTSA",
    "LocalTSA",
]
