"""TimeStampResps, right and wrong: every field can be replaced, and what follows from it follows.

The layers are built from the inside out: TSTInfo, signed attributes, SignerInfo, SignedData,
ContentInfo, TimeStampResp.  A change made in one layer is hashed and signed by the next, so that a
token is wrong in the one thing that was changed.  Each layer is a mapping of names to encodings:

    Token(tst={"serial": integer(0)})             another serial number, and signed
    Token(attributes={"content_type": None})      no contentType attribute
    Token(signer_info={"signature": flip})        changed after the signature was made
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Callable, Union

from asn1 import (
    explicit,
    generalized_time,
    integer,
    octets,
    oid,
    sequence,
    set_as_is,
    set_of,
    utf8,
)
from certificates import Certificate, Change, Piece, assemble
from keys import digest_algorithm, key
from parties import IMAGE, PRODUCT

ID_DATA = oid("1.2.840.113549.1.7.1")
ID_SIGNED_DATA = oid("1.2.840.113549.1.7.2")
ID_CT_TST_INFO = oid("1.2.840.113549.1.9.16.1.4")
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"

POLICY = "1.3.6.1.4.1.13762.3"
GEN_TIME = "20260601120000Z"

BagItem = Union[Certificate, bytes]


def digest_of(name: str, data: bytes) -> bytes:
    return hashlib.new(name, data).digest()


def attribute(name: str, *values: bytes) -> bytes:
    return sequence(oid(name), set_of(*values))


def directory_name(name: bytes) -> bytes:
    """GeneralName of a Name: [4] EXPLICIT."""
    return explicit(4, name)


def issuer_serial(certificate: Certificate) -> bytes:
    names = sequence(directory_name(certificate.issuer_name))
    return sequence(names, certificate.serial_number)


def ess_cert_id(
    certificate: bytes, *, digest: str = "sha256", algorithm: bytes = b"", more: bytes = b""
) -> bytes:
    """ESSCertID or ESSCertIDv2 of a certificate; `more` is its issuerSerial."""
    return sequence(algorithm, octets(digest_of(digest, certificate)), more)


def signing_certificate(*ids: bytes, more: bytes = b"") -> bytes:
    return attribute(SIGNING_CERTIFICATE, sequence(sequence(*ids), more))


def signing_certificate_v2(*ids: bytes, more: bytes = b"") -> bytes:
    return attribute(SIGNING_CERTIFICATE_V2, sequence(sequence(*ids), more))


@dataclass(frozen=True, eq=False)
class Token:
    """A TimeStampResp; `der` builds it."""

    signer: Certificate = PRODUCT
    """Whom the token names."""
    bag: Sequence[BagItem] | None = None
    """Certificates that travel along; None: the signer's chain without the self-signed root, in
    DER's order."""
    image: bytes = IMAGE
    digest: str = "sha256"
    gen_time: str = GEN_TIME
    ess: str = "v2"
    """Which attributes bind the signer: v1, v2, both or none."""

    tst: Mapping[str, Piece] = field(default_factory=dict)
    """version policy imprint serial gen_time accuracy ordering nonce tsa extensions"""
    tst_info: Change = None
    """Made to the whole TSTInfo: what lies in eContent's OCTET STRING."""
    attributes: Mapping[str, Piece] = field(default_factory=dict)
    """content_type message_digest signing_certificate signing_certificate_v2"""
    order: Callable[[list[bytes]], list[bytes]] = sorted
    """Of the attributes on the wire."""
    signed_bytes: Change = None
    """What is signed instead of the SET of attributes."""
    signature_key: str | None = None
    """Who signs, if not the signer."""
    signer_info: Mapping[str, Piece] = field(default_factory=dict)
    """version sid digest_algorithm attributes signature_algorithm signature unsigned"""
    content: Mapping[str, Piece] = field(default_factory=dict)
    """EncapsulatedContentInfo: type content"""
    signed_data: Mapping[str, Piece] = field(default_factory=dict)
    """version digest_algorithms content certificates crls signer_infos"""
    content_info: Mapping[str, Piece] = field(default_factory=dict)
    """type content"""
    status: Mapping[str, Piece] = field(default_factory=dict)
    """PKIStatusInfo: status text fail_info"""
    response: Mapping[str, Piece] = field(default_factory=dict)
    """status token"""
    change: Change = None
    """The last word, made to the whole TimeStampResp."""

    def but(self, **changes: object) -> Token:
        """A copy with other fields; mappings are added to those that are there."""
        for name, value in changes.items():
            if isinstance(value, Mapping):
                changes[name] = {**getattr(self, name), **value}
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    @cached_property
    def content_octets(self) -> bytes:
        """The TSTInfo, as it lies in eContent."""
        imprint = octets(hashlib.sha256(self.image).digest())
        defaults = {
            "version": integer(1),
            "policy": oid(POLICY),
            "imprint": sequence(digest_algorithm("sha256"), imprint),
            "serial": integer(0x5EC0DE),
            "gen_time": generalized_time(self.gen_time),
            **dict.fromkeys(("accuracy", "ordering", "nonce", "tsa", "extensions")),
        }
        tst_info = sequence(*assemble(defaults, self.tst))
        return self.tst_info(tst_info) if self.tst_info else tst_info

    @cached_property
    def attribute_list(self) -> list[bytes]:
        """The signed attributes in the order on the wire."""
        certificate = self.signer.der
        defaults = {
            "content_type": attribute(CONTENT_TYPE, ID_CT_TST_INFO),
            "message_digest": attribute(
                MESSAGE_DIGEST, octets(digest_of(self.digest, self.content_octets))
            ),
        }
        if self.ess in ("v1", "both"):
            defaults["signing_certificate"] = signing_certificate(
                ess_cert_id(certificate, digest="sha1")
            )
        if self.ess in ("v2", "both"):
            defaults["signing_certificate_v2"] = signing_certificate_v2(ess_cert_id(certificate))
        return self.order(assemble(defaults, self.attributes))

    @cached_property
    def signature(self) -> bytes:
        signed = set_as_is(*self.attribute_list)
        if self.signed_bytes:
            signed = self.signed_bytes(signed)
        signing_key = key(self.signature_key) if self.signature_key else self.signer.key
        return signing_key.sign(signed, self.digest)

    @cached_property
    def signer_info_der(self) -> bytes:
        """The one SignerInfo."""
        signing_key = key(self.signature_key) if self.signature_key else self.signer.key
        defaults = {
            "version": integer(1),
            "sid": sequence(self.signer.issuer_name, self.signer.serial_number),
            "digest_algorithm": digest_algorithm(self.digest),
            "attributes": explicit(0, *self.attribute_list),
            "signature_algorithm": signing_key.signature_algorithm(self.digest),
            "signature": octets(self.signature),
            "unsigned": None,
        }
        return sequence(*assemble(defaults, self.signer_info))

    @cached_property
    def certificates(self) -> list[bytes]:
        """What travels along."""
        if self.bag is None:
            return in_der_order(*self.signer.chain)
        return [item if isinstance(item, bytes) else item.der for item in self.bag]

    @cached_property
    def signed_data_der(self) -> bytes:
        content = {"type": ID_CT_TST_INFO, "content": explicit(0, octets(self.content_octets))}
        bag = self.certificates
        defaults = {
            "version": integer(3),
            "digest_algorithms": set_of(digest_algorithm(self.digest)),
            "content": sequence(*assemble(content, self.content)),
            "certificates": explicit(0, *bag) if bag else None,
            "crls": None,
            "signer_infos": set_as_is(self.signer_info_der),
        }
        return sequence(*assemble(defaults, self.signed_data))

    @cached_property
    def token_der(self) -> bytes:
        """The ContentInfo."""
        defaults = {"type": ID_SIGNED_DATA, "content": explicit(0, self.signed_data_der)}
        return sequence(*assemble(defaults, self.content_info))

    @cached_property
    def der(self) -> bytes:
        """The TimeStampResp."""
        status = {"status": integer(0), "text": None, "fail_info": None}
        defaults = {
            "status": sequence(*assemble(status, self.status)),
            "token": self.token_der,
        }
        whole = sequence(*assemble(defaults, self.response))
        return self.change(whole) if self.change else whole


def in_der_order(*certificates: Certificate) -> list[bytes]:
    """A bag as a SET OF ought to be."""
    return sorted(certificate.der for certificate in certificates)


def status_text(*texts: str) -> bytes:
    """PKIFreeText."""
    return sequence(*(utf8(text) for text in texts))


def flipped(encoding: bytes) -> bytes:
    """The same encoding with the last bit of its contents changed."""
    return encoding[:-1] + bytes([encoding[-1] ^ 1])
