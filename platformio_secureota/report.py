"""What a signed image or a timestamp says, as plain values for people and programs.

The keys are an interface: they are added to, never renamed.  Numbers that JSON readers may not hold
exactly (serial numbers, nonces) are hexadecimal text.  Nothing here is verified.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from platformio_secureota import container, der, manifest, timestamp
from platformio_secureota.certificate import Certificate
from platformio_secureota.errors import Refused
from platformio_secureota.names import printable, show
from platformio_secureota.verify import parse_gen_time

FORMAT = 1
"""Version of this description; a higher one has lost or changed a key."""

_DER_START = b"\x30"

_STATUS = ("granted", "grantedWithMods", "rejection", "waiting")
_FAIL_INFO = {
    0: "badAlg",
    2: "badRequest",
    5: "badDataFormat",
    14: "timeNotAvailable",
    15: "unacceptedPolicy",
    16: "unacceptedExtension",
    17: "addInfoNotAvailable",
    25: "systemFailure",
}


def describe_file(data: bytes) -> dict[str, Any]:
    """Describe a container or a bare TimeStampResp; Refused if it is neither."""
    if data.startswith(_DER_START):
        return {
            "format": FORMAT,
            "container": None,
            "manifest": None,
            "token": _describe_response(data, None),
        }
    parts = container.parse(data)
    digest = hashlib.sha256(parts.image).hexdigest()
    frame = {
        "header_keys": {name: printable(value) for name, value in parts.keys.items()},
        "token_size": len(parts.token),
        "image_size": len(parts.image),
        "image_sha256": digest,
    }
    return {
        "format": FORMAT,
        "container": frame,
        "manifest": _describe_manifest(parts.image),
        "token": _describe_response(parts.token, digest),
    }


def _describe_manifest(image: bytes) -> dict[str, Any] | None:
    try:
        found = manifest.find(image)
    except Refused as refusal:
        return {"malformed": refusal.detail}
    if found is None:
        return None
    built = dt.datetime.fromtimestamp(found.build_time, tz=dt.timezone.utc)
    return {
        "kind": found.kind.name.lower(),
        "product": found.product or None,
        "hardware": list(found.hardware),
        "version": found.version or None,
        "build_time": _utc(built) if found.build_time else None,
    }


def _describe_response(data: bytes, image_sha256: str | None) -> dict[str, Any]:
    der.check(data)
    response = timestamp.parse_response(data)
    known = 0 <= response.status < len(_STATUS)
    described: dict[str, Any] = {
        "size": len(data),
        "status": _STATUS[response.status] if known else str(response.status),
        "status_text": [printable(text) for text in response.status_text],
        "fail_info": _fail_info(response.fail_info),
    }
    if response.token is not None:
        described.update(_describe_token(response.token, image_sha256))
    return described


def _fail_info(octets: bytes) -> list[str]:
    numbers = [i for i in range(8 * len(octets)) if octets[i // 8] & 0x80 >> i % 8]
    return [_FAIL_INFO.get(number, str(number)) for number in numbers]


def _describe_token(token: bytes, image_sha256: str | None) -> dict[str, Any]:
    signed_data = timestamp.parse_signed_data(timestamp.parse_content_info(token)[1])
    content = signed_data.content or b""
    der.check(content)
    tst_info = timestamp.parse_tst_info(content)
    imprint = tst_info.imprint.hex()
    described: dict[str, Any] = {
        "gen_time": _utc(parse_gen_time(tst_info.gen_time)),
        "policy": der.oid_text(tst_info.policy),
        "serial": f"{der.integer(tst_info.serial):x}",
        "imprint_algorithm": str(tst_info.imprint_algorithm),
        "imprint": imprint,
        "imprint_is_of_image": None if image_sha256 is None else imprint == image_sha256,
        "nonce": None if tst_info.nonce is None else f"{tst_info.nonce:x}",
        "accuracy": _accuracy(tst_info.accuracy),
        "signers": [_describe_signer(one) for one in signed_data.signer_infos],
    }
    bag = [Certificate.parse(encoded) for encoded in signed_data.certificates]
    described["certificates"] = [_describe_certificate(one) for one in bag]
    return described


def _accuracy(accuracy: timestamp.Accuracy | None) -> dict[str, int] | None:
    if accuracy is None:
        return None
    parts = {
        "seconds": accuracy.seconds,
        "millis": accuracy.millis,
        "micros": accuracy.micros,
    }
    return {name: der.integer(part) for name, part in parts.items() if part is not None}


def _describe_signer(data: bytes) -> dict[str, Any]:
    signer = timestamp.parse_signer_info(data)
    attributes = dict(timestamp.parse_attributes(signer.signed_attributes or b"\xa0\x00"))
    bindings = {
        "signingCertificate": timestamp.ID_SIGNING_CERTIFICATE,
        "signingCertificateV2": timestamp.ID_SIGNING_CERTIFICATE_V2,
    }
    return {
        "issuer": show(signer.issuer),
        "serial": f"{der.integer(signer.serial):x}" if signer.serial else None,
        "digest_algorithm": str(signer.digest_algorithm),
        "signature_algorithm": str(signer.signature_algorithm),
        "bound_by": [name for name, oid in bindings.items() if oid in attributes],
    }


def _describe_certificate(certificate: Certificate) -> dict[str, Any]:
    return {
        "subject": show(certificate.subject),
        "issuer": show(certificate.issuer),
        "serial": f"{der.integer(certificate.serial):x}",
        "not_before": _utc(certificate.not_before),
        "not_after": _utc(certificate.not_after),
        "sha256": hashlib.sha256(certificate.der).hexdigest(),
        "spki_sha256": certificate.spki_digest.hex(),
    }


def _utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.timezone.utc).isoformat().replace("+00:00", "Z")
