"""Where a signing key is: in a file, or in a token that a `pkcs11:` URI names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from platformio_secureota import hsm, keyfile, pki
from platformio_secureota.tsa.local import LocalTSA

if TYPE_CHECKING:
    from platformio_secureota.identity import SigningIdentity

KeySource = Union[Path, hsm.Pkcs11Uri]


def parse(text: str, *, base: Path = Path()) -> KeySource:
    """Read what a person wrote.  Files are relative to `base`.  Unusable(Usage) for a bad URI.

    A file whose name begins with `pkcs11:` is written as `./pkcs11:...`.
    """
    return hsm.parse(text, base=base) if hsm.is_uri(text) else base / Path(text).expanduser()


def load_identity(
    source: KeySource, *, passphrase: bytes | None = None, access: hsm.Access | None = None
) -> SigningIdentity:
    """The key and its certificates, ready to sign.

    `passphrase` is for a file, `access` for a token.  Unusable: KeyMissing, KeyUnusable,
    FileUnreadable.
    """
    if isinstance(source, Path):
        return keyfile.load_identity(source, passphrase=passphrase)
    from platformio_secureota.hsm import identity  # noqa: PLC0415 - needs the extra `hsm`

    return identity.load_identity(source, access or hsm.Access())


def local_tsa(
    source: KeySource,
    *,
    passphrase: bytes | None = None,
    access: hsm.Access | None = None,
    **options: Any,  # noqa: ANN401 - LocalTSA's fields
) -> LocalTSA:
    """An authority that signs with this key; refuses a certificate that no device would accept."""
    tsa = LocalTSA(load_identity(source, passphrase=passphrase, access=access), **options)
    pki.check_signer(tsa.identity, at=tsa.clock())
    return tsa
