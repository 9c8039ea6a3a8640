"""A timestamp authority in this process, with a key that is at hand.

It answers as a remote one would (RFC 3161 with RFC 5816), so that everything behind it is the same.
Whoever holds the key also chooses the time, though: with a local key genTime is a counter that
rises, not evidence.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from platformio_secureota import der, pki
from platformio_secureota.certificate import ANY_POLICY, Certificate, Extensions
from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.names import printable
from platformio_secureota.timestamp import ID_SHA256, ParsedRequest
from platformio_secureota.tsa import encode
from platformio_secureota.tsa.request import read_request
from platformio_secureota.tsa.template import TokenTemplate

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

_PKCS1, _SHA256_HASH = padding.PKCS1v15(), hashes.SHA256()

_SHA256 = "2.16.840.1.101.3.4.2.1"
_SHA384 = "2.16.840.1.101.3.4.2.2"
_ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"
_ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3"
_RSA_ENCRYPTION = "1.2.840.113549.1.1.1"


def utcnow() -> dt.datetime:
    """Read this machine's clock, in UTC."""
    return dt.datetime.now(dt.timezone.utc)


class Answer(NamedTuple):
    """A TimeStampResp, DER, and what its check needs."""

    response: bytes
    signature: bytes = b""
    """Empty: a rejection."""
    signed: bytes = b""
    """What the signature is over."""


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
    check_signatures: bool = False
    """Verify each signature before it goes out.  A fault in making one could give the key away
    (RSA), and a token that no device takes had better not leave."""

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
            parsed = read_request(request)
        except Refused as refusal:
            return encode.rejection(_BAD_DATA_FORMAT, str(refusal))
        answer = self.answer(parsed)
        if self.check_signatures:
            self.check(answer)
        return answer.response

    def answer(self, request: ParsedRequest) -> Answer:
        """Answer a request that was read already; `check` is left to the caller."""
        problem = self._problem(request)
        return Answer(encode.rejection(*problem)) if problem else self._grant(request)

    def check(self, answer: Answer) -> None:
        """Unusable(KeyUnusable) unless the signature is the certificate's key's."""
        if not answer.signature:
            return
        try:
            self._verifying(answer.signature, answer.signed)
        except InvalidSignature as cause:
            detail = "a signature that was just made is not the certificate's key's"
            raise Unusable(Reason.KeyUnusable, detail) from cause

    def _problem(self, request: ParsedRequest) -> tuple[int, str] | None:
        # (PKIFailureInfo bit, a line for people) of a request that can't be granted.
        if request.version != 1:
            return _BAD_REQUEST, "only version 1 of a request is known"
        if request.has_extensions:
            return _UNACCEPTED_EXTENSION, "no extension of a request is known"
        algorithm = request.imprint_algorithm
        if algorithm.algorithm != ID_SHA256 or algorithm.parameters not in (None, encode.NULL):
            return _BAD_ALG, "the imprint must be a SHA-256 digest"
        if len(request.imprint) != hashlib.sha256().digest_size:
            return _BAD_DATA_FORMAT, "a SHA-256 digest has 32 octets"
        asserted = self._asserted_policies
        if request.policy and asserted and request.policy not in asserted:
            return _UNACCEPTED_POLICY, "the signer's certificate does not assert this policy"
        return None

    def _grant(self, request: ParsedRequest) -> Answer:
        now = self.clock().astimezone(dt.timezone.utc)
        template = self._template(now) if self.signing_time else self._constant_template
        content = template.tst_info(
            policy=request.policy or self._default_policy,
            message_imprint=encode.imprint_of(
                request.imprint_algorithm.parameters, request.imprint
            ),
            serial=der.encode_integer(self._random_serial()),
            time=encode.gen_time(now, self.fraction_digits),
            nonce=b"" if request.nonce is None else der.encode_integer(request.nonce),
        )
        digest = self._algorithms[0](content).digest()
        signed_attributes = template.signed_attributes(digest)
        signature = self._sign(signed_attributes)
        response = template.response(
            content=content,
            signed_attributes=signed_attributes,
            signature=signature,
            with_certificates=request.cert_req,
        )
        return Answer(response, signature, signed_attributes)

    def _random_serial(self) -> int:
        # 1 to 2**serial_bits - 1.
        serial = 0
        while serial == 0:
            octets = os.urandom((self.serial_bits + 7) // 8)
            serial = int.from_bytes(octets, "big") >> (-self.serial_bits % 8)
        return serial

    def _sign(self, data: bytes) -> bytes:
        return self._signing(data)

    def _template(self, signing_time: dt.datetime | None = None) -> TokenTemplate:
        digest, digest_algorithm, signature_algorithm = self._algorithms
        attributes = list(self._signing_certificate_attributes)
        if signing_time is not None:
            attributes.append(encode.signing_time_attribute(signing_time))
        return TokenTemplate(
            signer=self._signer,
            digest_size=digest().digest_size,
            digest_algorithm=digest_algorithm,
            signature_algorithm=signature_algorithm,
            certificates=self._certificates,
            attributes=attributes,
            accuracy=self.accuracy,
        )

    @cached_property
    def _constant_template(self) -> TokenTemplate:
        return self._template()

    @cached_property
    def _ecdsa(self) -> ec.ECDSA:
        is_sha384 = self._algorithms[0] is hashlib.sha384
        return ec.ECDSA(hashes.SHA384() if is_sha384 else hashes.SHA256())

    @cached_property
    def _signing(self) -> Callable[[bytes], bytes]:
        # What kind of key it is need not be asked each time.
        key = self.identity.key
        if isinstance(key, ec.EllipticCurvePrivateKey):
            ec_key, scheme = key, self._ecdsa
            return lambda data: ec_key.sign(data, scheme)
        rsa_key = key
        return lambda data: rsa_key.sign(data, _PKCS1, _SHA256_HASH)

    @cached_property
    def _verifying(self) -> Callable[[bytes, bytes], None]:
        # By the certificate's public key, not the private key's: they had better agree.
        key = self.identity.certificate.public_key()
        if isinstance(key, ec.EllipticCurvePublicKey):
            ec_key, scheme = key, self._ecdsa
            return lambda signature, data: ec_key.verify(signature, data, scheme)
        assert isinstance(key, rsa.RSAPublicKey)  # noqa: S101 - ours
        rsa_key = key
        return lambda signature, data: rsa_key.verify(signature, data, _PKCS1, _SHA256_HASH)

    @cached_property
    def _algorithms(self) -> tuple[Callable[..., Any], bytes, bytes]:
        # (hashlib's constructor, digestAlgorithm, signatureAlgorithm).  SHA-2 without parameters
        # (RFC 5754 2), ECDSA without (RFC 5758 3.2), and rsaEncryption with NULL (RFC 3370 3.2):
        # the form of RSA signatures that every CMS reader knows.
        key = self.identity.key
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            rsa = encode.algorithm(_RSA_ENCRYPTION, null=True)
            return hashlib.sha256, encode.algorithm(_SHA256), rsa
        if isinstance(key.curve, ec.SECP384R1):
            return hashlib.sha384, encode.algorithm(_SHA384), encode.algorithm(_ECDSA_WITH_SHA384)
        return hashlib.sha256, encode.algorithm(_SHA256), encode.algorithm(_ECDSA_WITH_SHA256)

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
