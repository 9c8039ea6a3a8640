"""What is found wrong before the first request: the server does not start on it."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from platformio_secureota import der, key_source, pki
from platformio_secureota.anchors import TrustAnchor, read_anchors
from platformio_secureota.certificate import ANY_POLICY, Certificate, Extensions
from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.identity import SigningIdentity, describe, to_der
from platformio_secureota.path import PathRules, check_reached_signer, find_path

if TYPE_CHECKING:
    from platformio_secureota.tsa.server.config import Config

_PROOF = b"SecureOTA TSA: a proof of the key, and no token. "
"""What is signed to try a key.  A token's signature is over a SET, which begins otherwise."""


def load_signer(config: Config, *, passphrase: bytes | None) -> SigningIdentity:
    """Load the signer's key and certificates: the one place that knows where keys may be.

    `passphrase` is a key file's; a token's PIN comes from where its URI says (pin-source).
    """
    source = key_source.parse(config.key, base=config.path.parent)
    identity = key_source.load_identity(source, passphrase=passphrase)
    if config.certificates is None:
        return identity
    try:
        more = x509.load_pem_x509_certificates(config.certificates.read_bytes())
    except OSError as cause:
        detail = f"{config.certificates}: {cause.strerror}"
        raise Unusable(Reason.FileUnreadable, detail) from cause
    except ValueError as cause:
        detail = f"{config.certificates}: there are no PEM certificates in it"
        raise Unusable(Reason.FileUnreadable, detail) from cause
    return replace(identity, chain=(*identity.chain, *more))


def prove_key(identity: SigningIdentity) -> None:
    """Sign and verify with the certificate's key; Unusable(KeyUnusable) if that fails."""
    data = _PROOF + secrets.token_bytes(32)
    key, public = identity.key, identity.certificate.public_key()
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            algorithm = ec.ECDSA(hashes.SHA256())
            public.verify(key.sign(data, algorithm), data, algorithm)  # type: ignore[call-arg, arg-type]
        elif isinstance(public, rsa.RSAPublicKey):
            pkcs1, digest = padding.PKCS1v15(), hashes.SHA256()
            public.verify(key.sign(data, pkcs1, digest), data, pkcs1, digest)  # type: ignore[call-arg, arg-type]
        else:
            raise Unusable(Reason.KeyUnusable, "its certificate is of another kind of key")
    except (InvalidSignature, TypeError) as cause:
        raise Unusable(Reason.KeyUnusable, "key and certificate don't belong together") from cause


def check(config: Config, identity: SigningIdentity, *, now: dt.datetime | None = None) -> None:
    """Refused or Unusable with the first thing that is wrong."""
    check_callers(config)
    check_modes(config)
    prove_key(identity)
    check_chain(config, identity, now=now or dt.datetime.now(dt.timezone.utc))


def check_callers(config: Config) -> None:
    """Nobody unknown may reach the key from elsewhere, and no secret may cross in the clear."""
    if not config.callers:
        raise Unusable(Reason.NoAuthentication, "there is no [[caller]]")
    reached = not config.is_loopback or config.trust_proxy
    if reached and config.anonymous is not None:
        detail = f"anybody who reaches {config.address} could have anything signed"
        raise Unusable(Reason.NoAuthentication, detail, hint="anonymous is for loopback alone")
    if not config.is_loopback and config.tls is None and not config.cleartext:
        detail = f"tokens and passwords would travel to {config.address} in the clear"
        hint = "set [tls], or listen on 127.0.0.1 behind a proxy that does TLS"
        raise Unusable(Reason.NoAuthentication, detail, hint=hint)
    if config.trust_proxy and not config.is_loopback:
        detail = "a proxy's word about certificates is only taken on loopback"
        raise Unusable(Reason.NoAuthentication, detail)
    by_certificate = [caller.name for caller in config.callers if caller.certificates]
    has_source = config.trust_proxy or (config.tls is not None and config.tls.client_ca)
    if by_certificate and not has_source:
        detail = f"caller {by_certificate[0]} has certificates, and nothing checks them"
        hint = "set client_ca in [tls], or client_certificates in [proxy]"
        raise Unusable(Reason.NoAuthentication, detail, hint=hint)


def check_modes(config: Config) -> None:
    """Files that others can read or change are no secrets, and no evidence."""
    private = [] if config.key.startswith("pkcs11:") else [Path(config.key)]
    if config.tls is not None:
        private.append(config.tls.key)
    for path in (*private, config.log, config.head):
        _check_mode(path, 0o077)
    # A service may own the log and not its configuration: its group may read it.
    _check_mode(config.path, 0o027)


def _check_mode(path: Path, forbidden: int) -> None:
    try:
        found = path.stat()
        folder = path.parent.stat()
    except FileNotFoundError:
        return  # a log that is yet to be made; a key that is not there is told of elsewhere
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
    mode = stat.S_IMODE(found.st_mode)
    if mode & forbidden:
        detail = f"{path} has mode {mode:04o}"
        raise Unusable(Reason.FileExposed, detail, hint=f"chmod {mode & ~forbidden:o} it")
    if found.st_uid not in (0, os.geteuid()):
        raise Unusable(Reason.FileExposed, f"{path} belongs to another user")
    if folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
        raise Unusable(Reason.FileExposed, f"everybody can replace files in {path.parent}")


def check_chain(config: Config, identity: SigningIdentity, *, now: dt.datetime) -> None:
    """The devices' own rules about the signer, for each policy that somebody may get."""
    pki.check_signer(identity, at=now)
    anchors = _anchors(config, identity)
    signer, *bag = [Certificate.parse(one) for one in _checked(identity)]
    extensions = Extensions.parse(signer)
    policies = {policy for caller in config.callers for policy in caller.policies}
    asserted = extensions.policies or ()
    for policy in sorted(policies):
        oid = der.oid_contents(policy)
        # A certificate without policies leaves it to the caller; devices can't require one then.
        if asserted and ANY_POLICY not in asserted and oid not in asserted:
            detail = f"the signer's certificate does not assert {config.policy_name(policy)}"
            raise Refused(Reason.PolicyNotAccepted, detail)
        rules = PathRules(now, oid if asserted else None, frozenset())
        if any(anchor.certificate.der == signer.der for anchor in anchors):
            check_reached_signer(signer, extensions, rules)
        else:
            find_path(signer, extensions, bag, anchors, rules)


def _checked(identity: SigningIdentity) -> list[bytes]:
    encoded = [to_der(one) for one in (identity.certificate, *identity.chain)]
    for one in encoded:
        der.check(one)
    return encoded


def _anchors(config: Config, identity: SigningIdentity) -> list[TrustAnchor]:
    if config.anchors is not None:
        return read_anchors(config.anchors)
    last = identity.chain[-1] if identity.chain else identity.certificate
    if last.subject != last.issuer:
        detail = f"the issuer of {describe(last)} is missing"
        hint = "add the chain to the key's file, or name the devices' anchor in `anchors`"
        raise Refused(Reason.NotTrusted, detail, hint=hint)
    return [TrustAnchor.from_der(to_der(last))]
