"""A timestamp authority in this process, with a key that is at hand.

It answers as a remote one would (RFC 3161 with RFC 5816), so that everything behind it is the same.
Whoever holds the key also chooses the time, though: with a local key genTime is a counter that
rises, not evidence.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from platformio_secureota import der, pki
from platformio_secureota.certificate import ANY_POLICY, Certificate, Extensions
from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.names import printable
from platformio_secureota.timestamp import ID_SHA256, ParsedRequest, parse_request
from platformio_secureota.tsa import encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from platformio_secureota.identity import SigningIdentity

DEFAULT_POLICY = "2.25.216733991165857232465645737497058247910"
"""The policy of a token when nobody asks for another: "made with SecureOTA, nothing promised".

Under 2.25 everyone may name things by a UUID without asking (ITU-T X.667); this one is
a30d72c7-6984-4635-9dab-042b20f284e6.
"""

SERIAL_BITS = 63
"""Random bits of a serial number.  Deployed readers refuse more than 64 bits, and 63 fit eight
octets together with the sign."""

MAX_SERIAL_BITS = 160
"""What every reader must take (RFC 3161 2.4.2)."""

_MICROSECONDS = 6
"""Digits of a second that this machine's clock has."""

ESS_FORMS = ("v2", "v1", "both")
CERTIFICATE_CHOICES = ("all", "signer", "none")

# PKIFailureInfo bits (RFC 3161 2.4.2).
_BAD_ALG, _BAD_REQUEST, _BAD_DATA_FORMAT, _UNACCEPTED_POLICY, _UNACCEPTED_EXTENSION = (
    0,
    2,
    5,
    15,
    16,
)

_NULL = der.encode(der.NULL)

_SHA256 = "2.16.840.1.101.3.4.2.1"
_SHA384 = "2.16.840.1.101.3.4.2.2"
_ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"
_ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3"
_RSA_ENCRYPTION = "1.2.840.113549.1.1.1"


def utcnow() -> dt.datetime:
    """Read this machine's clock, in UTC."""
    return dt.datetime.now(dt.timezone.utc)


