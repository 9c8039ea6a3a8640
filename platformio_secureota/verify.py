"""Deciding whether a token is good.

`verify_token` is the check list; each block carries its number:

     1  size cap, whole input consumed          17  certificates that came along are never anchors
     2  strict DER throughout                   18  path: names, signatures, CA, pathLen, extensions
     3  status granted, and a token             19  signer: for time-stamping alone, no authority
     4  no field that does not belong there     20  signer and authorities valid at genTime
     5  CMS SignedData                          21  TSTInfo version 1
     6  of a TSTInfo                            22  imprint is SHA-256 (and the image's digest)
     7  one SignerInfo, named by issuer         23  policy is one of those required
     8  algorithms on the allow-list            24  nonce is the one that was sent
     9  signed attributes are there             25  serial number positive, at most 160 bits
    10  each once, with one value               26  genTime is a real UTC time
    11  contentType says TSTInfo                27  not before the floor, not after now
    12  messageDigest is the TSTInfo's          28  accuracy in range
    13  the signing certificate is bound        29  no unknown critical TSTInfo extension
    14  attributes in DER order, as received    30  the TSA's name is the signer's
    15  signature valid                         31  no key of the path on the deny-list
    16  the signer is whom sid and ESS name     32  unsigned attributes are never read

They run in the order that spends the least on a stranger's bytes: what can be read off the bytes,
then the path downwards from the anchor, and the token's own signature last, with a key that is
trusted by then.  `src/secureota/verifier.cpp` has the same blocks in the same order; the two must
answer every token with the same Reason.

What the caller still owes: `verify_token` does not know the image.  Whoever holds it compares its
SHA-256 with `VerifiedToken.image_digest` (second half of 22); `verify_image` does.
No clock is read.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platformio_secureota import container, der, timestamp
from platformio_secureota.algorithms import (
    SHA256_SIZE,
    AlgorithmIdentifier,
    compute_digest,
    digest_name,
    is_rsa_encryption,
    is_sha256,
    key_family,
    signature_names,
    verify_signature,
)
from platformio_secureota.certificate import Certificate, Extensions, parse_calendar_time
from platformio_secureota.container import MAX_TOKEN_SIZE
from platformio_secureota.errors import Reason, Refused
from platformio_secureota.image import Image
from platformio_secureota.path import PathRules, check_reached_signer, find_path
from platformio_secureota.signed_attributes import is_sorted, single_attributes
from platformio_secureota.signer import check_signer, find_signer, is_name_of, read_bindings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platformio_secureota.anchors import TrustAnchor

CLOCK_SKEW = dt.timedelta(minutes=5)
"""How far ahead of `now` a genTime may be: two clocks, each off by a little."""

MAX_SERIAL_BITS = 160
"""RFC 3161 2.4.2: a requester must be able to take that many."""

_GRANTED, _GRANTED_WITH_MODS = 0, 1
_SIGNED_DATA_VERSION, _SIGNER_INFO_VERSION, _TST_INFO_VERSION = 3, 1, 1
_GEN_TIME = re.compile(rb"[0-9]{14}(?:\.[0-9]*[1-9])?Z")


@dataclass(frozen=True)
class Rules:
    """What is asked of a token beyond being genuine."""

    not_before: dt.datetime | None = None
    """The floor: an older genTime is refused."""
    now: dt.datetime | None = None
    """A genTime later than this (and `CLOCK_SKEW`) is refused.  None: no clock is used."""
    policies: frozenset[str] = frozenset()
    """Accepted policies, dotted; empty: any."""
    deny: frozenset[bytes] = frozenset()
    """SHA-256 of SubjectPublicKeyInfos that are refused."""
    require_ess_v2: bool = False
    """Refuse tokens that bind their signer by SHA-1 alone."""
    nonce: int | None = None
    """The nonce that was sent; None: none was."""


@dataclass(frozen=True)
class VerifiedToken:
    """A good token, and what it says."""

    image_digest: bytes
    """SHA-256.  To be compared with the image's."""
    gen_time: dt.datetime
    policy: str
    serial: int
    signer: Certificate = field(repr=False)
    authorities: tuple[Certificate, ...] = field(repr=False)
    """Between signer and anchor, the signer's issuer first."""
    anchor: TrustAnchor = field(repr=False)


@dataclass(frozen=True)
class VerifiedImage:
    """An image that a good token covers."""

    image: Image = field(repr=False)
    token: VerifiedToken


