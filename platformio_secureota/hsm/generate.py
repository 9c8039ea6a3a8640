"""Keys made inside a token, which they can't leave."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import ec

from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.hsm import objects
from platformio_secureota.hsm.identity import open_key
from platformio_secureota.hsm.module import library
from platformio_secureota.hsm.session import connect
from platformio_secureota.identity import to_der

if TYPE_CHECKING:
    import pkcs11
    from cryptography import x509

    from platformio_secureota.hsm.access import Access
    from platformio_secureota.hsm.keys import TokenKey
    from platformio_secureota.hsm.uri import Pkcs11Uri

_CURVES: dict[str, ec.EllipticCurve] = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}
_RSA_BITS = {"rsa2048": 2048, "rsa3072": 3072}

_ID_SIZE = 8
"""Octets of an id that is made up here."""


def generate(uri: Pkcs11Uri, kind: str, access: Access) -> TokenKey:
    """Make a key under the URI's `object` (a label, which it must have) and `id`.

    Kinds as in `pki.generate`.  Unusable(KeyUnusable) if the token has such a key already, or
    can't make one.
    """
    if not uri.object:
        raise Unusable(Reason.Usage, f"{uri}: name the new key with object")
    connect(uri, access).run_writing(lambda session: _generate(session, uri, kind))
    return open_key(uri, access)


def store_certificate(uri: Pkcs11Uri, certificate: x509.Certificate, access: Access) -> None:
    """Put a certificate into the token, under the id and the label of its key."""

    def work(session: pkcs11.Session) -> None:
        p11 = library()
        name = objects.name_of(objects.find_private_key(session, uri))
        parsed = asn1_x509.Certificate.load(to_der(certificate))
        session.create_object(
            {
                p11.Attribute.CLASS: p11.ObjectClass.CERTIFICATE,
                p11.Attribute.CERTIFICATE_TYPE: p11.CertificateType.X_509,
                p11.Attribute.TOKEN: True,
                p11.Attribute.PRIVATE: False,
                p11.Attribute.ID: name.id,
                p11.Attribute.LABEL: name.label,
                p11.Attribute.SUBJECT: parsed.subject.dump(),
                p11.Attribute.ISSUER: parsed.issuer.dump(),
                p11.Attribute.SERIAL_NUMBER: parsed["tbs_certificate"]["serial_number"].dump(),
                p11.Attribute.VALUE: parsed.dump(),
            }
        )

    connect(uri, access).run_writing(work)


def _generate(session: pkcs11.Session, uri: Pkcs11Uri, kind: str) -> None:
    p11 = library()
    # A key that has the id or the label would make this one impossible to name.
    for names in (objects.KeyName(uri.id, ""), objects.KeyName(b"", uri.object)):
        if (names.id or names.label) and objects.private_keys(session, names):
            raise Unusable(Reason.KeyUnusable, f"the token has a key already with {names}")
    options: dict[str, Any] = {
        "id": uri.id or secrets.token_bytes(_ID_SIZE),
        "label": uri.object,
        "store": True,
        "capabilities": p11.MechanismFlag.SIGN | p11.MechanismFlag.VERIFY,
        "public_template": {p11.Attribute.PRIVATE: False},
        "private_template": {p11.Attribute.SENSITIVE: True, p11.Attribute.EXTRACTABLE: False},
    }
    if kind in _RSA_BITS:
        session.generate_keypair(p11.KeyType.RSA, _RSA_BITS[kind], **options)
        return
    parameters = {p11.Attribute.EC_PARAMS: objects.curve_parameters(_CURVES[kind])}
    curve = session.create_domain_parameters(p11.KeyType.EC, parameters, local=True)
    curve.generate_keypair(mechanism=p11.Mechanism.EC_KEY_PAIR_GEN, **options)
