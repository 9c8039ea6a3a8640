"""Who asks: a bearer token, a password, a client certificate, or anybody on this machine."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from platformio_secureota import names
from platformio_secureota.tsa.server.config import Caller, Config, is_loopback
from platformio_secureota.tsa.server.credentials import is_password, token_digest

if TYPE_CHECKING:
    from collections.abc import Iterable

PEER_CERTIFICATE = "secureota.peer_certificate"
"""Key in the connection's state: DER of the TLS client certificate."""

PROXY_CERTIFICATE, PROXY_VERDICT = b"x-ssl-client-cert", b"x-ssl-client-verify"
"""Headers of a proxy: nginx's $ssl_client_escaped_cert and $ssl_client_verify."""

_FORWARDED = frozenset((b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"))
"""Who speaks through a proxy is not on this machine."""

_KNOWN_PASSWORDS = 1024
"""How many good passwords are remembered, so that each is computed once."""

Scope = MutableMapping[str, Any]


class NotKnown(Exception):
    """The request is from nobody; `status` is HTTP's word for it."""

    def __init__(self, status: int, text: str) -> None:
        """Say why, to the log and to the caller."""
        super().__init__(text)
        self.status = status


class Known(NamedTuple):
    """Who it is, and how that is known."""

    caller: Caller
    proof: str


class Callers:
    """Finds the caller of a request."""

    def __init__(self, config: Config) -> None:
        """Index the configuration's callers by what they show."""
        self._by_token = {token_digest(text): c for c in config.callers for text in c.bearer}
        self._by_name = {c.name: c for c in config.callers if c.password}
        self._by_certificate = {text: c for c in config.callers for text in c.certificates}
        self._anonymous = config.anonymous
        self._trust_proxy = config.trust_proxy
        self._passwords: dict[bytes, Caller] = {}
        self._secret = secrets.token_bytes(32)
        kinds = (("Bearer", self._by_token), ("Basic", self._by_name))
        self.challenges = [f'{kind} realm="tsa"' for kind, known in kinds if known]

    def find(self, scope: Scope, *, password_checked: bool = False) -> Known:
        """Return who asks; NotKnown, or Undecided when a password has to be computed first."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        authorization = _single(headers, b"authorization")
        if authorization is not None:
            return self._by_authorization(authorization, password_checked=password_checked)
        certificate = self._certificate(scope, headers)
        if certificate is not None:
            return Known(self._of_certificate(certificate), "mtls")
        if self._anonymous is not None:
            _check_is_local(scope, headers)
            return Known(self._anonymous, "anonymous")
        raise NotKnown(401, "credentials are needed")

    def _by_authorization(self, value: bytes, *, password_checked: bool) -> Known:
        kind, _, secret = value.strip().partition(b" ")
        if kind.lower() == b"bearer":
            caller = self._by_token.get(hashlib.sha256(secret.strip()).digest())
            if caller is not None:
                return Known(caller, "bearer")
        elif kind.lower() == b"basic" and self._by_name:
            caller = self._passwords.get(self._remembered(secret))
            if caller is not None:
                return Known(caller, "basic")
            if not password_checked:
                raise Undecided(secret)
        raise NotKnown(401, "the credentials are not known")

    def check_password(self, secret: bytes) -> None:
        """Compute a password and remember it if it is good.  Some 50 ms; any thread will do."""
        try:
            user, _, password = base64.b64decode(secret, validate=True).partition(b":")
        except (ValueError, binascii.Error):
            return
        caller = self._by_name.get(user.decode("utf-8", "replace"))
        # The same work for a name that nobody has: names are not to be found out either.
        some = next(iter(self._by_name.values()))
        good = is_password(password, (caller or some).password)
        if caller is not None and good:
            if len(self._passwords) >= _KNOWN_PASSWORDS:
                self._passwords.clear()
            self._passwords[self._remembered(secret)] = caller

    def _remembered(self, secret: bytes) -> bytes:
        return hmac.digest(self._secret, secret, "sha256")

    def _certificate(self, scope: Scope, headers: list[tuple[bytes, bytes]]) -> bytes | None:
        encoded = scope.get("state", {}).get(PEER_CERTIFICATE)
        if encoded is not None:
            return bytes(encoded)
        if not self._trust_proxy:
            return None
        text, verdict = _single(headers, PROXY_CERTIFICATE), _single(headers, PROXY_VERDICT)
        if not text:
            return None
        if not comes_from_this_machine(scope) or verdict != b"SUCCESS":
            raise NotKnown(403, "the client certificate is not vouched for")
        try:
            pem = x509.load_pem_x509_certificate(unquote_to_bytes(text))
        except ValueError:
            raise NotKnown(400, "the client certificate can't be read") from None
        return pem.public_bytes(Encoding.DER)

    def _of_certificate(self, encoded: bytes) -> Caller:
        certificate = x509.load_der_x509_certificate(encoded)
        now = dt.datetime.now(dt.timezone.utc)
        # TLS looked at the dates when the connection began, which may be days ago.
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise NotKnown(403, "the client certificate has expired")
        for text in _certificate_names(certificate, encoded):
            caller = self._by_certificate.get(text)
            if caller is not None:
                return caller
        raise NotKnown(403, "the client certificate belongs to no caller")


class Undecided(Exception):
    """A password that has to be computed; `secret` is for `Callers.check_password`."""

    def __init__(self, secret: bytes) -> None:
        """Keep it out of the message."""
        super().__init__("a password was not yet looked at")
        self.secret = secret


def comes_from_this_machine(scope: Scope) -> bool:
    """Whether the connection does; a Unix socket has no client address."""
    client = scope.get("client")
    return client is None or is_loopback(client[0])


def _check_is_local(scope: Scope, headers: Iterable[tuple[bytes, bytes]]) -> None:
    # The connection, nobody behind it, and no web page that talks through a browser here.
    seen = dict(headers)
    host = seen.get(b"host", b"localhost").decode("latin-1")
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if (
        not comes_from_this_machine(scope)
        or not _FORWARDED.isdisjoint(seen)
        or b"origin" in seen
        or not is_loopback(name)
    ):
        raise NotKnown(403, "anonymous requests are taken from this machine alone")


def is_local(scope: Scope) -> bool:
    """Whether a person or program on this machine asks, with nothing in between."""
    try:
        _check_is_local(scope, scope["headers"])
    except NotKnown:
        return False
    return True


def _single(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    values = [value for key, value in headers if key == name]
    if len(values) > 1:
        # Which one counts is a matter of opinion, and opinions differ between a proxy and us.
        raise NotKnown(400, f"more than one {name.decode()} header")
    return values[0] if values else None


def _certificate_names(certificate: x509.Certificate, encoded: bytes) -> list[str]:
    found = [
        "sha256:" + hashlib.sha256(encoded).hexdigest(),
        "subject:" + names.show(certificate.subject.public_bytes()),
    ]
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return found
    for kind in (x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier):
        found += [f"san:{name}" for name in extension.value.get_values_for_type(kind)]
    return found
