"""What is in a token: private keys, their public halves, certificates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from platformio_secureota.algorithms import MAX_RSA_BITS, MIN_RSA_BITS
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.hsm.module import library
from platformio_secureota.identity import ALLOWED_KEYS

if TYPE_CHECKING:
    import pkcs11

    from platformio_secureota.hsm.uri import Pkcs11Uri

PublicKey = Union[ec.EllipticCurvePublicKey, rsa.RSAPublicKey]

# CKA_EC_PARAMS: the curve as a DER OBJECT IDENTIFIER.
CURVES: dict[bytes, ec.EllipticCurve] = {
    bytes.fromhex("06082a8648ce3d030107"): ec.SECP256R1(),
    bytes.fromhex("06052b81040022"): ec.SECP384R1(),
}


def curve_parameters(curve: ec.EllipticCurve) -> bytes:
    """CKA_EC_PARAMS of a curve of ours."""
    return next(encoded for encoded, known in CURVES.items() if known.name == curve.name)


@dataclass(frozen=True)
class KeyName:
    """CKA_ID and CKA_LABEL of a key that was found: how it is found again."""

    id: bytes
    label: str

    def __str__(self) -> str:
        """For messages."""
        return f"object={self.label or '(none)'} id={self.id.hex() or '(none)'}"


def private_keys(session: pkcs11.Session, name: KeyName) -> list[Any]:
    """Private keys that have this id and this label, where they are given."""
    p11 = library()
    template: dict[Any, Any] = {p11.Attribute.CLASS: p11.ObjectClass.PRIVATE_KEY}
    return list(session.get_objects({**template, **_names(name.id, name.label)}))


def find_private_key(session: pkcs11.Session, uri: Pkcs11Uri) -> Any:  # noqa: ANN401 - a made class
    """The one private key that fits.  Unusable(KeyMissing) for none, (KeyUnusable) for several."""
    fitting = private_keys(session, KeyName(uri.id, uri.object))
    if not fitting:
        others = "; ".join(sorted(str(name_of(k)) for k in private_keys(session, KeyName(b"", ""))))
        detail = f"no private key fits {uri}; the token has: {others or 'none'}"
        raise Unusable(Reason.KeyMissing, detail)
    if len(fitting) > 1:
        names = "; ".join(sorted(str(name_of(key)) for key in fitting))
        hint = "tell them apart with id or object in the URI"
        detail = f"{len(fitting)} private keys fit {uri}: {names}"
        raise Unusable(Reason.KeyUnusable, detail, hint=hint)
    return fitting[0]


def check_private_key(key: Any, uri: Pkcs11Uri) -> None:  # noqa: ANN401 - the same
    """Unusable(KeyUnusable) unless this key can sign firmware, and without asking each time."""
    p11 = library()
    if key.key_type not in (p11.KeyType.EC, p11.KeyType.RSA):
        detail = f"{uri}: a key of this kind can't sign firmware, only {ALLOWED_KEYS}"
        raise Unusable(Reason.KeyUnusable, detail)
    if not _read(key, p11.Attribute.SIGN):
        raise Unusable(Reason.KeyUnusable, f"{uri}: the token does not let this key sign")
    if _read(key, p11.Attribute.ALWAYS_AUTHENTICATE):
        detail = f"{uri}: this key wants the PIN for each signature (CKA_ALWAYS_AUTHENTICATE)"
        raise Unusable(Reason.KeyUnusable, detail, hint="use a key that does not, see docs/hsm.md")


def public_half(
    session: pkcs11.Session,
    private: Any,  # noqa: ANN401 - the same
) -> PublicKey | None:
    """The public key that the token has for this private key; None if it has none.

    A claim of the token's: who uses it has the key prove it.
    """
    p11 = library()
    if private.key_type == p11.KeyType.RSA:
        return _rsa(private)
    name = name_of(private)
    template: dict[Any, Any] = {p11.Attribute.CLASS: p11.ObjectClass.PUBLIC_KEY}
    template.update(_names(name.id, "" if name.id else name.label))
    halves = (_ec(found) for found in session.get_objects(template))
    return next((half for half in halves if half is not None), None)


def check_size(key: object, uri: Pkcs11Uri) -> PublicKey:
    """Unusable(KeyUnusable) for a key that no device takes."""
    if isinstance(key, rsa.RSAPublicKey) and MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(
        key.curve, (ec.SECP256R1, ec.SECP384R1)
    ):
        return key
    detail = f"{uri}: a key of this kind can't sign firmware, only {ALLOWED_KEYS}"
    raise Unusable(Reason.KeyUnusable, detail)


def certificates(session: pkcs11.Session, name: KeyName) -> list[x509.Certificate]:
    """The X.509 certificates under this id, or else this label; a damaged one is left out."""
    p11 = library()
    template: dict[Any, Any] = {
        p11.Attribute.CLASS: p11.ObjectClass.CERTIFICATE,
        p11.Attribute.CERTIFICATE_TYPE: p11.CertificateType.X_509,
    }
    found = []
    for each in session.get_objects({**template, **_names(name.id, "" if name.id else name.label)}):
        try:
            certificate = x509.load_der_x509_certificate(each[p11.Attribute.VALUE])
            certificate.public_key()
            certificate.extensions  # noqa: B018 - parsed on demand: now is when to hear of it
        except Exception:  # noqa: BLE001, S112 - what the parser raises is not written down
            continue
        found.append(certificate)
    return found


def public_names(session: pkcs11.Session) -> list[KeyName]:
    """Names under which the token shows a public key or a certificate, sorted."""
    p11 = library()
    kinds = (p11.ObjectClass.PUBLIC_KEY, p11.ObjectClass.CERTIFICATE)
    found = {
        name_of(each)
        for kind in kinds
        for each in list(session.get_objects({p11.Attribute.CLASS: kind}))
    }
    return sorted(found, key=lambda name: (name.label, name.id))


def name_of(key: pkcs11.Object) -> KeyName:
    """The names that an object has."""
    attribute = library().Attribute
    return KeyName(_read(key, attribute.ID) or b"", _read(key, attribute.LABEL) or "")


def _names(id_: bytes, label: str) -> dict[Any, Any]:
    attribute = library().Attribute
    names: dict[Any, Any] = {}
    if id_:
        names[attribute.ID] = id_
    if label:
        names[attribute.LABEL] = label
    return names


def _read(key: pkcs11.Object, attribute: Any) -> Any:  # noqa: ANN401 - what the attribute holds
    p11 = library()
    try:
        return key[attribute]
    except (p11.AttributeTypeInvalid, p11.AttributeSensitive, KeyError):
        return None


def _rsa(key: pkcs11.Object) -> rsa.RSAPublicKey | None:
    attribute = library().Attribute
    modulus, exponent = _read(key, attribute.MODULUS), _read(key, attribute.PUBLIC_EXPONENT)
    if not modulus or not exponent:
        return None
    numbers = rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big"))
    try:
        return numbers.public_key()
    except ValueError:
        return None


def _ec(key: pkcs11.Object) -> ec.EllipticCurvePublicKey | None:
    attribute = library().Attribute
    curve = CURVES.get(_read(key, attribute.EC_PARAMS) or b"")
    point = _read(key, attribute.EC_POINT)
    if curve is None or not point:
        return None
    # CKA_EC_POINT is an OCTET STRING around the point; some tokens leave tag and length out.
    size = 1 + 2 * ((curve.key_size + 7) // 8)
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, bytes(point[-size:]))
    except ValueError:
        return None
