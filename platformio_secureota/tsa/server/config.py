"""The configuration: one TOML file (docs/tsa.md explains each key)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platformio_secureota import toml_file
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.tsa.local import check_policy
from platformio_secureota.tsa.server.credentials import check_bearer_hash, check_password_hash

if TYPE_CHECKING:
    from pathlib import Path

    from platformio_secureota.toml_file import Table

DEFAULT_PORT = 3161

_CERTIFICATE_FORMS = ("sha256:", "subject:", "san:")
_MOST = 10**9


@dataclass(frozen=True)
class Caller:
    """Somebody who may ask, and for what."""

    name: str
    policies: tuple[str, ...]
    """Dotted.  The first is what a request gets that names none."""
    bearer: tuple[str, ...] = field(default=(), repr=False)
    password: str = field(default="", repr=False)
    certificates: tuple[str, ...] = ()
    """`sha256:HEX`, `subject:RFC 4514 name` or `san:NAME` of TLS client certificates."""
    anonymous: bool = False
    per_minute: int = 0
    """Tokens in any 60 seconds; 0: no limit."""
    per_day: int = 0
    pages: bool = False
    """May read the status page and the metrics from another machine."""


@dataclass(frozen=True)
class Tls:
    """The server's TLS, where no proxy does it."""

    certificate: Path
    key: Path
    client_ca: Path | None
    """Issuers of client certificates, PEM."""


@dataclass(frozen=True)
class Config:
    """What the file says, paths made absolute."""

    path: Path
    key: str
    """Where the signer's key is: a PEM file's absolute path, or a URI."""
    certificates: Path | None
    anchors: Path | None
    check_signatures: bool
    fraction_digits: int
    address: str
    port: int
    cleartext: bool
    tls: Tls | None
    trust_proxy: bool
    """Take the client certificate that a proxy on this machine vouches for."""
    log: Path
    head: Path
    require_synchronised: bool
    max_step: int
    """Seconds that the clock may step against the monotonic one."""
    policies: dict[str, str]
    """Names for people to dotted OBJECT IDENTIFIERs."""
    callers: tuple[Caller, ...]

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches the address."""
        return is_loopback(self.address)

    @property
    def anonymous(self) -> Caller | None:
        """The caller that anybody on this machine is."""
        return next((caller for caller in self.callers if caller.anonymous), None)

    def policy_name(self, oid: str) -> str:
        """What people call a policy; its OID if they don't."""
        return next((name for name, value in self.policies.items() if value == oid), oid)


def is_loopback(address: str) -> bool:
    """Whether a host name or address is this machine's own; names other than localhost are not."""
    if address == "localhost":
        return True
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def read_config(path: Path) -> Config:
    """Read the file.  Unusable(FileUnreadable, Usage) names what is wrong with it."""
    file = toml_file.read(path, hint="make one with `secureota tsa init`")
    try:
        return _parse(path.resolve(), file)
    except Unusable as cause:
        raise Unusable(cause.reason, f"{path}: {cause.detail}", hint=cause.hint) from cause


def _parse(path: Path, file: Table) -> Config:
    folder = path.parent
    signer, listen, log = file.table("signer"), file.table("listen"), file.table("log")
    clock, proxy = file.table("clock"), file.table("proxy")
    policies = _parse_policies(file.table("policies"))
    key = signer.text("key")
    if not key:
        raise Unusable(Reason.Usage, "[signer]: key is missing")
    log_path = folder / (log.text("file") or "approvals.log")
    config = Config(
        path=path,
        key=key if key.startswith("pkcs11:") else str(folder / key),
        certificates=_path(folder, signer.text("certificates")),
        anchors=_path(folder, signer.text("anchors")),
        check_signatures=signer.flag("check_signatures", default=True),
        fraction_digits=signer.number("fraction_digits", 0, least=0, most=6),
        address=listen.text("address", "127.0.0.1"),
        port=listen.number("port", DEFAULT_PORT, least=0, most=65535),
        cleartext=listen.flag("cleartext", default=False),
        tls=_parse_tls(folder, file.table("tls")) if file.has("tls") else None,
        trust_proxy=proxy.flag("client_certificates", default=False),
        log=log_path,
        head=_path(folder, log.text("head")) or log_path.with_name(log_path.name + ".head"),
        require_synchronised=clock.flag("require_synchronised", default=True),
        max_step=clock.number("max_step", 2, least=1, most=3600),
        policies=policies,
        callers=tuple(_parse_caller(table, policies) for table in file.tables("caller")),
    )
    for table in (signer, listen, log, clock, proxy, file):
        table.finish()
    _check_callers(config.callers)
    return config


def _path(folder: Path, text: str) -> Path | None:
    return folder / text if text else None


def _parse_policies(table: Table) -> dict[str, str]:
    policies = table.rest()
    for oid in policies.values():
        check_policy(oid)
    return policies


def _parse_tls(folder: Path, table: Table) -> Tls:
    certificate, key = (_path(folder, table.text(name)) for name in ("certificate", "key"))
    client_ca = _path(folder, table.text("client_ca"))
    table.finish()
    if certificate is None or key is None:
        raise Unusable(Reason.Usage, "[tls]: certificate and key are needed")
    return Tls(certificate, key, client_ca)


def _parse_caller(table: Table, policies: dict[str, str]) -> Caller:
    name = table.text("name")
    if not name or not name.isprintable() or ":" in name:
        raise Unusable(Reason.Usage, "a caller's name is printable and has no colon")
    wanted = table.texts("policies")
    caller = Caller(
        name=name,
        policies=tuple(policies.get(policy, policy) for policy in wanted),
        bearer=table.texts("bearer"),
        password=table.text("password"),
        certificates=table.texts("certificates"),
        anonymous=table.flag("anonymous", default=False),
        per_minute=table.number("per_minute", 0, least=0, most=_MOST),
        per_day=table.number("per_day", 0, least=0, most=_MOST),
        pages=table.flag("pages", default=False),
    )
    table.finish()
    for policy in caller.policies:
        check_policy(policy)
    for hashed in caller.bearer:
        check_bearer_hash(hashed)
    if caller.password:
        check_password_hash(caller.password)
    for certificate in caller.certificates:
        if not certificate.startswith(_CERTIFICATE_FORMS):
            detail = f"caller {name}: a certificate begins with one of {_CERTIFICATE_FORMS}"
            raise Unusable(Reason.Usage, detail)
    return caller


def _check_callers(callers: tuple[Caller, ...]) -> None:
    names = [caller.name for caller in callers]
    keys = [key for caller in callers for key in (*caller.bearer, *caller.certificates)]
    if len(set(names)) < len(names) or len(set(keys)) < len(keys):
        raise Unusable(Reason.Usage, "two callers have the same name, token or certificate")
    if sum(caller.anonymous for caller in callers) > 1:
        raise Unusable(Reason.Usage, "only one caller can be anonymous")
    for caller in callers:
        if not caller.policies:
            raise Unusable(Reason.Usage, f"caller {caller.name} has no policy")
        proofs = caller.bearer or caller.password or caller.certificates
        if bool(proofs) == caller.anonymous:
            detail = f"caller {caller.name} needs bearer, password or certificates, or anonymous"
            raise Unusable(Reason.Usage, detail)
