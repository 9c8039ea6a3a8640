"""When an image was built, for builds that can be repeated, too.

SOURCE_DATE_EPOCH is what https://reproducible-builds.org/specs/source-date-epoch/ says it is.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.manifest import LATEST

if TYPE_CHECKING:
    from collections.abc import Mapping


def now_or_set(environ: Mapping[str, str]) -> int:
    """Seconds since 1970, UTC: now, or SOURCE_DATE_EPOCH."""
    text = environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return int(time.time())
    if not (text.isascii() and text.isdigit() and int(text) <= LATEST):
        detail = f"SOURCE_DATE_EPOCH is not a number of seconds since 1970: {text!r}"
        raise Unusable(Reason.Usage, detail)
    return int(text)


def if_set(environ: Mapping[str, str]) -> int:
    """SOURCE_DATE_EPOCH, or 0: not known.

    For what was not built just now, and for filesystems, which have no use for the time at which
    they were packed: so the same files make the same image.
    """
    return now_or_set(environ) if environ.get("SOURCE_DATE_EPOCH") else 0
