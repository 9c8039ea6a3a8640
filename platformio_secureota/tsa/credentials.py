"""What a caller shows to an authority: a bearer token, a user and a password, a certificate.

They come from the environment or from files that it names, never from arguments or platformio.ini.
No message repeats one.
"""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from platformio_secureota.errors import Reason, Unusable

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_TOKEN_FILE = 64 * 1024
"""Bytes: what is longer is another file, named by mistake."""


@dataclass(frozen=True)
class Credentials:
    """What an authority is told about the caller: a bearer token, or a user and a password."""

    bearer: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Credentials | None:
        """Read SECUREOTA_TSA_TOKEN, or the file in SECUREOTA_TSA_TOKEN_FILE, or _USER, _PASSWORD.

        None where none is set; Unusable(Usage) where they contradict each other.
        """
        bearer = environ.get("SECUREOTA_TSA_TOKEN", "")
        file = environ.get("SECUREOTA_TSA_TOKEN_FILE", "")
        user = environ.get("SECUREOTA_TSA_USER", "")
        password = environ.get("SECUREOTA_TSA_PASSWORD", "")
        if bearer and file:
            detail = "SECUREOTA_TSA_TOKEN and SECUREOTA_TSA_TOKEN_FILE are set, only one can count"
            raise Unusable(Reason.Usage, detail)
        if (bearer or file) and (user or password):
            detail = "SECUREOTA_TSA_TOKEN and SECUREOTA_TSA_USER are set, only one can be sent"
            raise Unusable(Reason.Usage, detail)
        if bool(user) != bool(password):
            detail = "SECUREOTA_TSA_USER and SECUREOTA_TSA_PASSWORD go together"
            raise Unusable(Reason.Usage, detail)
        if file:
            bearer = _read_token(Path(file))
        return cls(bearer, user, password) if bearer or user else None

    def header(self) -> str:
        """Value of the Authorization header (RFC 6750 2.1, RFC 7617 2)."""
        if self.bearer:
            # The HTTP library's own complaint would repeat the secret.
            if not all("!" <= c <= "~" for c in self.bearer):
                detail = "the bearer token has a character that a header can't carry"
                raise Unusable(Reason.Usage, detail)
            return f"Bearer {self.bearer}"
        if ":" in self.user:
            raise Unusable(Reason.Usage, "a user name can't have a colon")
        pair = f"{self.user}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")


@dataclass(frozen=True)
class ClientCertificate:
    """Certificate and key for TLS client authentication (RFC 8446 4.4.2), PEM files."""

    certificate: Path
    """The caller's, and below it those of its issuers; perhaps the key too."""
    key: Path | None = None
    """None: it is in the same file."""

    def __post_init__(self) -> None:
        """Unusable(FileUnreadable or KeyUnusable) for files that TLS could not use."""
        for path in (self.certificate, self.key_file):
            try:
                path.read_bytes()
            except OSError as cause:
                raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            # Without a password of our own the library would ask for one on the terminal.
            context.load_cert_chain(self.certificate, self.key_file, password=b"")
        except (ssl.SSLError, ValueError) as cause:
            detail = f"{self.key_file} and {self.certificate} are no client key and its certificate"
            hint = "both in PEM form, the key without a passphrase and mode 0600"
            raise Unusable(Reason.KeyUnusable, detail, hint=hint) from cause

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ClientCertificate | None:
        """SECUREOTA_TSA_CLIENT_CERT and SECUREOTA_TSA_CLIENT_KEY; None without."""
        certificate = environ.get("SECUREOTA_TSA_CLIENT_CERT", "")
        key = environ.get("SECUREOTA_TSA_CLIENT_KEY", "")
        if key and not certificate:
            detail = "SECUREOTA_TSA_CLIENT_KEY is set and SECUREOTA_TSA_CLIENT_CERT is not"
            raise Unusable(Reason.Usage, detail)
        return cls(Path(certificate), Path(key) if key else None) if certificate else None

    @property
    def key_file(self) -> Path:
        """Where the private key is."""
        return self.key or self.certificate


def secret_files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Files with secrets that the environment names: for a look at who else may read them."""
    key = environ.get("SECUREOTA_TSA_CLIENT_KEY", "") or environ.get(
        "SECUREOTA_TSA_CLIENT_CERT", ""
    )
    names = (environ.get("SECUREOTA_TSA_TOKEN_FILE", ""), key)
    return tuple(Path(name) for name in names if name)


def _read_token(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
    try:
        token = data.decode("ascii").strip() if len(data) <= _MAX_TOKEN_FILE else ""
    except UnicodeDecodeError:
        token = ""
    if not token or any(c.isspace() for c in token):
        raise Unusable(Reason.FileUnreadable, f"{path}: a bearer token on one line is wanted")
    return token
