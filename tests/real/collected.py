"""Where the collected tokens and certificates of others lie.

They are not part of the project.  Where they are absent, whatever imports this is skipped.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_NAMED = os.environ.get("SECUREOTA_SHARED_VECTORS")
COLLECTION = Path(_NAMED) if _NAMED else Path(__file__).parents[3] / "shared" / "vectors"
PKITS = COLLECTION / "nist-pkits"

if not (COLLECTION / "MANIFEST.md").is_file():
    pytest.skip(
        f"no real tokens at {COLLECTION}; SECUREOTA_SHARED_VECTORS says where they are",
        allow_module_level=True,
    )
