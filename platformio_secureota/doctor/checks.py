"""The checks, one function for each thing that is looked at."""

from __future__ import annotations

import datetime as dt
import hashlib
import platform
import re
import secrets
import shutil
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Callable

from platformio_secureota import __version__, names, pki, public_tsas
from platformio_secureota.doctor.finding import failed, good, problem, warning
from platformio_secureota.errors import SecureOTAError
from platformio_secureota.pio.chips import HINT
from platformio_secureota.timestamp import TimeStampReq
from platformio_secureota.verify import CLOCK_SKEW, Rules, VerifiedToken, verify_token

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from platformio_secureota.anchors import TrustAnchor
    from platformio_secureota.doctor.finding import Finding
    from platformio_secureota.identity import SigningIdentity
    from platformio_secureota.pio.chips import Target
    from platformio_secureota.sign import Tsa
    from platformio_secureota.tsa import HttpTSA

SOON = dt.timedelta(days=90)
"""A certificate that ends within this time is spoken of."""

CLOCK_TOLERANCE = dt.timedelta(seconds=60)
"""Difference of two clocks that nobody need hear about."""

_NONCE_BITS = 63


def tools() -> list[Finding]:
    """Versions of what works together."""
    packages = [f"{name} {metadata.version(name)}" for name in ("cryptography", "requests")]
    python = f"Python {platform.python_version()}"
    found = [good("tools", ", ".join([f"secureota {__version__}", python, *packages]))]
    openssl = _version(["openssl", "version"])
    if openssl:
        found.append(good("tools", openssl))
    else:
        found.append(
            warning("tools", "there is no openssl command", "only needed to judge without us")
        )
    pio = _version(["pio", "--version"]) or _version(
        [sys.executable, "-m", "platformio", "--version"]
    )
    found.append(good("tools", pio) if pio else warning("tools", "PlatformIO is not found here"))
    return found


def _version(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return re.sub(r" \(.*", "", lines[0]) if done.returncode == 0 and lines else ""


def key(path: Path, passphrase: bytes | None) -> tuple[list[Finding], SigningIdentity | None]:
    """The key file: there, private, whole, and of a certificate that devices accept."""
    try:
        identity = pki.load_identity(path, passphrase=passphrase)
        pki.check_signer(identity, at=_now())
    except SecureOTAError as error:
        return [failed("key", error)], None
    name = pki.describe(identity.certificate)
    found = [good("key", f"{path}: {name}, key {identity.fingerprint[:16]}")]
    mode = pki.exposed_mode(path)
    if mode:
        text = f"{path} has mode {mode}: others can read the private key"
        found.append(problem("key", text, f"chmod 600 {path}"))
    end = identity.certificate.not_valid_after_utc
    if end - _now() < SOON:
        found.append(warning("key", f"{name} ends on {end:%Y-%m-%d}", "have it renewed"))
    return found, identity


def anchors(trusted: Sequence[TrustAnchor], target: Target) -> list[Finding]:
    """What devices trust: for how long, to what extent, whose it is, whether they can verify it."""
    found = []
    for anchor in trusted:
        certificate = anchor.certificate
        name = names.show(certificate.subject)
        role = "may issue signers' certificates" if anchor.may_issue else "signs itself"
        if certificate.not_after < _now():
            text = f"{name} ended on {certificate.not_after:%Y-%m-%d}"
            found.append(problem("anchor", text, "devices refuse what is signed after that"))
        elif certificate.not_after - _now() < SOON:
            text = f"{name} ends on {certificate.not_after:%Y-%m-%d}"
            found.append(warning("anchor", text, "add its successor in a release before that"))
        else:
            found.append(good("anchor", f"{name}: {role}, until {certificate.not_after:%Y-%m-%d}"))
        public = public_tsas.public_warning(anchor)
        if public:
            found.append(warning("anchor", public, "make an anchor of your own"))
        found += _chip(certificate_problem=target.key_problem(certificate), target=target)
    return found


def _chip(*, certificate_problem: str, target: Target) -> list[Finding]:
    if not certificate_problem:
        return []
    judge = problem if target.is_arduino else warning
    return [judge("chip", certificate_problem, HINT)]


def authority(tsa: HttpTSA, trusted: Sequence[TrustAnchor], target: Target) -> list[Finding]:
    """A remote authority: how it is reached, and what it answers to a test request."""
    found = []
    if tsa.is_exposed:
        text = f"{tsa.host} is asked over plain http: others can see and stop the exchange"
        found.append(warning("tsa", text, "use https"))
    if public_tsas.is_public_host(tsa.host):
        text = f"PUBLIC TIMESTAMP SERVICE: {tsa.host} stamps anything for anyone"
        found.append(warning("tsa", text, "good for playing, never for devices that matter"))
    return found + try_out(tsa, trusted, target, check="tsa", who=tsa.url)


def try_out(
    tsa: Tsa, trusted: Sequence[TrustAnchor], target: Target, *, check: str, who: str
) -> list[Finding]:
    """Have a test token made, with certReq, and verify it as the device would."""
    nonce = secrets.randbits(_NONCE_BITS) | 1
    digest = hashlib.sha256(b"secureota doctor: a test, no firmware").digest()
    before = _now()
    try:
        answer = tsa.timestamp(TimeStampReq(digest, nonce=nonce).encode())
        after = _now()
        # No `now`: how far the clocks are apart is said below.
        verified = verify_token(answer, anchors=trusted, rules=Rules(nonce=nonce))
    except SecureOTAError as error:
        return [failed(check, error)]
    if verified.image_digest != digest:
        return [problem(check, f"{who} stamped another digest than the one that was sent")]
    seconds = (after - before).total_seconds()
    signer = names.show(verified.signer.subject)
    found = [
        good(check, f"{who}: a test token of {len(answer)} bytes by {signer}, in {seconds:.2f} s"),
        _clock(verified, before, after),
    ]
    for certificate in (verified.signer, *verified.authorities):
        found += _chip(certificate_problem=target.key_problem(certificate), target=target)
    too_large = target.size_problem(answer)
    if too_large:
        found.append(problem("chip", too_large))
    return found


def _clock(verified: VerifiedToken, before: dt.datetime, after: dt.datetime) -> Finding:
    # genTime is of some moment in between; it is often cut to the second.
    ahead = verified.gen_time - after
    behind = before - verified.gen_time - dt.timedelta(seconds=1)
    off = max(ahead, behind, dt.timedelta(0))
    text = f"its clock and this computer's differ by {off.total_seconds():.0f} s"
    advice = "set the one that is wrong; NTP does it"
    if off <= CLOCK_TOLERANCE:
        return good("clock", text)
    # Only a token from the future is refused; one from the past loses against the device's floor.
    judge: Callable[..., Finding] = problem if off > CLOCK_SKEW else warning
    return judge("clock", text, advice)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)