def verify_image(
    signed: bytes, *, anchors: Sequence[TrustAnchor], rules: Rules | None = None
) -> VerifiedImage:
    """Verify a whole container: its token, and that the token is this image's."""
    parts = container.parse(signed)
    token = verify_token(parts.token, anchors=anchors, rules=rules)
    image = Image(parts.image)
    # 22, second half
    if image.digest != token.image_digest:
        raise Refused(Reason.ImageMismatch)
    return VerifiedImage(image, token)


def verify_token(
    token: bytes, *, anchors: Sequence[TrustAnchor], rules: Rules | None = None
) -> VerifiedToken:
    """Verify a DER TimeStampResp against the check list; Refused names the first check it fails."""
    rules = rules or Rules()
    if not anchors:
        raise Refused(Reason.NoTrustAnchor)

    # 1, 2: size, DER, nothing behind
    if len(token) > MAX_TOKEN_SIZE:
        raise Refused(Reason.TokenTooLarge)
    _, _, end = der.read_header(token, 0, len(token))
    if end != len(token):
        raise Refused(Reason.TrailingData, "behind the token")
    der.check(token)

    # 3, 4: granted, and nothing else (each parser closes what it opened)
    response = timestamp.parse_response(token)
    if response.status not in (_GRANTED, _GRANTED_WITH_MODS) or response.has_fail_info:
        raise Refused(Reason.NotGranted, "; ".join(response.status_text))
    if response.token is None:
        raise Refused(Reason.NotGranted, "there is no token")

    # 5: CMS SignedData
    content_type, content = timestamp.parse_content_info(response.token)
    if content_type != timestamp.ID_SIGNED_DATA:
        raise Refused(Reason.NotSignedData)

    # 6: version 3, of a TSTInfo
    signed_data = timestamp.parse_signed_data(content)
    if signed_data.version != _SIGNED_DATA_VERSION:
        raise Refused(Reason.NotTimestampToken, f"SignedData version {signed_data.version}")
    if signed_data.content_type != timestamp.ID_CT_TST_INFO or signed_data.content is None:
        raise Refused(Reason.NotTimestampToken)
    bag = _parse_certificates(signed_data.certificates)

    # 7: one signer, named by issuer and serial number
    if len(signed_data.signer_infos) != 1:
        raise Refused(Reason.SignerInfoUnsupported, f"{len(signed_data.signer_infos)} signers")
    signer_info = timestamp.parse_signer_info(signed_data.signer_infos[0])
    if signer_info.version != _SIGNER_INFO_VERSION or not signer_info.issuer:
        raise Refused(Reason.SignerInfoUnsupported)

    # 8: algorithms
    digest, family = _check_algorithms(signer_info, signed_data.digest_algorithms)

    # 9, 10: signed attributes, each once
    if signer_info.signed_attributes is None:
        raise Refused(Reason.NoSignedAttributes)
    attributes = single_attributes(signer_info.signed_attributes)

    # 11: contentType
    content_type_value = der.encode(der.OBJECT_IDENTIFIER, timestamp.ID_CT_TST_INFO)
    if attributes.get(timestamp.ID_CONTENT_TYPE) != content_type_value:
        raise Refused(Reason.WrongContentType)

    # 12: messageDigest
    tst_info_digest = compute_digest(digest, signed_data.content)
    digest_value = der.encode(der.OCTET_STRING, tst_info_digest)
    if attributes.get(timestamp.ID_MESSAGE_DIGEST) != digest_value:
        raise Refused(Reason.MessageDigestMismatch)

    # 13: the signing certificate, first half (what is bound is compared in 16)
    bindings = read_bindings(attributes, require_v2=rules.require_ess_v2)

    # 2 again, for the content: an OCTET STRING hides it from the walk above
    der.check(signed_data.content)
    tst_info = timestamp.parse_tst_info(signed_data.content)

    # 21: version
    if tst_info.version != _TST_INFO_VERSION:
        raise Refused(Reason.WrongTstVersion)

    # 22, first half: imprint
    _check_imprint(tst_info)

    # 23, first half: the policy that the token names (the certificates' in the path)
    if rules.policies and der.oid_text(tst_info.policy) not in rules.policies:
        raise Refused(Reason.PolicyNotAccepted, f"the token's is {der.oid_text(tst_info.policy)}")

    # 24: nonce
    if rules.nonce is not None and tst_info.nonce != rules.nonce:
        raise Refused(Reason.NonceMismatch)

    # 25: serial number
    serial = der.integer(tst_info.serial)
    if serial <= 0 or serial.bit_length() > MAX_SERIAL_BITS:
        raise Refused(Reason.BadSerialNumber)

    # 26: genTime
    gen_time = parse_gen_time(tst_info.gen_time)

    # 27: floor and clock
    if rules.not_before is not None and gen_time < rules.not_before:
        times = f"signed at {_utc(gen_time)}, not before {_utc(rules.not_before)}"
        raise Refused(Reason.OlderThanFloor, times)
    if rules.now is not None and gen_time - rules.now > CLOCK_SKEW:
        raise Refused(Reason.FromTheFuture, f"signed at {_utc(gen_time)}, now {_utc(rules.now)}")

    # 28: accuracy
    _check_accuracy(tst_info.accuracy)

    # 29: extensions
    if tst_info.unknown_critical:
        raise Refused(Reason.TokenExtensionUnknown)

    # 16, and the second half of 13: the signer
    signer, own_anchor = find_signer(signer_info, bindings, bag, anchors)
    extensions = Extensions.parse(signer)

    # 30: the TSA's name
    if tst_info.tsa is not None and not is_name_of(tst_info.tsa, signer, extensions):
        raise Refused(Reason.WrongTsaName)

    # 19: for time-stamping alone
    check_signer(extensions)

    # 17, 18, 20, 23, 31: the path
    path_rules = PathRules(gen_time, tst_info.policy if rules.policies else None, rules.deny)
    authorities: tuple[Certificate, ...] = ()
    if own_anchor is not None:
        anchor = own_anchor  # a signer that is itself the anchor is its own path
        check_reached_signer(signer, extensions, path_rules)
    else:
        authorities, anchor = find_path(signer, extensions, bag, anchors, path_rules)

    # 14: attributes in order, hashed as they came
    signed_attributes = signer_info.signed_attributes
    if not is_sorted(signed_attributes):
        raise Refused(Reason.AttributesNotSorted)

    # 15, and the rest of 8: the signature
    if key_family(signer.spki) != family:
        raise Refused(Reason.AlgorithmMismatch, f"the signer's key is not for {family}")
    message = bytes([der.SET]) + signed_attributes[1:]
    if not verify_signature(
        signer.spki,
        digest=digest,
        message_digest=compute_digest(digest, message),
        signature=signer_info.signature,
    ):
        raise Refused(Reason.SignatureInvalid)

    # 32: nothing above has read unsignedAttrs
    return VerifiedToken(
        image_digest=tst_info.imprint,
        gen_time=gen_time,
        policy=der.oid_text(tst_info.policy),
        serial=serial,
        signer=signer,
        authorities=authorities,
        anchor=anchor,
    )


