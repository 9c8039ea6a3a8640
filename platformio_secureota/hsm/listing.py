"""What a module shows to somebody without a PIN, as URIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.hsm import module, objects
from platformio_secureota.hsm.uri import Pkcs11Uri

if TYPE_CHECKING:
    import pkcs11


def entries(path: str) -> list[str]:
    """A URI for each token and each key in it that shows a public half or a certificate."""
    with module.LOCK:
        where = module.load(path)
        where.refresh()
        found = []
        for token in where.tokens():
            uri = Pkcs11Uri(token=token.label, serial=token.serial.decode("utf-8", "replace"))
            found.append(f"{uri}?module-path={path}")
            found += [
                f"  {Pkcs11Uri(token=token.label, object=name.label, id=name.id)}"
                for name in _names(token)
            ]
        return found


def _names(token: pkcs11.Token) -> list[objects.KeyName]:
    errors = module.library()
    try:
        session = token.open()
        names = objects.public_names(session)
        session.close()
    except errors.PKCS11Error as cause:
        detail = f"token {token.label}: it answered {type(cause).__name__}"
        raise Unusable(Reason.KeyUnusable, detail) from cause
    return names
