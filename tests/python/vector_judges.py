"""Judges of timestamps that we did not write: OpenSSL and rfc3161-client.

They are asked about good tokens alone: both accept many bad ones.  Each returns what is wrong, in
its own words; empty if nothing is.
"""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import rfc3161_client
from asn1crypto import pem, tsp
from cryptography import x509

if TYPE_CHECKING:
    from vectors import Vector


def judge_by_openssl(vector: Vector) -> str:
    """`openssl ts -verify` at genTime, with the anchors as its only trusted certificates."""
    token, image = _take_apart(vector.signed)
    certificates = "".join(
        pem.armor("CERTIFICATE", anchor.certificate.der).decode() for anchor in vector.anchors
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "token.tsr").write_bytes(token)
        (folder / "image.bin").write_bytes(image)
        (folder / "anchors.pem").write_text(certificates, encoding="ascii")
        command = ["openssl", "ts", "-verify", "-in", "token.tsr", "-data", "image.bin"]
        command += ["-CAfile", "anchors.pem", "-untrusted", "anchors.pem", "-partial_chain"]
        command += ["-attime", str(int(_gen_time(token).timestamp()))]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode == 0 and "Verification: OK" in done.stdout:
        return ""
    return _last_words(done.stderr)


def judge_by_rfc3161_client(vector: Vector) -> str:
    """rfc3161-client, which judges at genTime by itself."""
    token, image = _take_apart(vector.signed)
    roots = [x509.load_der_x509_certificate(anchor.certificate.der) for anchor in vector.anchors]
    try:
        response = rfc3161_client.decode_timestamp_response(token)
        builder = rfc3161_client.VerifierBuilder(roots=roots)
        if not response.signed_data.certificates:
            builder = builder.tsa_certificate(roots[0])
        builder.build().verify_message(response, image)
    except (ValueError, rfc3161_client.VerificationError) as cause:
        return str(cause)
    return ""


def _take_apart(signed: bytes) -> tuple[bytes, bytes]:
    header, _, rest = signed.partition(b"\n")
    sizes = dict(pair.split(b"=", 1) for pair in header.split(b" ")[1:])
    size = int(sizes[b"rfc3161"])
    return rest[:size], rest[size:]


def _gen_time(token: bytes) -> dt.datetime:
    signed_data = tsp.TimeStampResp.load(token)["time_stamp_token"]["content"]
    tst_info = signed_data["encap_content_info"]["content"].parsed
    moment = tst_info["gen_time"].native
    assert isinstance(moment, dt.datetime)
    return moment


def _last_words(errors: str) -> str:
    # 4047...:error:17800064:time stamp routines:ts_verify_cert:certificate verify error:...:
    reasons = re.findall(r":error:[0-9A-F]+:[^:]*:[^:]*:([^:]*):[^:]*:\d+:(.*)", errors)
    if not reasons:
        return errors.strip().splitlines()[-1] if errors.strip() else "no reason given"
    return "; ".join(": ".join(part for part in reason if part) for reason in reasons)
