"""Signers whose key is in a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.hsm import module, objects
from platformio_secureota.hsm.keys import TokenKey, token_key
from platformio_secureota.hsm.session import connect, find_token
from platformio_secureota.hsm.uri import CERTIFICATE
from platformio_secureota.identity import SigningIdentity, spki

if TYPE_CHECKING:
    import pkcs11

    from platformio_secureota.hsm.access import Access
    from platformio_secureota.hsm.objects import KeyName, PublicKey
    from platformio_secureota.hsm.uri import Pkcs11Uri


def open_key(uri: Pkcs11Uri, access: Access) -> TokenKey:
    """A private key alone, for an authority that has no certificate yet.  Logs in.

    Unusable: KeyMissing when token or key are not there, KeyUnusable when there are several that
    fit, the PIN is wrong, or the token does not have the public half.
    """
    connection = connect(uri, access)
    public, _ = connection.run(lambda session: _look(session, uri))
    if public is None:
        detail = f"{uri}: the token does not have the public half of this key"
        raise Unusable(Reason.KeyUnusable, detail)
    return token_key(connection, uri, objects.check_size(public, uri))


def load_identity(uri: Pkcs11Uri, access: Access) -> SigningIdentity:
    """A private key with its certificate, from the URI's file or else from the token.  Logs in.

    Unusable as in `open_key`; KeyUnusable too when there is no certificate of this key, or several.
    """
    connection = connect(uri, access)
    public, name = connection.run(lambda session: _look(session, uri))
    if uri.certificate is not None:
        found = read_certificates(uri)
    else:
        found = connection.run(lambda session: objects.certificates(session, name))
    own = [c for c in found if public is None or spki(c.public_key()) == spki(public)]
    if not own or (public is None and len(own) > 1):
        raise _no_certificate(uri, len(found))
    if len(own) > 1:
        detail = f"{uri}: there are {len(own)} certificates of this key"
        hint = f"put the one to use into a file and name that with {CERTIFICATE} in the URI"
        raise Unusable(Reason.KeyUnusable, detail, hint=hint)
    # A token without the public half leaves it to the proof whether the certificate fits.
    claimed = objects.check_size(own[0].public_key(), uri)
    key = token_key(connection, uri, claimed)
    return SigningIdentity(key, own[0], tuple(c for c in found if c is not own[0]))


def load_certificates(uri: Pkcs11Uri, access: Access) -> list[x509.Certificate]:
    """The certificates alone, without a PIN: from the URI's file, or those in the token that fit.

    Unusable(KeyMissing) where the token is not there, (KeyUnusable) where it shows none.
    """
    if uri.certificate is not None:
        return read_certificates(uri)
    with module.LOCK:
        where = module.load(uri.module_path or access.module)
        token = find_token(where, uri)
        try:
            session = token.open()
            found = objects.certificates(session, objects.KeyName(uri.id, uri.object))
            session.close()
        except module.library().PKCS11Error as cause:
            detail = f"{uri}: the token answered {type(cause).__name__}"
            raise Unusable(Reason.KeyUnusable, detail) from cause
    if not found:
        raise _no_certificate(uri, 0)
    return found


def read_certificates(uri: Pkcs11Uri) -> list[x509.Certificate]:
    """What the file that the URI names has in it.  Unusable(FileUnreadable, KeyUnusable)."""
    path = uri.certificate
    if path is None:
        return []
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
    except ValueError as cause:
        detail = f"{path} holds no certificate in PEM form, or a damaged one"
        raise Unusable(Reason.KeyUnusable, detail) from cause


def _look(session: pkcs11.Session, uri: Pkcs11Uri) -> tuple[PublicKey | None, KeyName]:
    private = objects.find_private_key(session, uri)
    objects.check_private_key(private, uri)
    return objects.public_half(session, private), objects.name_of(private)


def _no_certificate(uri: Pkcs11Uri, seen: int) -> Unusable:
    where = f"in {uri.certificate}" if uri.certificate else "in the token under the key's id"
    detail = f"{uri}: no certificate of this key {where}"
    if seen:
        detail += f", but {seen} of another"
    hint = f"name its PEM file with ?{CERTIFICATE}=FILE at the end of the URI"
    return Unusable(Reason.KeyUnusable, detail, hint=hint)
