"""PKCS#11 modules: shared libraries that reach tokens, loaded once a process.

A module is called by one thread at a time, under `LOCK`: it is initialised without locks of its
own, since not every module has them.  A fork waits for the lock, so that a child never inherits a
module in the middle of a call.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformio_secureota.errors import Reason, Unusable

if TYPE_CHECKING:
    import pkcs11

LOCK = threading.RLock()
"""Held around every call into a module."""

if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(
        before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release
    )


class Module:
    """A loaded module.  Its methods are called under `LOCK`."""

    def __init__(self, path: str) -> None:
        """Load it.  Unusable(KeyUnusable)."""
        self.path = path
        self._pid = os.getpid()
        self._abandoned: list[object] = []
        self.generation = 0
        """Rises whenever the module forgets its sessions; they are to be opened anew."""
        try:
            self._lib = _import().lib(path)
        except _import().PKCS11Error as cause:
            detail = f"{path} does not work as a PKCS#11 module: {cause or type(cause).__name__}"
            raise Unusable(Reason.KeyUnusable, detail) from cause

    def enter(self) -> None:
        """Make the module usable in this process, which may be a child of the one that loaded it.

        PKCS#11 (2.40, 2.6) asks a child for C_Initialize, and before anything else.
        """
        if self._pid == os.getpid():
            return
        library = _import()
        # The parent's object stays alive: its end would call C_Finalize, and with some modules
        # that speaks to the parent's device.
        self._abandoned.append(self._lib)
        library._loaded.pop(self.path, None)  # noqa: SLF001 - there is no other way
        try:
            self._lib = library.lib(self.path)
        except library.PKCS11Error:
            # A module that did not notice the fork says that it is initialised already.
            library._loaded[self.path] = self._lib  # noqa: SLF001 - the same
            self._restart()
        self._pid = os.getpid()
        self.generation += 1

    def refresh(self) -> None:
        """Start the module again: many list the tokens that were there at the start, and no more.

        Every session of this process with this module ends.
        """
        self.generation += 1
        self._restart()

    def tokens(self) -> list[pkcs11.Token]:
        """Tokens that are there, and initialised."""
        library = _import()
        found = []
        try:
            slots = self._lib.get_slots(token_present=True)
        except library.PKCS11Error as cause:
            detail = f"{self.path} can't list its tokens: {type(cause).__name__}"
            raise Unusable(Reason.KeyUnusable, detail) from cause
        for slot in slots:
            try:
                token = slot.get_token()
            except library.PKCS11Error:
                continue  # just being removed, or not readable: as good as absent
            if token.flags & library.TokenFlag.TOKEN_INITIALIZED:
                found.append(token)
        return found

    def _restart(self) -> None:
        library = _import()
        with contextlib.suppress(library.PKCS11Error):  # it may have lost its state already
            self._lib.finalize()
        try:
            self._lib.initialize()
        except library.PKCS11Error as cause:
            detail = f"{self.path} does not start again: {type(cause).__name__}"
            raise Unusable(Reason.KeyUnusable, detail) from cause


_modules: dict[str, Module] = {}


def load(path: str) -> Module:
    """The module at an absolute path.  Unusable if there is none."""
    if not path:
        hint = "name it with module-path in the URI, or in SECUREOTA_PKCS11_MODULE"
        raise Unusable(Reason.KeyUnusable, "no PKCS#11 module is named", hint=hint)
    if not Path(path).is_absolute():
        raise Unusable(Reason.Usage, f"the path of a PKCS#11 module is absolute, not {path}")
    with LOCK:
        if path not in _modules:
            _modules[path] = Module(path)
        _modules[path].enter()
        return _modules[path]


def _import() -> Any:  # noqa: ANN401 - a module that need not be installed
    try:
        import pkcs11  # noqa: PLC0415 - an extra
    except ImportError as cause:
        raise Unusable(
            Reason.KeyUnusable,
            "the Python package python-pkcs11 is not installed",
            hint="pip install 'platformio-secureota[hsm]' into a Python 3.10 or newer; for "
            "PlatformIO, name that Python in SECUREOTA_PYTHON",
        ) from cause
    return pkcs11


def library() -> Any:  # noqa: ANN401 - the same
    """The Python package that speaks PKCS#11.  Unusable where it is not installed."""
    return _import()