def _parse_certificates(certificates: tuple[bytes, ...]) -> list[Certificate]:
    if len(certificates) > timestamp.MAX_CERTIFICATES:
        raise Refused(Reason.TooManyCertificates, f"{len(certificates)}")
    return [Certificate.parse(encoded) for encoded in certificates]


def _check_algorithms(
    signer_info: timestamp.SignerInfo, announced: tuple[AlgorithmIdentifier, ...]
) -> tuple[str, str]:
    # (digest name, key family): both on the list, and of one mind.
    algorithm = signer_info.digest_algorithm
    digest = digest_name(algorithm)
    if is_rsa_encryption(signer_info.signature_algorithm):
        family, signature_digest = "RSA", digest
    else:
        family, signature_digest = signature_names(signer_info.signature_algorithm)
    is_announced = any(one.algorithm == algorithm.algorithm for one in announced)
    if signature_digest != digest or not is_announced:
        raise Refused(Reason.AlgorithmMismatch)
    return digest, family


def _check_imprint(tst_info: timestamp.TstInfo) -> None:
    if not is_sha256(tst_info.imprint_algorithm) or len(tst_info.imprint) != SHA256_SIZE:
        raise Refused(Reason.ImprintNotSha256)


def parse_gen_time(text: bytes) -> dt.datetime:
    """`YYYYMMDDhhmmss[.f+]Z` (RFC 3161 2.4.2); digits beyond microseconds are dropped."""
    parsed = parse_calendar_time(text[:14]) if _GEN_TIME.fullmatch(text) else None
    if parsed is None:
        raise Refused(Reason.BadGenTime)
    fraction = text[15:-1][:6].ljust(6, b"0")
    return parsed.replace(microsecond=int(fraction))


def _utc(time: dt.datetime) -> str:
    return time.astimezone(dt.timezone.utc).isoformat().replace("+00:00", "Z")


def _check_accuracy(accuracy: timestamp.Accuracy | None) -> None:
    if accuracy is None:
        return
    if accuracy.seconds is not None and der.integer(accuracy.seconds) < 0:
        raise Refused(Reason.BadAccuracy)
    for part in (accuracy.millis, accuracy.micros):
        if part is not None and not 1 <= der.integer(part) <= 999:  # noqa: PLR2004 - RFC 3161 2.4.2
            raise Refused(Reason.BadAccuracy)
