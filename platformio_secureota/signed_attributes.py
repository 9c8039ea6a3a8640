"""The signed attributes of a token (RFC 5652 5.3): between a signature and the TSTInfo."""

from __future__ import annotations

from platformio_secureota import der, timestamp
from platformio_secureota.errors import Reason, Refused


def single_attributes(signed_attributes: bytes) -> dict[bytes, bytes]:
    """Type to its one value as encoded (check 10).

    Refused(AttributeRepeated, UnexpectedField beyond MAX_ATTRIBUTES, Malformed).
    """
    attributes: dict[bytes, bytes] = {}
    for name, values in timestamp.parse_attributes(signed_attributes):
        if len(attributes) == timestamp.MAX_ATTRIBUTES:
            raise Refused(Reason.UnexpectedField, "too many signed attributes")
        reader = der.Reader(values)
        value = reader.read_any()[2]
        if name in attributes or not reader.at_end():
            raise Refused(Reason.AttributeRepeated, der.oid_text(name))
        attributes[name] = value
    return attributes


def is_sorted(signed_attributes: bytes) -> bool:
    """Whether they ascend by their encodings, as DER's SET OF does (check 14; X.690 11.6)."""
    # No encoding is a prefix of another.
    reader = der.Reader(der.Reader(signed_attributes).read(der.context_constructed(0)))
    previous = b""
    while not reader.at_end():
        current = reader.read_whole(der.SEQUENCE)
        if current < previous:
            return False
        previous = current
    return True
