"""What each kind of certificate may do.

A profile is told from the certificate's own extensions, never from a note beside it: what the
verifiers will read is what is shown and what is judged.
"""

from __future__ import annotations

import datetime as dt
import enum
from typing import TYPE_CHECKING, TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

_TLS_PURPOSES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


class Profile(enum.Enum):
    """Kinds of certificates; `words` for people, `purposes` as extended key usage."""

    words: str
    is_authority: bool
    purposes: tuple[x509.ObjectIdentifier, ...]
    days: int
    """How long one lasts unless somebody says otherwise."""

    ROOT = "root", "root authority", True, (), 20 * 365 + 5
    # Limited to time-stamping: what such a branch certifies by mistake opens no TLS server.
    AUTHORITY = "authority", "authority", True, (ExtendedKeyUsageOID.TIME_STAMPING,), 10 * 365 + 2
    # And the other way round: nothing below can ever approve firmware.
    TLS_AUTHORITY = "tls-authority", "TLS authority", True, _TLS_PURPOSES, 10 * 365 + 2
    SIGNER = "signer", "signs firmware", False, (ExtendedKeyUsageOID.TIME_STAMPING,), 5 * 365 + 1
    TLS_SERVER = "tls-server", "TLS server", False, _TLS_PURPOSES[:1], 397
    TLS_CLIENT = "tls-client", "TLS client", False, _TLS_PURPOSES[1:], 397

    def __new__(
        cls,
        name: str,
        words: str,
        is_authority: bool,  # noqa: FBT001 - a row of the table above
        purposes: tuple[x509.ObjectIdentifier, ...],
        days: int,
    ) -> Profile:
        """Take one row of the table."""
        self = object.__new__(cls)
        self._value_ = name
        self.words = words
        self.is_authority = is_authority
        self.purposes = purposes
        self.days = days
        return self

    @property
    def is_tls(self) -> bool:
        """For the transport; can't approve firmware."""
        return self in (Profile.TLS_AUTHORITY, Profile.TLS_SERVER, Profile.TLS_CLIENT)

    @property
    def lifetime(self) -> dt.timedelta:
        """`days`, as a time."""
        return dt.timedelta(days=self.days)

    def may_certify(self, other: Profile) -> bool:
        """Whether certificates of that kind may stand directly below one of this kind."""
        if self is Profile.ROOT:
            return other in (Profile.AUTHORITY, Profile.TLS_AUTHORITY, Profile.SIGNER)
        if not self.is_authority or other is Profile.ROOT:
            return False
        return self.is_tls == other.is_tls

    def extensions(
        self, *, depth: int | None, policies: Sequence[str], hosts: Sequence[x509.GeneralName]
    ) -> list[tuple[x509.ExtensionType, bool]]:
        """Extensions and whether they are critical (RFC 5280 4.2.1, RFC 3161 2.3).

        `depth` is the pathLenConstraint, `hosts` go into subjectAltName.
        """
        found: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=self.is_authority, path_length=depth), True),
            (_key_usage(certifies=self.is_authority), True),
        ]
        if self.purposes:
            # RFC 3161 2.3: of a signer it is critical, and its only purpose.
            found.append((x509.ExtendedKeyUsage(self.purposes), self is Profile.SIGNER))
        if policies:
            oids = [x509.ObjectIdentifier(policy) for policy in policies]
            information = [x509.PolicyInformation(oid, None) for oid in oids]
            found.append((x509.CertificatePolicies(information), False))
        if hosts:
            found.append((x509.SubjectAlternativeName(hosts), False))
        return found


def profile_of(certificate: x509.Certificate) -> Profile | None:
    """Which profile a certificate has; None if it is none of ours."""
    basic = extension(certificate, x509.BasicConstraints)
    usage = extension(certificate, x509.ExtendedKeyUsage)
    purposes = () if usage is None else tuple(usage)
    is_authority = basic is not None and basic.ca
    if is_authority and certificate.issuer == certificate.subject:
        return Profile.ROOT
    for profile in Profile:
        same = profile.is_authority == is_authority and set(profile.purposes) == set(purposes)
        if same and profile is not Profile.ROOT:
            return profile
    return None


def policies_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Policies that a certificate asserts, dotted; empty: it has no such extension."""
    policies = extension(certificate, x509.CertificatePolicies)
    if policies is None:
        return ()
    return tuple(each.policy_identifier.dotted_string for each in policies)


def hosts_of(certificate: x509.Certificate) -> tuple[x509.GeneralName, ...]:
    """Names in subjectAltName."""
    names = extension(certificate, x509.SubjectAlternativeName)
    return () if names is None else tuple(names)


def common_name(name: x509.Name) -> str:
    """What a subject or an issuer is called."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    value = found[0].value if found else name.rfc4514_string()
    return value if isinstance(value, str) else value.hex()


def depth_of(certificate: x509.Certificate) -> int | None:
    """PathLenConstraint: authorities that may follow; None: any number."""
    basic = extension(certificate, x509.BasicConstraints)
    return None if basic is None else basic.path_length


_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    """One extension's value; None if it is not there."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _key_usage(*, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certifies,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