@dataclass(frozen=True)
class LocalTSA:
    """Issues tokens with `identity`.  Holds no state: serial numbers are random."""

    identity: SigningIdentity
    chain: Sequence[bytes] = ()
    """More certificates to send, DER, besides those of the identity."""
    policy: str = ""
    """Dotted.  Empty: the first policy that the certificate asserts, else `DEFAULT_POLICY`."""
    clock: Callable[[], dt.datetime] = utcnow
    """Gives genTime; its answer has a time zone."""
    ess: str = "v2"
    """How the signer's certificate is bound: by SHA-256 ("v2"), SHA-1 ("v1"), or "both"."""
    certs: str = "all"
    """Certificates sent where the request asks for them: "all" but self-signed issuers, the
    "signer"'s, or "none" (for a verifier that has the signer's as its anchor)."""
    serial_bits: int = SERIAL_BITS
    fraction_digits: int = 0
    """Digits of a second in genTime, at most 6."""
    accuracy: encode.Accuracy | None = None
    signing_time: bool = False
    """Add the signingTime attribute, which says nothing that genTime doesn't."""

    def __post_init__(self) -> None:
        """ValueError for a setting that is none."""
        settings_are_known = (
            self.ess in ESS_FORMS
            and self.certs in CERTIFICATE_CHOICES
            and 1 <= self.serial_bits <= MAX_SERIAL_BITS
            and 0 <= self.fraction_digits <= _MICROSECONDS
        )
        if not settings_are_known:
            message = "ess, certs, serial_bits or fraction_digits is out of range"
            raise ValueError(message)
        if self.policy:
            check_policy(self.policy)

    @classmethod
    def from_pem(
        cls,
        path: Path,
        passphrase: bytes | None = None,
        **options: Any,  # noqa: ANN401 - the fields above
    ) -> LocalTSA:
        """Take the identity from a PEM file; refuses one that no device would accept."""
        tsa = cls(pki.load_identity(path, passphrase=passphrase), **options)
        pki.check_signer(tsa.identity, at=tsa.clock())
        return tsa

    def timestamp(self, request: bytes) -> bytes:
        """Answer a DER TimeStampReq with a DER TimeStampResp; a bad one with a rejection."""
        try:
            parsed = parse_request(request)
        except Refused as refusal:
            return encode.rejection(_BAD_DATA_FORMAT, str(refusal))
        problem = self._problem(parsed)
        return encode.rejection(*problem) if problem else encode.granted(self._token(parsed))

    def _problem(self, request: ParsedRequest) -> tuple[int, str] | None:
        # (PKIFailureInfo bit, a line for people) of a request that can't be granted.
        if request.version != 1:
            return _BAD_REQUEST, "only version 1 of a request is known"
        if request.has_extensions:
            return _UNACCEPTED_EXTENSION, "no extension of a request is known"
        algorithm = request.imprint_algorithm
        if algorithm.algorithm != ID_SHA256 or algorithm.parameters not in (None, _NULL):
            return _BAD_ALG, "the imprint must be a SHA-256 digest"
        if len(request.imprint) != hashlib.sha256().digest_size:
            return _BAD_DATA_FORMAT, "a SHA-256 digest has 32 octets"
        asserted = self._asserted_policies
        if request.policy and asserted and request.policy not in asserted:
            return _UNACCEPTED_POLICY, "the signer's certificate does not assert this policy"
        return None

    def _token(self, request: ParsedRequest) -> bytes:
        now = self.clock().astimezone(dt.timezone.utc)
        content = encode.tst_info(
            policy=request.policy or self._default_policy,
            message_imprint=encode.imprint(request.imprint_algorithm, request.imprint),
            serial=secrets.randbelow(2**self.serial_bits - 1) + 1,
            time=encode.gen_time(now, self.fraction_digits),
            accuracy=self.accuracy,
            nonce=request.nonce,
        )
        digest_name, digest_algorithm, signature_algorithm = self._algorithms
        attributes = [
            encode.content_type_attribute(),
            encode.message_digest_attribute(hashlib.new(digest_name, content).digest()),
            *self._signing_certificate_attributes,
        ]
        if self.signing_time:
            attributes.append(encode.signing_time_attribute(now))
        signed_attributes = encode.set_of(attributes)
        signer = encode.signer_info(
            signer=self._signer,
            digest_algorithm=digest_algorithm,
            signed_attributes=signed_attributes,
            signature_algorithm=signature_algorithm,
            signature=self._sign(signed_attributes),
        )
        return encode.token(
            digest_algorithm=digest_algorithm,
            content=content,
            certificates=self._certificates if request.cert_req else (),
            signer=signer,
        )

    def _sign(self, data: bytes) -> bytes:
        digest: hashes.HashAlgorithm = hashes.SHA256()
        if self._algorithms[0] == "sha384":
            digest = hashes.SHA384()
        key = self.identity.key
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(data, ec.ECDSA(digest))
        return key.sign(data, padding.PKCS1v15(), digest)

    @cached_property
    def _algorithms(self) -> tuple[str, bytes, bytes]:
        # (hashlib name, digestAlgorithm, signatureAlgorithm).  SHA-2 without parameters (RFC 5754
        # 2), ECDSA without (RFC 5758 3.2), and rsaEncryption with NULL (RFC 3370 3.2): the form of
        # RSA signatures that every CMS reader knows.
        key = self.identity.key
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            rsa = encode.algorithm(_RSA_ENCRYPTION, null=True)
            return "sha256", encode.algorithm(_SHA256), rsa
        if isinstance(key.curve, ec.SECP384R1):
            return "sha384", encode.algorithm(_SHA384), encode.algorithm(_ECDSA_WITH_SHA384)
        return "sha256", encode.algorithm(_SHA256), encode.algorithm(_ECDSA_WITH_SHA256)

    @cached_property
    def _signer(self) -> Certificate:
        encoded = self.identity.certificate_der
        der.check(encoded)
        return Certificate.parse(encoded)

    @cached_property
    def _signing_certificate_attributes(self) -> list[bytes]:
        encoded = self.identity.certificate_der
        attributes = []
        if self.ess in ("v1", "both"):
            attributes.append(encode.signing_certificate_attribute(encoded))
        if self.ess in ("v2", "both"):
            attributes.append(encode.signing_certificate_v2_attribute(encoded))
        return attributes

    @cached_property
    def _certificates(self) -> list[bytes]:
        if self.certs == "none":
            return []
        certificates = [self.identity.certificate_der]
        if self.certs == "all":
            others = [*map(pki.to_der, self.identity.chain), *self.chain]
            # An anchor is what the verifier has already: it only makes the token longer.
            certificates += [c for c in others if not Certificate.parse(c).is_self_issued]
        return list(dict.fromkeys(certificates))

    @cached_property
    def _asserted_policies(self) -> tuple[str, ...]:
        # Empty: the certificate doesn't say, or asserts any.
        policies = Extensions.parse(self._signer).policies or ()
        return () if ANY_POLICY in policies else tuple(map(der.oid_text, policies))

    @cached_property
    def _default_policy(self) -> str:
        return self.policy or next(iter(self._asserted_policies), DEFAULT_POLICY)


def check_policy(policy: str) -> None:
    """Unusable(Usage) unless this is the dotted form of an OBJECT IDENTIFIER."""
    try:
        canonical = der.oid_text(der.oid_contents(policy)) == policy
    except ValueError:
        canonical = False
    if not canonical:
        raise Unusable(Reason.Usage, f"{printable(policy)!r} is not an object identifier")
