"""The source file with which an image knows whom to trust and how old it is.

src/secureota/facts.cpp has weak definitions of the same symbols: no anchor, no age.  What is
written here is linked as an object of its own and takes their place.  It includes nothing, so that
it compiles without an include path.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

from platformio_secureota import der, names
from platformio_secureota.errors import Reason, Unusable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from platformio_secureota.anchors import TrustAnchor

_LATEST = 253402300799
"""9999-12-31T23:59:59Z: the last second that a token can name."""

_ROW = 16
"""Octets on a line."""


def build_time(environ: Mapping[str, str]) -> int:
    """Seconds since 1970, UTC: now, or SOURCE_DATE_EPOCH, for builds that can be repeated."""
    text = environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return int(time.time())
    if not (text.isascii() and text.isdigit() and int(text) <= _LATEST):
        detail = f"SOURCE_DATE_EPOCH is not a number of seconds since 1970: {text!r}"
        raise Unusable(Reason.Usage, detail)
    return int(text)


def source(
    *,
    anchors: Sequence[TrustAnchor],
    policies: Sequence[str],
    denied: Sequence[bytes] = (),
    seconds_since_1970: int,
) -> str:
    """Write the C++ source.  Unusable(AnchorMissing): such an image would refuse every update."""
    if not anchors:
        raise Unusable(Reason.AnchorMissing, "an image without one would refuse every update")
    when = dt.datetime.fromtimestamp(seconds_since_1970, tz=dt.timezone.utc)
    trusted = "".join(f"//   {names.show(anchor.certificate.subject)}.\n" for anchor in anchors)
    certificates = b"".join(anchor.certificate.der for anchor in anchors)
    oids = b"".join(
        der.encode(der.OBJECT_IDENTIFIER, der.oid_contents(policy)) for policy in policies
    )
    return (
        "// Written by SecureOTA's extra script; changes made here are lost.\n"
        f"// Built {when:%Y-%m-%dT%H:%M:%SZ}.  Trusted:\n{trusted}"
        'extern "C" {\n'
        "extern const long long secureota_build_time;\n"
        f"const long long secureota_build_time = {seconds_since_1970}LL;\n"
        + _array("secureota_trust_anchors", certificates)
        + _array("secureota_required_policies", oids)
        + _array("secureota_denied_keys", b"".join(denied))
        + "}\n"
    )


def _array(name: str, data: bytes) -> str:
    # C++ has no empty arrays: one octet that the size does not count stands in.
    octets = data or b"\0"
    rows = [octets[at : at + _ROW] for at in range(0, len(octets), _ROW)]
    lines = ",\n".join("    " + ", ".join(f"0x{octet:02x}" for octet in row) for row in rows)
    return (
        f"extern const unsigned char {name}[];\n"
        f"extern const unsigned long {name}_size;\n"
        f"const unsigned char {name}[] = {{\n{lines}}};\n"
        f"const unsigned long {name}_size = {len(data)};\n"
    )
