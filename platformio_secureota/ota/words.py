r"""What a device writes on the connection while it takes a container.

Devices write the number of bytes taken after each read, in decimal, and at the end `OK` or a text
that says why not.  On most devices nothing delimits the numbers: "10241024OK" is two of them and a
verdict, "102410" may be anything.  So they are a sign of life here, and are not added up.
"""

from __future__ import annotations

MAX_TEXT_SIZE = 256
"""Bytes of an error text that are kept."""

_DIGITS = b"0123456789"
_SPACES = b" \t\r\n\0"
_LINE_ENDS = b"\r\n\0"
_OK = b"OK"


class DeviceWords:
    """Reads what arrives, piece by piece; every byte sequence is something."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self.refusal: bytes | None = None
        """The first error text, once its line has ended."""
        self._text = b""
        self._ok = False
        self._after_ok = b""

    @property
    def said_ok(self) -> bool:
        """`OK` is the last thing said."""
        return self.refusal is None and (self._ok or self._text == _OK)

    @property
    def in_text(self) -> bool:
        """An error text, or what may become one, has begun and not ended."""
        return self.refusal is None and self._text not in {b"", _OK}

    @property
    def ok_line_end(self) -> bytes:
        r"""What followed the last `OK`: b"", b"\n" or b"\r\n"."""
        return self._after_ok

    def withdraw_ok(self) -> None:
        """An `OK` at a moment when it can't be the verdict: it counts as not said."""
        self._ok = False
        if self._text == _OK:
            self._text = b""

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        for index in range(len(data)):
            self._take(data[index : index + 1])

    def end(self) -> None:
        """Nothing more will arrive: what was said so far is all."""
        if self._text == _OK:
            self._end_ok()
        elif self._text:
            self._end_text()

    def _take(self, byte: bytes) -> None:
        if self._text == _OK and byte in _DIGITS + _SPACES:
            self._end_ok()
        if self._text:
            self._continue_text(byte)
        elif byte in _SPACES:
            if self._ok and len(self._after_ok) < len(b"\r\n"):
                self._after_ok += byte
        else:
            self._ok = False
            self._text = b"" if byte in _DIGITS else byte

    def _continue_text(self, byte: bytes) -> None:
        if byte in _LINE_ENDS:
            self._end_text()
        elif len(self._text) < MAX_TEXT_SIZE:
            self._text += byte

    def _end_ok(self) -> None:
        self._text, self._ok, self._after_ok = b"", True, b""

    def _end_text(self) -> None:
        if self.refusal is None:
            self.refusal = self._text
        self._text = b""
