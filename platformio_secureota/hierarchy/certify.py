"""What an authority may certify, and the certificate itself.

Whatever a verifier would refuse later is refused here, where somebody can still change it: a policy
that the authority does not have, a level too deep, a life that outlasts the authority's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from platformio_secureota.algorithms import key_family
from platformio_secureota.errors import Reason, Refused, SecureOTAError, Unusable
from platformio_secureota.hierarchy.profiles import (
    Profile,
    depth_of,
    extension,
    policies_of,
    profile_of,
)
from platformio_secureota.identity import ALLOWED_KEYS, describe, spki, to_der

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificatePublicKeyTypes as PublicKey,
    )

    from platformio_secureota.identity import PrivateKey, SigningIdentity

MAX_DEPTH = 4
"""Levels of authorities below a root, unless the root says less.  Verifiers follow 6."""

SERIAL_BITS = 63
"""Deployed readers refuse more than 64 bits, and 63 fit eight octets with the sign."""

_ANY_POLICY = "2.5.29.32.0"

_BACKDATED = dt.timedelta(minutes=5)
"""So that another machine, whose clock is a little behind, can use a certificate at once."""


@dataclass(frozen=True)
class Order:
    """A certificate that somebody wants to have."""

    name: str
    profile: Profile
    policies: tuple[str, ...] = ()
    """Dotted.  Empty: as the authority has them."""
    depth: int | None = None
    """Of an authority: levels of authorities below it.  None: one less than its own authority."""
    lifetime: dt.timedelta | None = None
    """None: the profile's, or what is left of the authority's life, if that is less."""
    hosts: tuple[x509.GeneralName, ...] = ()
    """Of a TLS server: its names."""


def certify(
    order: Order,
    public_key: PublicKey,
    *,
    issuer: SigningIdentity | None,
    key: PrivateKey | None = None,
    now: dt.datetime,
) -> x509.Certificate:
    """Make the certificate: `issuer` signs it; of a root, its own `key` does.

    Refused(IssuerForbids) for what the issuer may not certify.
    """
    check_public_key(public_key)
    if issuer is None:
        if order.profile is not Profile.ROOT or key is None:
            message = "only a root has no issuer, and it needs its own key"
            raise ValueError(message)
        limits = _Limits(order.policies, MAX_DEPTH if order.depth is None else order.depth, None)
        issuer_name, signing_key = _name(order.name), key
        authority_id = _key_id(public_key)
    else:
        limits = _judge(order, issuer.certificate, now)
        issuer_name, signing_key = issuer.certificate.subject, issuer.key
        authority_id = _subject_id(issuer.certificate)
    start = now.replace(microsecond=0) - _BACKDATED
    end = start + (order.lifetime or order.profile.lifetime)
    if limits.end is not None and order.lifetime is None:
        end = min(end, limits.end)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(order.name))
        .issuer_name(issuer_name)
        .public_key(public_key)
        .serial_number(secrets.randbelow(2**SERIAL_BITS - 1) + 1)
        .not_valid_before(start)
        .not_valid_after(end)
    )
    found = order.profile.extensions(
        depth=limits.depth, policies=limits.policies, hosts=order.hosts
    )
    for value, critical in found:
        builder = builder.add_extension(value, critical=critical)
    if order.profile.is_authority:
        own_id = x509.SubjectKeyIdentifier(_key_id(public_key))
        builder = builder.add_extension(own_id, critical=False)
    if issuer is not None:
        by = x509.AuthorityKeyIdentifier(authority_id, None, None)
        builder = builder.add_extension(by, critical=False)
    return builder.sign(signing_key, _digest(signing_key))


@dataclass(frozen=True)
class _Limits:
    policies: tuple[str, ...]
    depth: int | None
    end: dt.datetime | None


def _judge(order: Order, issuer: x509.Certificate, now: dt.datetime) -> _Limits:
    own = profile_of(issuer)
    who = describe(issuer)
    if own is None or not own.is_authority:
        hint = "choose an authority with --under"
        raise _forbidden(f"{who} is no authority and certifies nobody", hint)
    if not own.may_certify(order.profile):
        raise _forbidden(f"{who}, {own.words}, does not certify: {order.profile.words}")
    if not issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc:
        hint = f"renew it first: secureota pki renew {who.partition('=')[2]}"
        raise _forbidden(f"{who} is valid until {issuer.not_valid_after_utc:%Y-%m-%d}", hint)
    return _Limits(_policies(order, issuer), _depth(order, issuer), _end(order, issuer, now))


def _policies(order: Order, issuer: x509.Certificate) -> tuple[str, ...]:
    if order.profile.is_tls:
        if order.policies:
            raise Unusable(Reason.Usage, "policies are for what approves firmware")
        return ()
    allowed = policies_of(issuer)
    if allowed and _ANY_POLICY not in allowed:
        foreign = [policy for policy in order.policies if policy not in allowed]
        if foreign:
            detail = f"policy {foreign[0]}: {describe(issuer)} has only {', '.join(allowed)}"
            hint = "a device that requires a policy asks every certificate of the path for it"
            raise _forbidden(detail, hint)
    return order.policies or allowed


def _depth(order: Order, issuer: x509.Certificate) -> int | None:
    if not order.profile.is_authority:
        return None
    above = depth_of(issuer)
    room = MAX_DEPTH - 1 if above is None else above - 1
    if room < 0:
        hint = "renew it with a larger --depth, or let it certify signers alone"
        raise _forbidden(f"{describe(issuer)} may have no authorities below it", hint)
    if order.depth is not None and order.depth > room:
        detail = f"--depth {order.depth}: below {describe(issuer)} it is at most {room}"
        raise _forbidden(detail)
    return room if order.depth is None else order.depth


def _end(order: Order, issuer: x509.Certificate, now: dt.datetime) -> dt.datetime:
    end = issuer.not_valid_after_utc
    if order.lifetime is not None and now + order.lifetime > end:
        detail = f"{describe(issuer)} itself ends on {end:%Y-%m-%d}"
        raise _forbidden(detail, "ask for fewer --days, or renew the authority first")
    return end


def _forbidden(detail: str, hint: str = "") -> Refused:
    return Refused(Reason.IssuerForbids, detail, hint=hint)


def check_public_key(public_key: PublicKey) -> None:
    """Unusable(RequestUnusable) for a key that the verifiers don't take."""
    try:
        key_family(spki(public_key))
    except SecureOTAError as cause:
        detail = f"a key of this kind can't be used, only {ALLOWED_KEYS}"
        raise Unusable(Reason.RequestUnusable, detail) from cause


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _digest(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384:
    # As strong as the key (RFC 5480 4).
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP384R1):
        return hashes.SHA384()
    return hashes.SHA256()


def _key_id(public_key: PublicKey) -> bytes:
    # RFC 7093 2, method 4: any hash of the key will do; it only helps to find the issuer.
    return hashlib.sha256(spki(public_key)).digest()[:20]


def _subject_id(certificate: x509.Certificate) -> bytes:
    own = extension(certificate, x509.SubjectKeyIdentifier)
    return _key_id(certificate.public_key()) if own is None else own.digest


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Name and signature fit; decides nothing about trust."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - what the library raises depends on the kind of key
        return False
    return to_der(certificate) != to_der(issuer)
