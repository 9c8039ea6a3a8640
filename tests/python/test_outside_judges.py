"""Judges that we did not write accept every good token of ours."""

from __future__ import annotations

import datetime as dt
import subprocess
from typing import TYPE_CHECKING

import pytest
import rfc3161_client

from authorities import Authority, Company, anchor_of, pem
from platformio_secureota import Image, pki, sign
from platformio_secureota.compat import REDWAX
from platformio_secureota.timestamp import TimeStampReq
from platformio_secureota.tsa import LocalTSA
from platformio_secureota.tsa.encode import Accuracy

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

IMAGE = Image(b"\xe9" + bytes(range(256)) * 20)

SHAPES = {
    "default": {},
    "v1": {"ess": "v1"},
    "both": {"ess": "both"},
    "everything": {
        "ess": "both",
        "signing_time": True,
        "fraction_digits": 6,
        "accuracy": Accuracy(1, 2, 3),
        "serial_bits": 160,
    },
    "redwax": REDWAX,
}


def openssl_accepts(folder: Path, token: bytes, root: x509.Certificate, **more: object) -> str:
    """What is wrong with it in OpenSSL's words; empty if nothing is."""
    (folder / "firmware.tsr").write_bytes(token)
    (folder / "firmware.bin").write_bytes(more.pop("data", IMAGE.data))  # type: ignore[arg-type]
    (folder / "root.pem").write_bytes(pem(root))
    command = ["openssl", "ts", "-verify", "-in", "firmware.tsr", "-data", "firmware.bin"]
    command += ["-CAfile", "root.pem"]
    for name, value in more.items():
        command += [f"-{name}", str(value)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    accepted = done.returncode == 0 and "Verification: OK" in done.stdout
    return "" if accepted else done.stdout + done.stderr


def rfc3161_client_verifies(token: bytes, company: Company | pki.SigningIdentity) -> bool:
    builder = rfc3161_client.VerifierBuilder()
    if isinstance(company, Company):
        builder = builder.tsa_certificate(company.signer.certificate)
        builder = builder.add_intermediate_certificate(company.intermediate.certificate)
        builder = builder.add_root_certificate(company.root.certificate)
    else:
        builder = builder.tsa_certificate(company.certificate)
        builder = builder.add_root_certificate(company.certificate)
    response = rfc3161_client.decode_timestamp_response(token)
    return builder.build().verify_message(response, IMAGE.data)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", pki.KINDS)
def test_key_of_ones_own(tmp_path: Path, kind: str, shape: str) -> None:
    identity = pki.generate(kind)
    tsa = LocalTSA(identity, **SHAPES[shape])  # type: ignore[arg-type]
    token = sign(IMAGE, tsa, anchors=[anchor_of(identity.certificate)]).token
    assert openssl_accepts(tmp_path, token, identity.certificate) == ""
    assert rfc3161_client_verifies(token, identity)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", pki.KINDS)
def test_company(tmp_path: Path, kind: str, shape: str) -> None:
    company = Company.make(kind)
    tsa = LocalTSA(company.signer, **SHAPES[shape])  # type: ignore[arg-type]
    token = sign(IMAGE, tsa, anchors=[anchor_of(company.root.certificate)]).token
    assert openssl_accepts(tmp_path, token, company.root.certificate) == ""
    assert rfc3161_client_verifies(token, company)


def test_two_intermediates(tmp_path: Path) -> None:
    root = Authority.make("myCorp")
    engineering = Authority.make("engineering", root)
    development = Authority.make("development", engineering)
    fred = development.certify(
        pki.generate(name="Fred"), development.certificate, engineering.certificate
    )
    signed = sign(IMAGE, LocalTSA(fred), anchors=[anchor_of(root.certificate)])
    assert len(signed.verified.authorities) == 2
    assert openssl_accepts(tmp_path, signed.token, root.certificate) == ""


@pytest.mark.parametrize("certs", ["signer", "none"])
def test_certificates_that_the_judge_has_already(tmp_path: Path, certs: str) -> None:
    company = Company.make()
    tsa = LocalTSA(company.signer, certs=certs)
    # Our verifier asks for the path in the token: give it the part that is missing as an anchor.
    known = company.signer if certs == "none" else None
    anchor = known.certificate if known else company.intermediate.certificate
    token = sign(IMAGE, tsa, anchors=[anchor_of(anchor)]).token
    (tmp_path / "known.pem").write_bytes(
        pem(company.intermediate.certificate, company.signer.certificate)
    )
    root = company.root.certificate
    assert openssl_accepts(tmp_path, token, root, untrusted="known.pem") == ""
    assert openssl_accepts(tmp_path, token, root) != ""


def test_token_outlives_its_certificate(tmp_path: Path) -> None:
    # Judged at the token's time, as the device does; years later the signer has expired.
    then = dt.datetime(2015, 5, 4, tzinfo=dt.timezone.utc)
    identity = pki.generate(now=then, lifetime=dt.timedelta(days=365))
    token = LocalTSA(identity, clock=lambda: then + dt.timedelta(days=1))
    response = sign_without_verifying(token)
    at = int((then + dt.timedelta(days=2)).timestamp())
    assert openssl_accepts(tmp_path, response, identity.certificate, attime=at) == ""
    assert "expired" in openssl_accepts(tmp_path, response, identity.certificate)


def sign_without_verifying(tsa: LocalTSA) -> bytes:
    return tsa.timestamp(TimeStampReq(IMAGE.digest).encode())


def test_judges_do_refuse(tmp_path: Path) -> None:
    # Or the tests above would say nothing.
    identity, other = pki.generate(), pki.generate()
    token = sign(IMAGE, LocalTSA(identity), anchors=[anchor_of(identity.certificate)]).token
    assert openssl_accepts(tmp_path, token, other.certificate) != ""
    data = IMAGE.data[:-1] + b"\x00"
    assert "imprint" in openssl_accepts(tmp_path, token, identity.certificate, data=data)
    with pytest.raises(rfc3161_client.VerificationError):
        rfc3161_client_verifies(token, other)
