"""Signing and verifying an image on the host, against the openssl command."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization

from bench.measurement import Measurement, rates
from platformio_secureota import Image, TrustAnchor, pki, sign, verify_image
from platformio_secureota.tsa.local import LocalTSA

if TYPE_CHECKING:
    from platformio_secureota.pki import SigningIdentity

IMAGE_SIZE = 1024 * 1024
ROUNDS = 15
OURS_PER_ROUND = 10

CONFIGURATION = """
[tsa]
default_tsa = config
[config]
serial = {folder}/serial
signer_cert = {folder}/signer.pem
certs = {folder}/signer.pem
signer_key = {folder}/key.pem
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
ess_cert_id_alg = sha256
"""


class Openssl:
    """The same work by processes of `openssl ts`, as a script would do it."""

    def __init__(self, folder: Path, identity: SigningIdentity, image: bytes) -> None:
        """Lay out the files that the command wants."""
        self._folder = folder
        key = identity.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (folder / "image").write_bytes(image)
        (folder / "key.pem").write_bytes(key)
        certificate = identity.certificate.public_bytes(serialization.Encoding.PEM)
        (folder / "signer.pem").write_bytes(certificate)
        (folder / "serial").write_text("01\n", "ascii")
        (folder / "openssl.cnf").write_text(CONFIGURATION.format(folder=folder), "utf-8")

    def _ts(self, *arguments: str) -> None:
        subprocess.run(
            ["openssl", "ts", *arguments], cwd=self._folder, check=True, capture_output=True
        )

    def sign(self) -> None:
        """Request, reply, verification."""
        self._ts("-query", "-data", "image", "-sha256", "-cert", "-out", "request.tsq")
        self._ts("-reply", "-config", "openssl.cnf", "-queryfile", "request.tsq", "-out", "r.tsr")
        self.verify()

    def verify(self) -> None:
        """Verification of what was signed last."""
        self._ts("-verify", "-in", "r.tsr", "-data", "image", "-CAfile", "signer.pem")


def measure() -> list[Measurement]:
    """P-256 and a 1 MiB image; ours in process, which is how the tool and pio do it."""
    identity = pki.generate("p256")
    anchors = [TrustAnchor.from_der(identity.anchor_der)]
    tsa = LocalTSA(identity)
    data = bytes(range(256)) * (IMAGE_SIZE // 256)
    signed = sign(Image(data), tsa, anchors=anchors).container

    with tempfile.TemporaryDirectory() as folder:
        openssl = Openssl(Path(folder), identity, data)
        signing = rates(
            lambda: sign(Image(data), tsa, anchors=anchors),
            openssl.sign,
            rounds=ROUNDS,
            ours_per_round=OURS_PER_ROUND,
        )
        verifying = rates(
            lambda: verify_image(signed, anchors=anchors),
            openssl.verify,
            rounds=ROUNDS,
            ours_per_round=OURS_PER_ROUND,
        )
    return [
        Measurement("sign 1 MiB", signing[0], "1/s", "openssl ts", signing[1], 1.0),
        Measurement("verify 1 MiB", verifying[0], "1/s", "openssl ts", verifying[1], 1.0),
    ]
