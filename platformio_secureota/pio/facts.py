"""The source file with which an image knows whom to trust and how old it is.

src/secureota/facts.cpp has weak definitions of the same symbols: no anchor, no age.  What is
written here is linked as an object of its own and takes their place.  It includes nothing, so that
it compiles without an include path.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from platformio_secureota import der, names
from platformio_secureota.errors import Reason, Unusable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platformio_secureota.anchors import TrustAnchor
    from platformio_secureota.manifest import Manifest

ESP32_SECTION = ".rodata_custom_desc"
"""What ESP-IDF's linker scripts put right behind the app description (docs/adr/0007)."""

_ROW = 16
"""Octets on a line."""


def source(
    *,
    anchors: Sequence[TrustAnchor],
    policies: Sequence[str],
    denied: Sequence[bytes] = (),
    manifest: Manifest,
    section: str = "",
) -> str:
    """Write the C++ source.  Unusable(AnchorMissing): such an image would refuse every update.

    The manifest says when the image was built, too; `section` is where the linker shall put it.
    """
    if not anchors:
        raise Unusable(Reason.AnchorMissing, "an image without one would refuse every update")
    when = dt.datetime.fromtimestamp(manifest.build_time, tz=dt.timezone.utc)
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
        f"const long long secureota_build_time = {manifest.build_time}LL;\n"
        + _array("secureota_trust_anchors", certificates)
        + _array("secureota_required_policies", oids)
        + _array("secureota_denied_keys", b"".join(denied))
        + _manifest(manifest.encode(), section)
        + "}\n"
    )


def _manifest(data: bytes, section: str) -> str:
    # `used`: also where nothing in the program asks for it.
    attribute = f'__attribute__((section("{section}"), used)) ' if section else ""
    return (
        f"extern const unsigned char secureota_manifest[{len(data)}];\n"
        f"{attribute}const unsigned char secureota_manifest[{len(data)}] = {{\n{_rows(data)}}};\n"
    )


def _array(name: str, data: bytes) -> str:
    # C++ has no empty arrays: one octet that the size does not count stands in.
    lines = _rows(data or b"\0")
    return (
        f"extern const unsigned char {name}[];\n"
        f"extern const unsigned long {name}_size;\n"
        f"const unsigned char {name}[] = {{\n{lines}}};\n"
        f"const unsigned long {name}_size = {len(data)};\n"
    )


def _rows(data: bytes) -> str:
    rows = [data[at : at + _ROW] for at in range(0, len(data), _ROW)]
    return ",\n".join("    " + ", ".join(f"0x{octet:02x}" for octet in row) for row in rows)
