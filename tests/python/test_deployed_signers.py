"""Containers as deployed signers write them, and ours as deployed readers take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from asn1crypto import tsp

from authorities import Company, anchor_of, old_key_file
from openssl_tsa import OpensslTsa
from platformio_secureota import Image, Reason, Refused, Unusable, compat, container, pki, sign
from platformio_secureota.timestamp import TimeStampReq
from platformio_secureota.tsa import LocalTSA
from platformio_secureota.verify import verify_image

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = Image(b"\xe9" + bytes(3000))


def old_container(token: bytes, extra: str = "") -> bytes:
    header = f"RedWax/1.00 rfc3161={len(token)} payload={len(IMAGE.data)}{extra}\n"
    return header.encode("ascii") + token + IMAGE.data


@pytest.mark.parametrize("ess", ["sha1", "sha256"])
@pytest.mark.parametrize("extra", ["", " model=lamp hw=2", " model=lamp,v2"])
@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_container_of_a_deployed_signer(tmp_path: Path, kind: str, extra: str, ess: str) -> None:
    company = Company.make(kind)
    # Old signers send no nonce; their tokens are OpenSSL's.
    request = TimeStampReq(IMAGE.digest).encode()
    token = OpensslTsa(tmp_path, company.signer, ess=ess).timestamp(request)
    signed = old_container(token, extra)
    for anchor in (company.root.certificate, company.signer.certificate):
        verified = verify_image(signed, anchors=[anchor_of(anchor)])
        assert verified.image == IMAGE
    expected = dict(pair.split("=") for pair in extra.split())
    assert container.parse(signed).keys == expected


def test_certificate_of_the_old_key_generator_is_refused(tmp_path: Path) -> None:
    identity = old_key_file(tmp_path / "old.pem")
    request = TimeStampReq(IMAGE.digest).encode()
    token = OpensslTsa(tmp_path, identity).timestamp(request)
    with pytest.raises(Refused) as caught:
        verify_image(old_container(token), anchors=[anchor_of(identity.certificate)])
    assert caught.value.reason is Reason.SignerIsCa


# -- what we write for deployed readers -------------------------------------------------------


@pytest.mark.parametrize("kind", pki.KINDS)
@pytest.mark.parametrize("certs", ["all", "signer", "none"])
@pytest.mark.parametrize("chained", [False, True])
def test_redwax_output_obeys_every_limit(kind: str, certs: str, *, chained: bool) -> None:
    identity = Company.make(kind).signer if chained else pki.generate(kind)
    tsa = LocalTSA(identity, certs=certs, **compat.REDWAX)
    signed = sign(IMAGE, tsa, anchors=[anchor_of(identity.certificate)])
    compat.check_redwax(signed.token)

    # The limits of docs/format.md, read off the bytes without our reader.
    header, _, rest = signed.container.partition(b"\n")
    assert len(header) + 1 <= 128
    assert len(signed.container) >= 128
    assert header.startswith(b"RedWax/1.00 rfc3161=")
    assert rest.startswith(b"\x30\x82")
    size = int.from_bytes(rest[2:4], "big")
    assert 256 <= size <= 65535
    assert 4 + size == len(signed.token) <= 16 * 1024
    assert rest == signed.token + IMAGE.data
    content = tsp.TimeStampResp.load(signed.token)["time_stamp_token"]["content"]
    names = [a["type"].native for a in content["signer_infos"][0]["signed_attrs"]]
    assert "signing_certificate" in names
    assert "signing_certificate_v2" not in names
    tst_info = content["encap_content_info"]["content"].parsed
    serials = [tst_info["serial_number"].native]
    serials += [c.chosen.serial_number for c in content["certificates"] or ()]
    assert len(serials) == {"none": 1, "signer": 2, "all": 3 if chained else 2}[certs]
    assert all(0 < serial < 2**64 for serial in serials)


def test_redwax_limits_are_checked() -> None:
    identity = pki.generate()
    anchors = [anchor_of(identity.certificate)]

    def problem(identity: pki.SigningIdentity, **settings: object) -> str:
        tsa = LocalTSA(identity, **settings)  # type: ignore[arg-type]
        token = sign(IMAGE, tsa, anchors=anchors).token
        with pytest.raises(Unusable) as caught:
            compat.check_redwax(token)
        assert caught.value.reason is Reason.TsaReplyUnusable
        return caught.value.detail

    assert "ESSCertIDv2" in problem(identity)
    assert "ESSCertIDv2" in problem(identity, ess="both")
    assert "serial number" in problem(identity, ess="v1", serial_bits=160)
    company = Company.make()
    anchors = [anchor_of(company.root.certificate)]
    long_serial = company.intermediate.certify(
        company.signer, company.intermediate.certificate, serial=2**64
    )
    assert "serial number of" in problem(long_serial, ess="v1", certs="all")
    with pytest.raises(Unusable, match="16400 bytes"):
        compat.check_redwax(b"\x30\x82".ljust(16400, b"\x00"))
    with pytest.raises(Unusable, match="200 bytes"):
        compat.check_redwax(b"\x30\x81\xc5".ljust(200, b"\x00"))
