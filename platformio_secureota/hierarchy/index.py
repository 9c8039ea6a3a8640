"""The index of a hierarchy: a line for each thing that happened, for people and for spreadsheets.

Nothing reads it to decide: what counts is in the certificates.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from platformio_secureota import atomic
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.hierarchy.profiles import (
    Profile,
    common_name,
    policies_of,
    profile_of,
)
from platformio_secureota.identity import spki_sha256

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from cryptography import x509

COLUMNS = (
    "time",
    "event",
    "name",
    "profile",
    "issuer",
    "serial",
    "key_sha256",
    "not_after",
    "policies",
)


def append(
    path: Path, event: str, name: str, certificate: x509.Certificate, *, now: dt.datetime
) -> None:
    """Add a line; `event` is issued, renewed, accepted or denied."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    try:
        old = path.read_text("utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as cause:
        raise Unusable(Reason.FileUnreadable, str(path)) from cause
    if not old:
        writer.writerow(COLUMNS)
    profile = profile_of(certificate)
    writer.writerow(
        (
            f"{now:%Y-%m-%dT%H:%M:%SZ}",
            event,
            name,
            "" if profile is None else profile.value,
            "" if profile is Profile.ROOT else common_name(certificate.issuer),
            f"{certificate.serial_number:016x}",
            spki_sha256(certificate),
            f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
            " ".join(policies_of(certificate)),
        )
    )
    atomic.write(path, (old + text.getvalue()).encode())
