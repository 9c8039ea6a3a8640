"""A token that is logged in, once in each process, and again after it was away.

Three rules keep a card from locking itself: a PIN that was refused is never tried again by this
process; a PIN is not sent to a token that says that its next wrong one would be the last; and what
comes back after a removal must be the same token, by its serial number, before it gets the PIN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, TypeVar

from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.hsm import module
from platformio_secureota.hsm.module import LOCK, library
from platformio_secureota.hsm.uri import Pkcs11Uri

if TYPE_CHECKING:
    import pkcs11

    from platformio_secureota.hsm.access import Access
    from platformio_secureota.hsm.module import Module

_Result = TypeVar("_Result")

_refused: set[tuple[str, bytes]] = set()
"""Tokens, by module and serial number, that refused a PIN of this process."""

_connections: dict[tuple[str, bytes], Connection] = {}


class Connection:
    """The way to one token.  Safe to use from many threads, and after a fork."""

    def __init__(self, where: Module, token: pkcs11.Token, pin: Callable[[], str]) -> None:
        """Nothing is opened yet; `pin` is asked once, when it is needed."""
        self.label = token.label
        self._module = where
        # However it was found: what comes back must be this one.
        self._uri = Pkcs11Uri(token=token.label, serial=_text(token.serial))
        self._ask = pin
        self._pin: str | None = None
        self._session: pkcs11.Session | None = None
        self._generation = where.generation - 1

    def run(self, work: Callable[[pkcs11.Session], _Result]) -> _Result:
        """Do `work` with a session that is logged in.

        If it fails in a session that worked before, the device may have forgotten that: a new one
        is opened and `work` tried once more, so it must be something that can be done twice.
        Unusable: KeyMissing when the token is not there, KeyUnusable for everything else.
        """
        with LOCK:
            self._module.enter()
            if self._session is not None and self._generation == self._module.generation:
                try:
                    return work(self._session)
                except library().PKCS11Error:
                    self._session = None
            session = self._open()
            try:
                return work(session)
            except library().PKCS11Error as cause:
                self._session = None
                raise self._trouble(cause) from cause

    def run_writing(self, work: Callable[[pkcs11.Session], _Result]) -> _Result:
        """As `run`, with a session that may change the token."""

        def write(session: pkcs11.Session) -> _Result:
            # Log-ins are a process's, not a session's.
            writable = session.token.open(rw=True)
            try:
                return work(writable)
            finally:
                writable.close()

        return self.run(write)

    def _open(self) -> pkcs11.Session:
        if self._generation == self._module.generation:
            self._module.refresh()
        self._generation = self._module.generation
        token = find_token(self._module, self._uri)
        try:
            self._session = self._login(token)
        except library().PKCS11Error as cause:
            raise self._trouble(cause) from cause
        return self._session

    def _login(self, token: pkcs11.Token) -> pkcs11.Session:
        flags = library().TokenFlag
        name = (self._module.path, token.serial)
        if not token.flags & flags.LOGIN_REQUIRED:
            return token.open()
        check_tries(token.label, int(token.flags), refused=name in _refused)
        pin = self._ask() if self._pin is None else self._pin
        errors = library()
        # Noted before it happens: whatever a token answers to a wrong PIN, it was a try.
        _refused.add(name)
        try:
            session = token.open(user_pin=pin)
        except errors.UserAlreadyLoggedIn:
            session = token.open()
        except (errors.DeviceRemoved, errors.TokenNotPresent):
            _refused.discard(name)
            raise
        _refused.discard(name)
        self._pin = pin
        return session

    def _trouble(self, cause: Exception) -> Unusable:
        errors = library()
        label = self.label
        if isinstance(cause, (errors.PinIncorrect, errors.PinInvalid, errors.PinLenRange)):
            detail = f"token {label}: the PIN is wrong; it is not tried again"
            return Unusable(Reason.KeyUnusable, detail, hint="too many wrong ones lock a token")
        if isinstance(cause, errors.PinLocked):
            return Unusable(Reason.KeyUnusable, f"token {label}: its PIN is locked")
        if isinstance(cause, (errors.DeviceRemoved, errors.TokenNotPresent)):
            return Unusable(Reason.KeyMissing, f"token {label} was removed")
        return Unusable(Reason.KeyUnusable, f"token {label}: it answered {type(cause).__name__}")


def connect(uri: Pkcs11Uri, access: Access) -> Connection:
    """Log in to the token that the URI names, unless this process has done so already."""
    with LOCK:
        where = module.load(uri.module_path or access.module)
        try:
            token = find_token(where, uri)
        except Unusable as problem:
            if problem.reason is not Reason.KeyMissing:
                raise
            where.refresh()  # it may have come after the module was loaded
            token = find_token(where, uri)
        name = (where.path, token.serial)
        if name not in _connections:
            made = Connection(where, token, lambda: access.pin_of(uri, token.label))
            made.run(lambda _session: None)
            _connections[name] = made
        return _connections[name]


def check_tries(label: str, flags: int, *, refused: bool) -> None:
    """Unusable(KeyUnusable) if a PIN must not be sent: `flags` are the token's (CK_TOKEN_INFO)."""
    names = library().TokenFlag
    if refused:
        hint = "correct it and start again"
        detail = f"token {label}: it refused the PIN before, which is not tried again"
        raise Unusable(Reason.KeyUnusable, detail, hint=hint)
    if flags & names.USER_PIN_LOCKED:
        raise Unusable(Reason.KeyUnusable, f"token {label}: its PIN is locked")
    if flags & names.USER_PIN_FINAL_TRY:
        hint = "log in once with the token's own tool, which resets the count"
        detail = f"token {label}: one more wrong PIN would lock it, so none is sent"
        raise Unusable(Reason.KeyUnusable, detail, hint=hint)


def find_token(where: Module, uri: Pkcs11Uri) -> pkcs11.Token:
    """The one token that fits.  Unusable(KeyMissing) for none, (KeyUnusable) for several."""
    present = where.tokens()
    fitting = [token for token in present if _fits(token, uri)]
    if not fitting:
        hint = "plug it in, or correct the URI"
        detail = f"no token fits {uri}; present: {_list(present)}"
        raise Unusable(Reason.KeyMissing, detail, hint=hint)
    if len(fitting) > 1:
        hint = "tell them apart with serial in the URI"
        detail = f"{len(fitting)} tokens fit {uri}: {_list(fitting)}"
        raise Unusable(Reason.KeyUnusable, detail, hint=hint)
    return fitting[0]


def _fits(token: pkcs11.Token, uri: Pkcs11Uri) -> bool:
    asked_and_found = (
        (uri.token, token.label),
        (uri.manufacturer, token.manufacturer_id),
        (uri.serial, _text(token.serial)),
        (uri.model, token.model),
    )
    same_slot = uri.slot_id is None or uri.slot_id == token.slot.slot_id
    return same_slot and all(asked in ("", found) for asked, found in asked_and_found)


def _list(tokens: list[pkcs11.Token]) -> str:
    names = (f"{token.label} (serial {_text(token.serial)})" for token in tokens)
    return "; ".join(sorted(names)) or "none"


def _text(serial: bytes) -> str:
    return serial.decode("utf-8", "replace").rstrip("\0 ")
