"""What deployed readers of the older signed OTA tools can take (docs/format.md)."""

from __future__ import annotations

from typing import Any

from platformio_secureota import der, timestamp
from platformio_secureota.certificate import Certificate
from platformio_secureota.container import MAX_TOKEN_SIZE
from platformio_secureota.errors import Reason, Unusable

REDWAX: dict[str, Any] = {"ess": "v1", "signing_time": True}
"""Settings of `LocalTSA` for them: the form that OpenSSL's `ts -reply` writes by default."""

_TWO_LENGTH_OCTETS = b"\x30\x82"
"""How a SEQUENCE of 256 to 65,535 bytes begins: the only size that they read."""

_MAX_SERIAL_BITS = 64


def check_redwax(token: bytes) -> None:
    """Unusable(TsaReplyUnusable) if a verified TimeStampResp is more than old readers can take."""
    problem = _redwax_problem(token)
    if problem:
        raise Unusable(Reason.TsaReplyUnusable, f"old readers can't take it: {problem}")


def _redwax_problem(token: bytes) -> str:
    if not token.startswith(_TWO_LENGTH_OCTETS) or len(token) > MAX_TOKEN_SIZE:
        return f"a token of {len(token)} bytes"
    response = timestamp.parse_response(token)
    signed_data = timestamp.parse_signed_data(
        timestamp.parse_content_info(response.token or b"")[1]
    )
    signer_info = timestamp.parse_signer_info(signed_data.signer_infos[0])
    attributes = dict(timestamp.parse_attributes(signer_info.signed_attributes or b""))
    if timestamp.ID_SIGNING_CERTIFICATE_V2 in attributes:
        return "it names its signer by ESSCertIDv2"
    serials = [timestamp.parse_tst_info(signed_data.content or b"").serial]
    serials += [Certificate.parse(encoded).serial for encoded in signed_data.certificates]
    longest = max(der.integer(serial).bit_length() for serial in serials)
    if longest > _MAX_SERIAL_BITS:
        return f"a serial number of {longest} bits"
    return ""
