"""What this computer has sent and the other one's TCP has not acknowledged.

A device that has read every byte has acknowledged every byte, and the segment that carries its
`OK` says so.  So an `OK` that finds bytes in the queue was written before they were read.
"""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket


if sys.platform == "linux":
    import fcntl
    import termios

    def unacknowledged(connection: socket.socket) -> int:
        """Bytes in the send queue, sent or not (tcp(7), SIOCOUTQ, which is TIOCOUTQ)."""
        answer = fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * struct.calcsize("i"))
        return int(struct.unpack("i", answer)[0])

else:

    def unacknowledged(connection: socket.socket) -> int:  # noqa: ARG001 - not to be had here
        """0: elsewhere nobody can ask, and what this program has left to send must do."""
        return 0
