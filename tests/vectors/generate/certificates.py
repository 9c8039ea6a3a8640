"""Certificates, right and wrong: every field can be replaced, and the signature is made after that.

Certificate("Fred", "fred", issuer=DEVELOPMENT).but(extensions={"eku": None})
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Callable, Optional, Union

from asn1 import (
    TRUE,
    bits,
    explicit,
    generalized_time,
    integer,
    named_bits,
    octets,
    oid,
    sequence,
    set_of,
    utc_time,
    utf8,
)
from keys import Key, key

if TYPE_CHECKING:
    from collections.abc import Mapping

Piece = Union[bytes, None, Callable[[bytes], bytes]]
"""What takes a default's place: other bytes, None to leave it out, or a change made to it."""

Change = Optional[Callable[[bytes], bytes]]


def assemble(defaults: Mapping[str, bytes | None], changes: Mapping[str, Piece]) -> list[bytes]:
    """The pieces in the order of the defaults, changed; names that are new come last.

    A default of None is a place that is empty unless it is changed.
    """
    pieces: list[bytes] = []
    for name in [*defaults, *(name for name in changes if name not in defaults)]:
        piece = changes.get(name, defaults.get(name))
        if callable(piece):
            piece = piece(defaults[name] or b"")
        if piece is not None:
            pieces.append(piece)
    return pieces


BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
CERTIFICATE_POLICIES, SUBJECT_ALT_NAME = "2.5.29.32", "2.5.29.17"
NAME_CONSTRAINTS = "2.5.29.30"
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
ANY_PURPOSE = "2.5.29.37.0"
ANY_POLICY = "2.5.29.32.0"
CODE_SIGNING, SERVER_AUTH = "1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.1"

DIGITAL_SIGNATURE, NON_REPUDIATION, KEY_ENCIPHERMENT = 0, 1, 2
KEY_AGREEMENT, KEY_CERT_SIGN, CRL_SIGN, DECIPHER_ONLY = 4, 5, 6, 8


def extension(name: str, value: bytes, *, critical: bool = False) -> bytes:
    return sequence(oid(name), TRUE if critical else b"", octets(value))


def basic_constraints(*, ca: bool, path_len: int | None = None, critical: bool = True) -> bytes:
    limit = b"" if path_len is None else integer(path_len)
    value = sequence(TRUE if ca else b"", limit)
    return extension(BASIC_CONSTRAINTS, value, critical=critical)


def key_usage(*numbers: int, critical: bool = True) -> bytes:
    return extension(KEY_USAGE, named_bits(*numbers), critical=critical)


def purposes(*names: str, critical: bool = True) -> bytes:
    value = sequence(*(oid(name) for name in names))
    return extension(EXTENDED_KEY_USAGE, value, critical=critical)


def policies(*names: str, critical: bool = False) -> bytes:
    value = sequence(*(sequence(oid(name)) for name in names))
    return extension(CERTIFICATE_POLICIES, value, critical=critical)


def alternative_names(*names: bytes, critical: bool = False) -> bytes:
    return extension(SUBJECT_ALT_NAME, sequence(*names), critical=critical)


def common_name(text: str, *, string: Callable[[str], bytes] = utf8) -> bytes:
    """A Name of one part."""
    return sequence(name_part("2.5.4.3", text, string=string))


def name_part(kind: str, text: str, *, string: Callable[[str], bytes] = utf8) -> bytes:
    """RelativeDistinguishedName of one attribute."""
    return set_of(sequence(oid(kind), string(text)))


def signer_extensions() -> dict[str, bytes]:
    return {
        "constraints": basic_constraints(ca=False),
        "usage": key_usage(DIGITAL_SIGNATURE),
        "eku": purposes(TIME_STAMPING),
    }


def authority_extensions(path_len: int | None = None) -> dict[str, bytes]:
    return {
        "constraints": basic_constraints(ca=True, path_len=path_len),
        "usage": key_usage(KEY_CERT_SIGN, CRL_SIGN),
    }


@dataclass(frozen=True, eq=False)
class Certificate:
    """One certificate and the key it is for."""

    name: str
    """Common name, and the file's name if it is an anchor."""
    key_name: str
    issuer: Certificate | None = None
    """None: self-signed."""
    serial: int = 1
    defaults: Mapping[str, bytes] = field(default_factory=signer_extensions)
    extensions: Mapping[str, Piece] = field(default_factory=dict)
    """Changes to `defaults`, by name; new names add extensions."""
    fields: Mapping[str, Piece] = field(default_factory=dict)
    """Changes to the TBSCertificate: version serial algorithm issuer validity subject spki
    extensions, or more."""
    not_before: bytes = utc_time("260101000000Z")
    not_after: bytes = utc_time("460101000000Z")
    digest: str = "sha256"
    """Of the signature."""
    signed_by: str | None = None
    """A key that is not the issuer's."""
    outer_algorithm: bytes | None = None
    change_signature: Change = None
    change: Change = None
    """The last word, made to the whole certificate."""
    label: str | None = None
    """File name, where several certificates have one name."""

    def but(self, **changes: object) -> Certificate:
        """A copy with other fields; extensions and fields are added to those that are there."""
        for name in ("extensions", "fields"):
            if name in changes:
                changes[name] = {**getattr(self, name), **changes[name]}  # type: ignore[dict-item]
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    @property
    def key(self) -> Key:
        return key(self.key_name)

    @cached_property
    def subject(self) -> bytes:
        """Name, as encoded."""
        changed = self.fields.get("subject")
        return changed if isinstance(changed, bytes) else common_name(self.name)

    @cached_property
    def issuer_name(self) -> bytes:
        """Name, as encoded."""
        changed = self.fields.get("issuer")
        if isinstance(changed, bytes):
            return changed
        return self.issuer.subject if self.issuer else self.subject

    @cached_property
    def serial_number(self) -> bytes:
        """INTEGER, as encoded."""
        changed = self.fields.get("serial")
        return changed if isinstance(changed, bytes) else integer(self.serial)

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """Itself and its issuers, without the self-signed one at the end of several."""
        if self.issuer is None or self.issuer.issuer is None:
            return (self,)
        return (self, *self.issuer.chain)

    @cached_property
    def der(self) -> bytes:
        """The whole certificate."""
        issuing_key = key(self.signed_by) if self.signed_by else (self.issuer or self).key
        algorithm = issuing_key.signature_algorithm(self.digest)
        extensions = sequence(*assemble(self.defaults, self.extensions))
        defaults = {
            "version": explicit(0, integer(2)),
            "serial": self.serial_number,
            "algorithm": algorithm,
            "issuer": self.issuer_name,
            "validity": sequence(self.not_before, self.not_after),
            "subject": self.subject,
            "spki": self.key.spki,
            "extensions": explicit(3, extensions),
        }
        tbs = sequence(*assemble(defaults, self.fields))
        signature = issuing_key.sign(tbs, self.digest)
        if self.change_signature:
            signature = self.change_signature(signature)
        whole = sequence(tbs, self.outer_algorithm or algorithm, bits(signature))
        return self.change(whole) if self.change else whole


def authority(
    name: str,
    key_name: str,
    issuer: Certificate | None = None,
    *,
    path_len: int | None = None,
    serial: int = 1,
) -> Certificate:
    """A certificate authority, valid for longer than what it issues."""
    return Certificate(
        name,
        key_name,
        issuer,
        serial,
        authority_extensions(path_len),
        not_before=utc_time("250101000000Z"),
        not_after=generalized_time("20550101000000Z"),
    )
