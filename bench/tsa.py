"""Issuing timestamps in this process, against libcrypto's TS API and the openssl command.

The peers do the same work with the same key: a request as DER in, a response as DER out.  What they
made is verified, so that nobody is measured at making rubbish.
"""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bench.measurement import Measurement
from platformio_secureota import Rules, TrustAnchor, pki, verify_token
from platformio_secureota.timestamp import TimeStampReq
from platformio_secureota.tsa.local import LocalTSA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platformio_secureota.pki import SigningIdentity

HERE = Path(__file__).resolve().parent
PROGRAM = HERE.parent / "build" / "bench" / "libcrypto_ts"

ROUNDS = 31
TOKENS_PER_ROUND = 500
"""Long enough for the clock, short enough that a busy moment hits all who take turns."""
RSA_PER_ROUND = 15
COMMANDS_PER_ROUND = 1

NONCE = 0x5EC0_7A00_5EC0_7A00
REQUEST = TimeStampReq(bytes(range(32)), nonce=NONCE).encode()

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

Batch = Callable[[], float]
"""Does a round's work; returns the seconds that one piece of it took."""


def lay_out(folder: Path, identity: SigningIdentity) -> None:
    """Write the files that both peers want."""
    key = identity.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "key.pem").write_bytes(key)
    certificate = identity.certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "signer.pem").write_bytes(certificate)
    (folder / "request.tsq").write_bytes(REQUEST)
    (folder / "serial").write_text("01\n", "ascii")
    (folder / "openssl.cnf").write_text(CONFIGURATION.format(folder=folder), "utf-8")


def compile_peer() -> None:
    """Build the C program; against another libcrypto with LIBCRYPTO_FLAGS in the environment."""
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    compiler = shlex.split(os.environ.get("CC", "cc"))
    source = str(HERE / "libcrypto_ts.c")
    flags = shlex.split(os.environ.get("LIBCRYPTO_FLAGS", ""))
    command = [*compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", source]
    subprocess.run([*command, "-o", str(PROGRAM), *flags, "-lcrypto"], check=True)


@contextmanager
def libcrypto(folder: Path) -> Iterator[Batch]:
    """Start the C program; it stays, so that its start is in no figure."""
    command = [str(PROGRAM), str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError(command)
        to, out = process.stdin, process.stdout

        def batch() -> float:
            to.write(f"{TOKENS_PER_ROUND}\n")
            return int(out.readline()) / 1e9 / TOKENS_PER_ROUND

        yield batch
        to.close()


def openssl_command(folder: Path) -> Batch:
    """`openssl ts -reply`, a process for each token."""
    command = ["openssl", "ts", "-reply", "-config", "openssl.cnf"]
    command += ["-queryfile", "request.tsq", "-out", "reply.tsr"]

    def run() -> None:
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    return timed(run, COMMANDS_PER_ROUND)


def timed(work: Callable[[], object], count: int) -> Batch:
    """`count` times the work."""

    def batch() -> float:
        start = time.perf_counter()
        for _ in range(count):
            work()
        return (time.perf_counter() - start) / count

    return batch


def rates(*batches: Batch) -> list[float]:
    """Run them in turn, so that a busy moment hits all; runs per second, medians."""
    for batch in batches:
        batch()
    seconds = [[batch() for batch in batches] for _ in range(ROUNDS)]
    return [1 / statistics.median(column) for column in zip(*seconds)]


def issuing(tsa: LocalTSA, count: int) -> Batch:
    """Our own work."""
    return timed(lambda: tsa.timestamp(REQUEST), count)


def raw_signing(identity: SigningIdentity) -> Batch:
    """What the key alone can do, by the library that we use too."""
    key = identity.key
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(key)
    data, scheme, digest = bytes(150), padding.PKCS1v15(), hashes.SHA256()
    return timed(lambda: key.sign(data, scheme, digest), RSA_PER_ROUND)


def check(reply: bytes, identity: SigningIdentity) -> None:
    """Refused, if this is no token for the request."""
    anchors = [TrustAnchor.from_der(identity.anchor_der)]
    verify_token(reply, anchors=anchors, rules=Rules(nonce=NONCE))


def measure() -> list[Measurement]:
    """P-256 with and without the check of each signature; RSA-2048 against its raw rate."""
    compile_peer()
    identity, rsa_identity = pki.generate("p256"), pki.generate("rsa2048")
    plain, checking = LocalTSA(identity), LocalTSA(identity, check_signatures=True)
    for tsa in (plain, checking):
        check(tsa.timestamp(REQUEST), identity)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder, identity)
        reply = folder / "reply.tsr"
        with libcrypto(folder) as peer:
            ours, theirs, checked = rates(
                issuing(plain, TOKENS_PER_ROUND), peer, issuing(checking, TOKENS_PER_ROUND)
            )
        check(reply.read_bytes(), identity)
        # Apart from the others: starting a process empties the caches for whoever is next.
        ours_beside, command = rates(issuing(plain, TOKENS_PER_ROUND), openssl_command(folder))
        check(reply.read_bytes(), identity)
    rsa_ours, rsa_raw = rates(
        issuing(LocalTSA(rsa_identity), RSA_PER_ROUND), raw_signing(rsa_identity)
    )
    library, process = "libcrypto TS API", "openssl ts -reply"
    return [
        Measurement("issue P-256", ours, "1/s", library, theirs, 1.0),
        # Another operation for each token, which the peer leaves out: no goal but to be known.
        Measurement("issue P-256, signature checked", checked, "1/s", library, theirs, 0.0),
        Measurement("issue P-256, against a process", ours_beside, "1/s", process, command, 1.0),
        Measurement("issue RSA-2048", rsa_ours, "1/s", "raw signing", rsa_raw, 0.7),
    ]
