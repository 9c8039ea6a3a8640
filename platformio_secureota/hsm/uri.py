"""`pkcs11:` URIs (RFC 7512): which token, which key in it, and how to get there.

Read strictly: an attribute that is unknown, repeated, empty or malformed is an error, never
something to pass over, since a key that was not meant would sign.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from platformio_secureota.errors import Reason, Unusable

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEME = "pkcs11:"
CERTIFICATE = "secureota-certificate"
"""Our own query attribute: a file with the certificate, where the token has none."""

_PATH_NAMES = ("token", "manufacturer", "serial", "model", "slot-id", "object", "id", "type")
_QUERY_NAMES = ("module-path", "pin-source", CERTIFICATE)

# RFC 7512 2.3: pk11-pchar and pk11-qchar, with percent-encoding for everything else.
_SHARED = r"A-Za-z0-9\-._~:\[\]@!$'()*+,="
_PATH_VALUE = re.compile(rf"(?:[{_SHARED}&]|%[0-9A-Fa-f]{{2}})+")
_QUERY_VALUE = re.compile(rf"(?:[{_SHARED}/?|]|%[0-9A-Fa-f]{{2}})+")
_NAME = re.compile("[A-Za-z-]{1,32}")
_SAFE = "-._~:[]@!$'()*+,="

_WHY_NOT = {
    "pin-value": "it would be seen in process lists, logs and repositories: use pin-source, or "
    "SECUREOTA_PKCS11_PIN in the environment",
    "module-name": "where a name is looked for differs between systems: use module-path",
}


@dataclass(frozen=True)
class Pkcs11Uri:
    """What a URI asks for; an empty string or None: it doesn't say."""

    token: str = ""
    manufacturer: str = ""
    serial: str = ""
    model: str = ""
    slot_id: int | None = None
    object: str = ""
    """CKA_LABEL of the key."""
    id: bytes = b""
    """CKA_ID of the key."""
    module_path: str = ""
    """Absolute path of the PKCS#11 module, a shared library."""
    pin_source: Path | None = None
    """File whose first line is the PIN."""
    certificate: Path | None = None
    """PEM file with the key's certificate, and those that lead on to an anchor."""

    def __str__(self) -> str:
        """The attributes that identify the key, without those that say how to get there."""
        texts = {
            "token": self.token,
            "manufacturer": self.manufacturer,
            "serial": self.serial,
            "model": self.model,
            "object": self.object,
        }
        parts = [f"{name}={quote(text, safe=_SAFE)}" for name, text in texts.items() if text]
        if self.slot_id is not None:
            parts.append(f"slot-id={self.slot_id}")
        if self.id:
            parts.append("id=" + "".join(f"%{octet:02x}" for octet in self.id))
        return SCHEME + ";".join(parts)


def is_uri(text: str) -> bool:
    """Whether this is meant as a URI of a key in a token, and not as a file's name."""
    return text[: len(SCHEME)].lower() == SCHEME


def parse(text: str, *, base: Path = Path()) -> Pkcs11Uri:
    """Read a URI.  The certificate's file is relative to `base`.  Unusable(Usage)."""
    if not is_uri(text):
        raise _bad(f"does not begin with {SCHEME}")
    path, mark, query = text[len(SCHEME) :].partition("?")
    found = _attributes(path, ";", _PATH_NAMES, _PATH_VALUE)
    asked = _attributes(query, "&", _QUERY_NAMES, _QUERY_VALUE)
    if mark and not query:
        raise _bad("has nothing after its question mark")
    if found.get("type", b"private") != b"private":
        raise _bad("has a type other than private: a private key is what signs")
    module_path = _text(asked, "module-path")
    if module_path and not Path(module_path).is_absolute():
        raise _bad("has a module-path that is not absolute")
    certificate = _text(asked, CERTIFICATE)
    return Pkcs11Uri(
        token=_text(found, "token"),
        manufacturer=_text(found, "manufacturer"),
        serial=_text(found, "serial"),
        model=_text(found, "model"),
        slot_id=_slot_id(found),
        object=_text(found, "object"),
        id=found.get("id", b""),
        module_path=module_path,
        pin_source=_pin_source(asked),
        certificate=base / Path(certificate).expanduser() if certificate else None,
    )


def _attributes(
    text: str, separator: str, names: tuple[str, ...], pattern: re.Pattern[str]
) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in text.split(separator) if text else ():
        name, _, value = part.partition("=")
        if name in _WHY_NOT:
            raise Unusable(
                Reason.Usage, f"{name} is not taken in a {SCHEME} URI", hint=_WHY_NOT[name]
            )
        if name not in names:
            shown = repr(name) if _NAME.fullmatch(name) else "what is no name"
            raise _bad(f"has an attribute that is not known there: {shown}")
        if name in found:
            raise _bad(f"has {name} twice")
        if not pattern.fullmatch(value):
            raise _bad(f"has no value for {name}, or one with characters that must be %-encoded")
        found[name] = unquote_to_bytes(value)
    return found


def _text(values: Mapping[str, bytes], name: str) -> str:
    try:
        text = values.get(name, b"").decode("utf-8")
    except UnicodeDecodeError:
        raise _bad(f"has a {name} that is not UTF-8") from None
    if "\0" in text:
        raise _bad(f"has a NUL in {name}")
    return text


def _slot_id(values: Mapping[str, bytes]) -> int | None:
    text = _text(values, "slot-id")
    if text and not re.fullmatch("[0-9]{1,20}", text):
        raise _bad("has a slot-id that is not a number")
    return int(text) if text else None


def _pin_source(values: Mapping[str, bytes]) -> Path | None:
    text = _text(values, "pin-source")
    if not text:
        return None
    if text.startswith("|"):
        raise _bad("has a command as pin-source: only files are read")
    # file:/path and file:///path are the same (RFC 8089 2); the rest of RFC 7512's choices is not
    # for a tool that others' project files configure.
    path = re.sub(r"^file:(///|/(?!/))", "/", text)
    if not path.startswith("/"):
        raise _bad("has a pin-source that is neither an absolute path nor a file: URI of one")
    return Path(path)


def _bad(text: str) -> Unusable:
    # Without its text: a mistyped attribute may hold a PIN.
    return Unusable(Reason.Usage, f"the {SCHEME} URI {text}", hint="see docs/hsm.md")
