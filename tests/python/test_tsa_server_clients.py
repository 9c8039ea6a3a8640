"""The timestamp server, asked by clients that others wrote."""

from __future__ import annotations

import hashlib
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import rfc3161_client
from asn1crypto import tsp

from platformio_secureota import Image, Refused, Rules, sign
from platformio_secureota.tsa import Credentials, HttpTSA
from tsa_server import DIGEST, PILOT, PRODUCTION, QUERY, REQUEST, TOKEN, Site, running

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = Image(b"\xe9 firmware")


def test_openssl_and_curl(tmp_path: Path) -> None:
    site = Site.make(tmp_path)
    (tmp_path / "firmware").write_bytes(IMAGE.data)
    (tmp_path / "header").write_text(f"Authorization: Bearer {TOKEN}\n")

    def run(*command: str) -> None:
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=30)

    ts = ("openssl", "ts")
    run(*ts, "-query", "-data", "firmware", "-sha256", "-cert", "-out", "request.tsq")
    with running(site) as server:
        curl = ("curl", "--noproxy", "*", "-sSf", "-H", "@header")
        run(*curl, "-H", f"Content-Type: {QUERY}", "--data-binary", "@request.tsq",
            "-o", "reply.tsr", server.url)  # fmt: skip
        run(*curl, "-o", "chain.pem", f"{server.base}/certs")
    run(*ts, "-verify", "-in", "reply.tsr", "-queryfile", "request.tsq",
        "-CAfile", str(site.anchor_file), "-untrusted", "chain.pem")  # fmt: skip
    (record,) = site.records()
    assert record["token"] == hashlib.sha256((tmp_path / "reply.tsr").read_bytes()).hexdigest()
    assert record["imprint"] == IMAGE.digest.hex()


def test_rfc3161_client(tmp_path: Path) -> None:
    site = Site.make(tmp_path)
    builder = rfc3161_client.TimestampRequestBuilder().data(IMAGE.data)
    request = builder.hash_algorithm(rfc3161_client.HashAlgorithm.SHA256).build()
    with running(site) as server:
        reply = server.post(request.as_bytes()).content
    response = rfc3161_client.decode_timestamp_response(reply)
    verifier = rfc3161_client.VerifierBuilder.from_request(request)
    verifier = verifier.add_root_certificate(site.company.root.certificate)
    assert verifier.build().verify_message(response, IMAGE.data)
    assert response.tst_info.nonce == request.nonce
    assert response.tst_info.policy.dotted_string == PRODUCTION


def test_plain_requests(tmp_path: Path) -> None:
    site = Site.make(tmp_path)
    with running(site) as server:
        reply = server.post()
    assert reply.headers["Content-Type"] == "application/timestamp-reply"
    content = tsp.TimeStampResp.load(reply.content, strict=True)["time_stamp_token"]["content"]
    info = content["encap_content_info"]["content"].parsed
    assert info["message_imprint"]["hashed_message"].native == DIGEST
    assert info["nonce"].native == 7
    (record,) = site.records()
    assert int(record["serial"], 16) == info["serial_number"].native
    assert record["time"] == info["gen_time"].native.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (record["policy"], record["caller"], record["proof"]) == (PRODUCTION, "ci", "bearer")
    certificate = hashlib.sha256(site.company.signer.certificate_der).hexdigest()
    assert record["certificate"] == certificate


def test_our_own_client(tmp_path: Path) -> None:
    site = Site.make(tmp_path)
    with running(site) as server:
        tsa = HttpTSA(server.url, credentials=Credentials(bearer=TOKEN))
        signed = sign(IMAGE, tsa, anchors=site.anchors, policy=PRODUCTION, rules=Rules())
        with pytest.raises(Refused, match="may not have policy"):
            sign(IMAGE, tsa, anchors=site.anchors, policy=PILOT)
    assert signed.verified.policy == PRODUCTION
    assert [r["token"] for r in site.records()] == [hashlib.sha256(signed.token).hexdigest()]


def test_serials_are_random(tmp_path: Path) -> None:
    site = Site.make(tmp_path)
    with running(site) as server:
        for _ in range(20):
            server.post(REQUEST)
    serials = {int(record["serial"], 16) for record in site.records()}
    assert len(serials) == 20
    # Twenty numbers of 63 bits: all below 2**58 by chance once in 10**30.
    assert 2**58 < max(serials) < 2**63


def test_pages(tmp_path: Path) -> None:
    site = Site.make(tmp_path)
    with running(site) as server:
        assert server.get("/healthz").json() == {"key": "good", "clock": "good", "log": "good"}
        server.post()
        page = server.get("/")
        assert "product 1" in page.text
        assert DIGEST.hex() in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        metrics = server.get("/metrics").text
        assert 'secureota_tsa_requests_total{outcome="granted"}' in metrics
        assert "secureota_tsa_log_records 1.0" in metrics
        head = (tmp_path / "approvals.log.head").read_text()
        number = int(head.partition(":")[2][:12], 16)
        (shown,) = re.findall(r"^secureota_tsa_log_head (\S+)$", metrics, re.MULTILINE)
        assert float(shown) == number
        # For this machine alone, not for who comes through a proxy.
        for path in ("/", "/metrics"):
            assert server.get(path, X_Forwarded_For="10.0.0.1").status_code == 403
    assert len(site.records()) == 1, "the health check's signature is no approval"
