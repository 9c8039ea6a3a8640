"""A token's bytes with holes in them: what never changes is encoded once.

From one token to the next only the policy, imprint, serial number, time, nonce, two digests and the
signature differ.  The rest is laid down here in the order of the ASN.1, and each length is written
when what it measures is known.  The result is strict DER, the same as encoding it all anew.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from platformio_secureota import der
from platformio_secureota.timestamp import ID_CT_TST_INFO, ID_MESSAGE_DIGEST, ID_SIGNED_DATA
from platformio_secureota.tsa import encode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platformio_secureota.certificate import Certificate

_KNOWN_POLICIES = 256
"""How many policies are kept encoded; callers choose them, so the number has a bound."""


class TokenTemplate:
    """The constant parts of one signer's tokens."""

    def __init__(
        self,
        *,
        signer: Certificate,
        digest_size: int,
        digest_algorithm: bytes,
        signature_algorithm: bytes,
        certificates: Iterable[bytes],
        attributes: Iterable[bytes],
        accuracy: encode.Accuracy | None,
    ) -> None:
        """Encode what stays.

        `attributes` are signed besides contentType and messageDigest; `certificates` are sent where
        the request asks for them; `digest_size` is of the digest that is signed over, in bytes.
        """
        self._digest_size = digest_size
        self._accuracy = b"" if accuracy is None else encode.accuracy(accuracy)

        # SET OF attributes in DER order.  messageDigest is alone in its type, so its value has no
        # say in where it stands.
        empty_digest = bytes(digest_size)
        empty = encode.attribute(ID_MESSAGE_DIGEST, der.encode(der.OCTET_STRING, empty_digest))
        whole = encode.set_of([encode.content_type_attribute(), empty, *attributes])
        hole = whole.index(empty) + len(empty)
        self._before_digest, self._after_digest = whole[: hole - digest_size], whole[hole:]

        # SignedData, up to what encapsulates the TSTInfo.
        self._version_and_digests = der.encode_integer(3) + der.encode(der.SET, digest_algorithm)
        self._content_type = encode.oid(ID_CT_TST_INFO)
        bag = list(certificates)
        tag = der.context_constructed(0)
        self._certificates = encode.set_of(bag, tag=tag) if bag else b""
        # SignerInfo version 1 (RFC 5652 5.3), with the signer by issuer and serial number.
        self._signer_id = (
            der.encode_integer(1)
            + encode.sequence(signer.issuer, der.encode(der.INTEGER, signer.serial))
            + digest_algorithm
        )
        self._signature_algorithm = signature_algorithm

    def tst_info(
        self, *, policy: str, message_imprint: bytes, serial: bytes, time: bytes, nonce: bytes
    ) -> bytes:
        """TSTInfo (RFC 3161 2.4.2); all but `policy` as encoded, the nonce perhaps empty.

        ordering is FALSE and so absent; tsa and extensions are absent.
        """
        return der.encode(
            der.SEQUENCE,
            _version_and_policy(policy),
            message_imprint,
            serial,
            time,
            self._accuracy,
            nonce,
        )

    def signed_attributes(self, content_digest: bytes) -> bytes:
        """SET OF attributes, as it is signed, for a TSTInfo of this digest."""
        return self._before_digest + content_digest + self._after_digest

    def response(
        self,
        *,
        content: bytes,
        signed_attributes: bytes,
        signature: bytes,
        with_certificates: bool,
    ) -> bytes:
        """TimeStampResp, granted: ContentInfo with SignedData version 3 (RFC 5652 5.1)."""
        certificates = self._certificates if with_certificates else b""
        before, between, after = self._frame(certificates, len(content), len(signature))
        # [0] IMPLICIT in the place of the attributes' own tag, SET.
        return b"".join(
            (before, content, between, _CONTEXT_0, signed_attributes[1:], after, signature)
        )

    @lru_cache(maxsize=256)  # noqa: B019 - a template lives as long as its signer
    def _frame(
        self, certificates: bytes, content_size: int, signature_size: int
    ) -> tuple[bytes, bytes, bytes]:
        # What stands before the content, between it and the attributes, and before the signature;
        # the same for all tokens of these sizes.
        attributes_size = len(self._before_digest) + self._digest_size + len(self._after_digest)
        # From the inside out: a header for each structure, in front of what it measures.
        after = self._signature_algorithm + _header(der.OCTET_STRING, signature_size)
        signer_info_size = len(self._signer_id) + attributes_size + len(after) + signature_size
        signer_info = _header(der.SEQUENCE, signer_info_size) + self._signer_id
        signer_infos = _header(der.SET, len(signer_info) - len(self._signer_id) + signer_info_size)
        between = certificates + signer_infos + signer_info
        octets = _header(der.OCTET_STRING, content_size)
        explicit = _header(_CONTEXT_0[0], len(octets) + content_size)
        encapsulated = self._content_type + explicit + octets
        before = (
            self._version_and_digests
            + _header(der.SEQUENCE, len(encapsulated) + content_size)
            + encapsulated
        )
        size = len(before) + content_size + len(between) + attributes_size
        size += len(after) + signature_size
        # SEQUENCE of SignedData, in [0] EXPLICIT, in ContentInfo, in TimeStampResp.
        for tag, behind in (
            (der.SEQUENCE, b""),
            (_CONTEXT_0[0], _SIGNED_DATA),
            (der.SEQUENCE, _GRANTED),
            (der.SEQUENCE, b""),
        ):
            header = behind + _header(tag, size)
            before = header + before
            size += len(header)
        return before, between, after


_CONTEXT_0 = bytes([der.context_constructed(0)])
_SIGNED_DATA = encode.oid(ID_SIGNED_DATA)
_GRANTED = encode.sequence(der.encode_integer(encode.GRANTED))


def _header(tag: int, size: int) -> bytes:
    # Tag and length octets of a value of this size.
    return der.encode(tag, bytes(size))[:-size]


@lru_cache(maxsize=_KNOWN_POLICIES)
def _version_and_policy(policy: str) -> bytes:
    # The first two fields of a TSTInfo.
    return der.encode_integer(1) + encode.oid(der.oid_contents(policy))
