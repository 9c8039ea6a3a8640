"""A key on this machine that signs images: in a file, or in a token that a URI names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformio_secureota import compat, key_source
from platformio_secureota.cli import console

if TYPE_CHECKING:
    from platformio_secureota.tsa import LocalTSA


def tsa_of(
    key: str,
    *,
    for_old_readers: bool = False,
    **options: Any,  # noqa: ANN401 - LocalTSA's fields
) -> LocalTSA:
    """An authority that signs with the key that a person named: FILE, or pkcs11:URI.

    Passphrase and PIN come from the environment; the PIN else from the person.
    """
    source = key_source.parse(key)
    tsa = key_source.local_tsa(
        source,
        passphrase=console.key_passphrase(),
        access=console.token_access(),
        **options,
        **(compat.REDWAX if for_old_readers else {}),
    )
    if isinstance(source, Path):
        console.warn_if_exposed(source)
    return tsa
