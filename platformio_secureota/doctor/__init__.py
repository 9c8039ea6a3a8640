"""Looking at a set-up before it is relied on: keys, anchors, authorities, the target's limits.

Each check looks at one thing and returns `Finding`s; none of them changes anything.
"""

from platformio_secureota.doctor.finding import Finding, Level

__all__ = ["Finding", "Level"]
