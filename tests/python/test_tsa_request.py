"""The quick reader of requests says what the general one says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platformio_secureota import Refused, der
from platformio_secureota.algorithms import AlgorithmIdentifier
from platformio_secureota.timestamp import ID_SHA256, TimeStampReq, parse_request
from platformio_secureota.tsa import request as tsa_request
from platformio_secureota.tsa.request import read_request

if TYPE_CHECKING:
    from platformio_secureota.timestamp import ParsedRequest

DIGEST = bytes(range(32))


def with_null(encoded: bytes) -> bytes:
    """The same request as OpenSSL writes it: NULL parameters beside the algorithm."""
    without = der.encode(der.OBJECT_IDENTIFIER, ID_SHA256)
    algorithm = der.encode(der.SEQUENCE, without, der.encode(der.NULL))
    digest = der.encode(der.OCTET_STRING, DIGEST)
    imprint = der.encode(der.SEQUENCE, algorithm, digest)
    rest = encoded[encoded.index(digest) + len(digest) :]
    return der.encode(der.SEQUENCE, der.encode_integer(1), imprint, rest)


requests = st.builds(
    lambda nonce, policy, cert_req, null: (
        with_null(TimeStampReq(DIGEST, nonce, policy, cert_req).encode())
        if null
        else TimeStampReq(DIGEST, nonce, policy, cert_req).encode()
    ),
    st.none() | st.integers(0, 2**64) | st.integers(-(2**70), 2**200),
    st.none() | st.sampled_from(["1.2.3", "2.25.216733991165857232465645737497058247910"]),
    st.booleans(),
    st.booleans(),
)


def judged(data: bytes) -> ParsedRequest | str:
    try:
        return parse_request(data)
    except Refused as refusal:
        return str(refusal)


def read(data: bytes) -> ParsedRequest | str:
    try:
        return read_request(data)
    except Refused as refusal:
        return str(refusal)


@given(requests)
def test_good_requests(encoded: bytes) -> None:
    assert read(encoded) == judged(encoded) == parse_request(encoded)


@given(requests, st.data())
def test_requests_with_an_octet_changed(encoded: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(encoded) - 1))
    value = data.draw(st.sampled_from([0, 1, 2, 5, 6, 0x30, 0x7F, 0x80, 0xA0, 0xFF]))
    changed = encoded[:at] + bytes([value]) + encoded[at + 1 :]
    assert read(changed) == judged(changed)


@given(requests, st.data())
def test_requests_with_octets_cut_out_or_added(encoded: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(encoded)))
    count = data.draw(st.integers(0, 6))
    added = data.draw(st.binary(max_size=6))
    changed = encoded[:at] + added + encoded[at + count :]
    # The outer length right again, so that the fields are what is judged.
    if changed[:1] == b"0":
        changed = der.encode(der.SEQUENCE, changed[2:])
    assert read(changed) == judged(changed)


@pytest.mark.parametrize("null", [True, False])
def test_usual_requests_take_the_quick_way(monkeypatch: pytest.MonkeyPatch, null: bool) -> None:  # noqa: FBT001
    encoded = TimeStampReq(DIGEST, nonce=1 << 62, policy="1.2.3").encode()
    if null:
        encoded = with_null(encoded)
    expected = parse_request(encoded)
    assert expected.imprint_algorithm == AlgorithmIdentifier(ID_SHA256, b"\5\0" if null else None)

    def general(data: bytes) -> ParsedRequest:
        raise AssertionError(data)

    monkeypatch.setattr(tsa_request, "parse_request", general)
    assert read_request(encoded) == expected


def test_a_policy_in_another_than_its_shortest_form_is_refused() -> None:
    good = TimeStampReq(DIGEST, policy="1.2.3").encode()
    policy = bytes.fromhex("06022a03")
    assert policy in good
    bad = der.encode(der.SEQUENCE, good[2:].replace(policy, bytes.fromhex("06032a8003")))
    with pytest.raises(Refused, match="NotDer"):
        read_request(bad)


@pytest.mark.parametrize("nonce", ["02020007", "0202ffff", "0200"])
def test_a_nonce_in_another_than_its_shortest_form_is_refused(nonce: str) -> None:
    good = TimeStampReq(DIGEST, nonce=7).encode()
    assert bytes.fromhex("020107") in good
    changed = good[2:].replace(bytes.fromhex("020107"), bytes.fromhex(nonce))
    with pytest.raises(Refused, match="NotDer"):
        read_request(der.encode(der.SEQUENCE, changed))
