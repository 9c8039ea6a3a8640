"""A company's hierarchy for tests, made as an admin makes it, and judged by both verifiers."""

from __future__ import annotations

import datetime as dt
import secrets
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from authorities import pem
from emulated_device import BUILD
from platformio_secureota import Image, Refused, Rules, container, verify_image
from platformio_secureota.anchors import TrustAnchor
from platformio_secureota.hierarchy import Node, Order, Profile, Tree
from platformio_secureota.hierarchy.tree import NewKey, renewal_of
from platformio_secureota.identity import SigningIdentity, to_der
from platformio_secureota.timestamp import TimeStampReq
from platformio_secureota.tsa import LocalTSA

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
DAY = dt.timedelta(days=1)
START = NOW - 30 * DAY

PRODUCTION = "1.3.6.1.4.1.99999.1"
DEVELOPMENT = "1.3.6.1.4.1.99999.2"
PILOT = "1.3.6.1.4.1.99999.3"

SIGNERS = ("product 1", "Fred", "Mary", "pilot-testing")
AUTHORITIES = ("myCorp", "production", "engineering", "development")


@dataclass(frozen=True)
class Company:
    """myCorp: the seed's tree, with a branch for the TSA's TLS."""

    tree: Tree

    @classmethod
    def make(cls, folder: Path, *, kind: str = "p256", now: dt.datetime = START) -> Company:
        company = cls(Tree(folder))
        company.tree.add_root(Order("myCorp", Profile.ROOT), NewKey(kind), now=now)
        policies = (DEVELOPMENT, PILOT)
        company.add("production", Profile.AUTHORITY, "myCorp", (PRODUCTION,), depth=0, now=now)
        company.add("engineering", Profile.AUTHORITY, "myCorp", policies, depth=1, now=now)
        company.add("development", Profile.AUTHORITY, "engineering", (DEVELOPMENT,), now=now)
        company.add("product 1", Profile.SIGNER, "production", now=now)
        company.add("pilot-testing", Profile.SIGNER, "engineering", (PILOT,), now=now)
        company.add("Fred", Profile.SIGNER, "development", now=now, lifetime=90 * DAY)
        company.add("Mary", Profile.SIGNER, "development", now=now, lifetime=90 * DAY)
        company.add("tls", Profile.TLS_AUTHORITY, "myCorp", now=now)
        host = (x509.DNSName("tsa.example.com"),)
        company.add("tsa", Profile.TLS_SERVER, "tls", hosts=host, now=now)
        company.add("ci", Profile.TLS_CLIENT, "tls", now=now)
        return company

    def add(
        self,
        name: str,
        profile: Profile,
        under: str,
        policies: tuple[str, ...] = (),
        *,
        depth: int | None = None,
        lifetime: dt.timedelta | None = None,
        hosts: tuple[x509.GeneralName, ...] = (),
        now: dt.datetime = START,
    ) -> Node:
        order = Order(name, profile, policies, depth, lifetime, hosts)
        above = self[under]
        return self.tree.add(order, NewKey(), under=above, issuer=self.identity(under), now=now)

    def renew(self, name: str, *, now: dt.datetime = NOW - DAY) -> None:
        member = self[name]
        above = self.tree.issuer_of(member)
        issuer = self.identity(above.name) if above else None
        self.tree.renew(member, renewal_of(member), NewKey(), issuer=issuer, now=now)

    def __getitem__(self, name: str) -> Node:
        return self.tree.find(name)

    def identity(self, name: str) -> SigningIdentity:
        return self[name].identity(None)

    def anchor(self, name: str) -> TrustAnchor:
        return TrustAnchor.from_der(to_der(self[name].certificate))


def signed(
    identity: SigningIdentity,
    image: bytes = b"image",
    *,
    at: dt.datetime = NOW,
    claim: str = "",
) -> bytes:
    """A container that nobody has judged yet; `claim` is the TSTInfo's policy."""
    tsa = LocalTSA(identity, clock=lambda: at, policy=claim)
    request = TimeStampReq(digest=Image(image).digest, nonce=None, policy=None, cert_req=True)
    return container.build(tsa.timestamp(request.encode()), image)


def verdict(data: bytes, anchors: Sequence[TrustAnchor], rules: Rules | None = None) -> str:
    """Name of the reason, or "accepted": the host's verdict, and the device's the same."""
    rules = rules or Rules()
    try:
        verify_image(data, anchors=anchors, rules=rules)
        host = "accepted"
    except Refused as refusal:
        host = refusal.reason.value
    device = _device_verdict(data, anchors, rules)
    assert host == device
    return host


def _device_verdict(data: bytes, anchors: Sequence[TrustAnchor], rules: Rules) -> str:
    words = [word for policy in sorted(rules.policies) for word in ("--policy", policy)]
    words += [word for key in rules.deny for word in ("--deny", key.hex())]
    if rules.not_before is not None:
        words += ["--not-before", f"{rules.not_before:%Y-%m-%dT%H:%M:%SZ}"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "image").write_bytes(data)
        for number, anchor in enumerate(anchors):
            file = folder / f"{number}.der"
            file.write_bytes(anchor.certificate.der)
            words += ["--anchor", str(file)]
        program = BUILD / "verify-image"
        assert program.is_file(), "run `make device-asan` first"
        run = subprocess.run(
            [program, *words, folder / "image"], capture_output=True, text=True, check=False
        )
    last = run.stdout.splitlines()[-1]
    assert run.returncode == (0 if last.startswith("accepted: ") else 1), run
    return last.removeprefix("refused: ").split()[0].rstrip(":")


def rogue(
    like: x509.Certificate,
    by: SigningIdentity,
    *,
    policies: tuple[str, ...] | None = None,
    purposes: tuple[x509.ObjectIdentifier, ...] | None = None,
) -> x509.Certificate:
    """A certificate that our tool would not make: `like` another, by any authority's key."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(like.subject)
        .issuer_name(by.certificate.subject)
        .public_key(like.public_key())
        .serial_number(secrets.randbits(62) + 1)
        .not_valid_before(like.not_valid_before_utc)
        .not_valid_after(like.not_valid_after_utc)
    )
    for extension in like.extensions:
        value: x509.ExtensionType = extension.value
        if isinstance(value, x509.CertificatePolicies) and policies is not None:
            oids = [x509.PolicyInformation(x509.ObjectIdentifier(p), None) for p in policies]
            value = x509.CertificatePolicies(oids)
        if isinstance(value, x509.ExtendedKeyUsage) and purposes is not None:
            value = x509.ExtendedKeyUsage(purposes)
        if not isinstance(value, x509.AuthorityKeyIdentifier):
            builder = builder.add_extension(value, critical=extension.critical)
    return builder.sign(by.key, hashes.SHA256())


def openssl_verdict(member: Node, *, purpose: str, folder: Path) -> str:
    """What `openssl verify` says of a member's certificate; "OK", or its complaint."""
    (folder / "own.pem").write_bytes(pem(member.certificate))
    (folder / "above.pem").write_bytes(pem(*member.chain[:-1]))
    (folder / "root.pem").write_bytes(pem(member.chain[-1]))
    command = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "root.pem"]
    command += ["-untrusted", "above.pem"] if len(member.chain) > 1 else []
    run = subprocess.run(
        [*command, "own.pem"], cwd=folder, capture_output=True, text=True, check=False
    )
    return "OK" if run.returncode == 0 else run.stderr
