"""The timestamp authority in this process."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from asn1crypto import tsp
from hypothesis import given
from hypothesis import strategies as st

from authorities import Authority, Company, anchor_of, old_key_file
from platformio_secureota import Image, Reason, Refused, Rules, Unusable, der, pki, sign
from platformio_secureota.timestamp import TimeStampReq, parse_response
from platformio_secureota.tsa import DEFAULT_POLICY, LocalTSA
from platformio_secureota.tsa.encode import Accuracy
from platformio_secureota.verify import verify_token

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = Image(b"\xe9 firmware")
IDENTITY = pki.generate(name="me")
ANCHORS = [anchor_of(IDENTITY.certificate)]
REQUEST = TimeStampReq(IMAGE.digest, nonce=7)


def answer(tsa: LocalTSA, request: TimeStampReq = REQUEST) -> Any:
    """What another reader of ASN.1 makes of the answer, which must be the same bytes in DER."""
    encoded = tsa.timestamp(request.encode())
    response = tsp.TimeStampResp.load(encoded, strict=True)
    assert response.dump(force=True) == encoded
    assert response["status"]["status"].native == "granted"
    return response["time_stamp_token"]["content"]


def tst_info(tsa: LocalTSA, request: TimeStampReq = REQUEST) -> Any:
    return answer(tsa, request)["encap_content_info"]["content"].parsed


def attributes(signed_data: Any) -> dict[str, Any]:
    signer_info = signed_data["signer_infos"][0]
    return {a["type"].native: a["values"] for a in signer_info["signed_attrs"]}


def test_defaults() -> None:
    before = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
    info = tst_info(LocalTSA(IDENTITY))
    assert info["version"].native == "v1"
    assert info["policy"].native == DEFAULT_POLICY
    assert info["message_imprint"]["hashed_message"].native == IMAGE.digest
    assert before <= info["gen_time"].native <= dt.datetime.now(dt.timezone.utc)
    assert info["nonce"].native == 7
    assert 0 < info["serial_number"].native < 2**63
    for absent in ("accuracy", "tsa", "extensions"):
        assert info[absent].native is None
    assert info["ordering"].native is False


def test_signed_attributes() -> None:
    signed_data = answer(LocalTSA(IDENTITY))
    found = attributes(signed_data)
    assert set(found) == {"content_type", "message_digest", "signing_certificate_v2"}
    content = signed_data["encap_content_info"]["content"].contents
    assert found["message_digest"][0].native == hashlib.sha256(content).digest()
    cert_id = found["signing_certificate_v2"][0]["certs"][0]
    assert cert_id["cert_hash"].native == hashlib.sha256(IDENTITY.certificate_der).digest()
    # The default algorithm is not encoded: 30 22 04 20 and the digest.
    assert cert_id.dump()[:4] == bytes.fromhex("30220420")


@pytest.mark.parametrize(
    ("kind", "digest", "signature", "parameters"),
    [
        ("p256", "2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2", b""),
        ("p384", "2.16.840.1.101.3.4.2.2", "1.2.840.10045.4.3.3", b""),
        ("rsa2048", "2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.1", b"\x05\x00"),
        ("rsa3072", "2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.1", b"\x05\x00"),
    ],
)
def test_algorithms(kind: str, digest: str, signature: str, parameters: bytes) -> None:
    identity = pki.generate(kind)
    signed_data = answer(LocalTSA(identity))
    signer_info = signed_data["signer_infos"][0]
    oid = der.encode(der.OBJECT_IDENTIFIER, der.oid_contents(digest))
    assert signer_info["digest_algorithm"].dump() == der.encode(der.SEQUENCE, oid)
    assert signed_data["digest_algorithms"][0].dump() == der.encode(der.SEQUENCE, oid)
    oid = der.encode(der.OBJECT_IDENTIFIER, der.oid_contents(signature))
    expected = der.encode(der.SEQUENCE, oid, parameters)
    assert signer_info["signature_algorithm"].dump() == expected
    sign(IMAGE, LocalTSA(identity), anchors=[anchor_of(identity.certificate)])


@pytest.mark.parametrize(
    ("ess", "expected"),
    [
        ("v1", {"signing_certificate"}),
        ("v2", {"signing_certificate_v2"}),
        ("both", {"signing_certificate", "signing_certificate_v2"}),
    ],
)
def test_how_the_signer_is_bound(ess: str, expected: set[str]) -> None:
    tsa = LocalTSA(IDENTITY, ess=ess)
    found = set(attributes(answer(tsa)))
    assert found - {"content_type", "message_digest"} == expected
    signed = sign(IMAGE, tsa, anchors=ANCHORS)
    strict = Rules(require_ess_v2=True)
    if ess == "v1":
        with pytest.raises(Refused) as caught:
            verify_token(signed.token, anchors=ANCHORS, rules=strict)
        assert caught.value.reason is Reason.SigningCertificateV2Required
    else:
        verify_token(signed.token, anchors=ANCHORS, rules=strict)


def test_certificates_that_are_sent() -> None:
    company = Company.make()
    signer = company.signer.certificate_der
    intermediate = pki.to_der(company.intermediate.certificate)

    def sent(certs: str, *, cert_req: bool = True, chain: tuple[bytes, ...] = ()) -> list[bytes]:
        tsa = LocalTSA(company.signer, certs=certs, chain=chain)
        found = answer(tsa, replace(REQUEST, cert_req=cert_req))["certificates"]
        return [one.dump() for one in found] if found.native is not None else []

    assert sorted(sent("all")) == sorted([signer, intermediate])  # never the root
    assert sorted(sent("all", chain=(intermediate,))) == sorted([signer, intermediate])
    assert sent("signer") == [signer]
    assert sent("none") == []
    assert sent("all", cert_req=False) == []


def test_certificates_are_in_der_order() -> None:
    issuers = [Authority.make(f"CA {i}", Authority.make("root")) for i in range(4)]
    chain = tuple(pki.to_der(issuer.certificate) for issuer in issuers)
    sent = [c.dump() for c in answer(LocalTSA(IDENTITY, chain=chain))["certificates"]]
    assert len(sent) == 5
    assert sent == sorted(sent)


@pytest.mark.parametrize("bits", [1, 63, 64, 160])
def test_serial_numbers(bits: int) -> None:
    tsa = LocalTSA(IDENTITY, serial_bits=bits)
    numbers = {sign(IMAGE, tsa, anchors=ANCHORS).verified.serial for _ in range(20)}
    assert all(0 < number < 2**bits for number in numbers)
    assert len(numbers) == (1 if bits == 1 else 20)
    assert max(numbers).bit_length() > bits - 8


@pytest.mark.parametrize(
    ("micros", "digits", "expected"),
    [
        (0, 0, b"20260504030201Z"),
        (999999, 0, b"20260504030201Z"),
        (120000, 6, b"20260504030201.12Z"),
        (129999, 3, b"20260504030201.129Z"),
        (400, 3, b"20260504030201Z"),
        (1, 6, b"20260504030201.000001Z"),
    ],
)
def test_gen_time(micros: int, digits: int, expected: bytes) -> None:
    # In a time zone of its own: what is written is UTC.
    zone = dt.timezone(dt.timedelta(hours=2))
    clock = dt.datetime(2026, 5, 4, 5, 2, 1, micros, tzinfo=zone)
    tsa = LocalTSA(IDENTITY, clock=lambda: clock, fraction_digits=digits)
    assert tst_info(tsa)["gen_time"].contents == expected


@pytest.mark.parametrize(
    ("accuracy", "expected"),
    [
        (Accuracy(seconds=1), "3003020101"),
        (Accuracy(millis=999), "3004800203e7"),
        (Accuracy(1, 200, 5), "300a020101800200c8810105"),
    ],
)
def test_accuracy(accuracy: Accuracy, expected: str) -> None:
    tsa = LocalTSA(IDENTITY, accuracy=accuracy)
    assert tst_info(tsa)["accuracy"].dump().hex() == expected
    sign(IMAGE, tsa, anchors=ANCHORS)


@pytest.mark.parametrize(("year", "tag"), [(2049, "utc_time"), (2050, "generalized_time")])
def test_signing_time(year: int, tag: str) -> None:
    clock = dt.datetime(year, 5, 4, tzinfo=dt.timezone.utc)
    tsa = LocalTSA(IDENTITY, signing_time=True, clock=lambda: clock)
    value = attributes(answer(tsa))["signing_time"][0]
    assert (value.name, value.native) == (tag, clock)


@pytest.mark.parametrize("nonce", [None, 0, 1, 2**63, 2**64 - 1, 2**128 - 1])
def test_nonce_is_repeated(nonce: int | None) -> None:
    assert tst_info(LocalTSA(IDENTITY), replace(REQUEST, nonce=nonce))["nonce"].native == nonce


def test_imprint_is_repeated_to_the_byte() -> None:
    # OpenSSL writes NULL parameters, we write none: the token has what the request had.
    encoded = tsp.TimeStampReq.load(REQUEST.encode())
    ours = encoded["message_imprint"].dump()
    algorithm = der.encode(der.SEQUENCE, bytes.fromhex("06096086480165030402010500"))
    theirs = der.encode(der.SEQUENCE, algorithm, der.encode(der.OCTET_STRING, IMAGE.digest))
    tsa = LocalTSA(IDENTITY)
    for imprint in (ours, theirs):
        request = der.encode(der.SEQUENCE, der.encode_integer(1), imprint)
        response = tsp.TimeStampResp.load(tsa.timestamp(request))
        content = response["time_stamp_token"]["content"]["encap_content_info"]["content"]
        assert content.parsed["message_imprint"].dump() == imprint


def test_policies() -> None:
    policies = ["1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.2"]
    bound = LocalTSA(pki.generate(policies=policies))
    free = LocalTSA(IDENTITY)
    assert tst_info(bound)["policy"].native == policies[0]
    assert tst_info(bound, replace(REQUEST, policy=policies[1]))["policy"].native == policies[1]
    assert tst_info(free, replace(REQUEST, policy="1.2.3"))["policy"].native == "1.2.3"
    assert tst_info(LocalTSA(IDENTITY, policy="1.2.4"))["policy"].native == "1.2.4"
    refused = parse_response(bound.timestamp(replace(REQUEST, policy="1.2.3").encode()))
    assert (refused.status, refused.fail_info) == (2, b"\x00\x01")  # bit 15


def test_device_that_requires_the_policy_is_content() -> None:
    policy = "1.3.6.1.4.1.99999.1"
    identity = pki.generate(policies=[policy])
    rules = Rules(policies=frozenset([policy]))
    anchors = [anchor_of(identity.certificate)]
    sign(IMAGE, LocalTSA(identity), anchors=anchors, rules=rules)
    # The same claim without the certificate's word proves nothing.
    with pytest.raises(Refused) as caught:
        sign(IMAGE, LocalTSA(IDENTITY, policy=policy), anchors=ANCHORS, rules=rules)
    assert caught.value.reason is Reason.PolicyNotAccepted


def _request(*, version: int = 1, imprint: bytes, rest: bytes = b"") -> bytes:
    return der.encode(der.SEQUENCE, der.encode_integer(version), imprint, rest)


def _imprint(oid: str, digest: bytes, parameters: bytes = b"") -> bytes:
    identifier = der.encode(der.OBJECT_IDENTIFIER, der.oid_contents(oid))
    algorithm = der.encode(der.SEQUENCE, identifier, parameters)
    return der.encode(der.SEQUENCE, algorithm, der.encode(der.OCTET_STRING, digest))


SHA256 = "2.16.840.1.101.3.4.2.1"
GOOD_IMPRINT = _imprint(SHA256, IMAGE.digest)
EXTENSION = der.encode(
    0xA0, der.encode(der.SEQUENCE, bytes.fromhex("06022a03"), bytes.fromhex("0400"))
)

BAD_REQUESTS = {
    "nothing": (b"", "bad_data_format"),
    "rubbish": (b"GET / HTTP/1.1", "bad_data_format"),
    "trailing": (_request(imprint=GOOD_IMPRINT) + b"\x00", "bad_data_format"),
    "field too many": (_request(imprint=GOOD_IMPRINT, rest=b"\x05\x00"), "bad_data_format"),
    "short digest": (_request(imprint=_imprint(SHA256, b"x" * 31)), "bad_data_format"),
    "version": (_request(version=2, imprint=GOOD_IMPRINT), "bad_request"),
    "SHA-1": (_request(imprint=_imprint("1.3.14.3.2.26", b"x" * 20)), "bad_alg"),
    "SHA-384": (_request(imprint=_imprint("2.16.840.1.101.3.4.2.2", b"x" * 48)), "bad_alg"),
    "parameters": (_request(imprint=_imprint(SHA256, IMAGE.digest, b"\x01\x01\xff")), "bad_alg"),
    "extension": (_request(imprint=GOOD_IMPRINT, rest=EXTENSION), "unaccepted_extensions"),
}


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_bad_requests_are_rejected(case: str) -> None:
    request, expected = BAD_REQUESTS[case]
    encoded = LocalTSA(IDENTITY).timestamp(request)
    der.check(encoded)
    response = parse_response(encoded)
    assert (response.status, response.token) == (2, None)
    assert len(response.status_text) == 1
    # failInfo by another reader of ASN.1: the status alone, for asn1crypto wants a token.
    status = tsp.PKIStatusInfo.load(encoded[2:] if encoded[1] < 0x80 else encoded[3:])
    assert status["fail_info"].native == {expected}
    with pytest.raises(Refused) as caught:
        verify_token(encoded, anchors=ANCHORS)
    assert caught.value.reason is Reason.NotGranted


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: REQUEST.encode()[:40] + b))
def test_any_bytes_get_an_answer(request_bytes: bytes) -> None:
    response = LocalTSA(IDENTITY).timestamp(request_bytes)
    der.check(response)
    assert parse_response(response).status in (0, 2)


@given(st.data())
def test_any_prefix_of_a_request_is_rejected(data: st.DataObject) -> None:
    encoded = REQUEST.encode()
    cut = data.draw(st.integers(0, len(encoded) - 1))
    assert parse_response(LocalTSA(IDENTITY).timestamp(encoded[:cut])).status == 2


@pytest.mark.parametrize(
    "settings",
    [
        {"ess": "v3"},
        {"certs": "some"},
        {"serial_bits": 0},
        {"serial_bits": 161},
        {"fraction_digits": 7},
    ],
)
def test_settings_that_are_none(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        LocalTSA(IDENTITY, **settings)


@pytest.mark.parametrize("policy", ["1", "1.2.", "3.1", "1.40", "1.2.03", "x", "1.-2"])
def test_policies_that_are_none(policy: str) -> None:
    with pytest.raises(Unusable) as caught:
        LocalTSA(IDENTITY, policy=policy)
    assert caught.value.reason is Reason.Usage


def test_from_pem(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    pki.write_pem(path, IDENTITY, passphrase=b"secret")
    tsa = LocalTSA.from_pem(path, b"secret", certs="none")
    assert len(sign(IMAGE, tsa, anchors=ANCHORS).token) < 600
    old_key_file(tmp_path / "old.pem")
    with pytest.raises(Refused) as caught:
        LocalTSA.from_pem(tmp_path / "old.pem")
    assert caught.value.reason is Reason.SignerIsCa


@pytest.mark.parametrize("kind", pki.KINDS)
def test_checked_signatures_are_good_ones(kind: str) -> None:
    identity = pki.generate(kind)
    tsa = LocalTSA(identity, check_signatures=True)
    sign(IMAGE, tsa, anchors=[anchor_of(identity.certificate)])


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_a_signature_that_went_wrong_does_not_go_out(kind: str) -> None:
    # The certificate of one key, the signatures of another: so looks a fault in making one.
    identity, other = pki.generate(kind), pki.generate(kind)
    mixed = replace(identity, key=other.key)
    LocalTSA(mixed).timestamp(REQUEST.encode())
    with pytest.raises(Unusable) as caught:
        LocalTSA(mixed, check_signatures=True).timestamp(REQUEST.encode())
    assert caught.value.reason is Reason.KeyUnusable
