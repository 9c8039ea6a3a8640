"""Timestamp authorities: where a TimeStampResp comes from.

Each has one method, `timestamp(request: bytes) -> bytes`: a DER TimeStampReq in, a DER
TimeStampResp out (RFC 3161).  None is trusted: `sign` verifies every answer before it uses it.
"""

from platformio_secureota.tsa.client import Credentials, HttpTSA
from platformio_secureota.tsa.local import DEFAULT_POLICY, LocalTSA

__all__ = ["DEFAULT_POLICY", "Credentials", "HttpTSA", "LocalTSA"]
