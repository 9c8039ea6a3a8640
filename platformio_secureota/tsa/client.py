"""A remote timestamp authority, asked over HTTP (RFC 3161 3.4).

What comes back is bytes from the network; `sign` verifies them against the trust anchors.  That is
why plain http is possible at all: it shows a listener the image's digest and lets him deny the
service, but not forge a token.  Credentials are never sent over it, loopback excepted.

The environment decides nothing here: no proxy variables, no .netrc, no REQUESTS_CA_BUNDLE (build
tools set it for purposes of their own).  A proxy and a CA file are arguments.
"""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import requests
import urllib3.exceptions

from platformio_secureota import __version__
from platformio_secureota.container import MAX_TOKEN_SIZE
from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.names import printable
from platformio_secureota.tsa.faults import (
    CLIENT_CERTIFICATE_HINT,
    Outage,
    is_broken_off,
    retry_after,
    tls_words,
    why,
)

if TYPE_CHECKING:
    from pathlib import Path

    from platformio_secureota.tsa.credentials import ClientCertificate, Credentials

DEFAULT_TIMEOUT = 30.0
"""Seconds for the whole exchange, from the name's look-up to the last byte."""

REQUEST_TYPE = "application/timestamp-query"
REPLY_TYPE = "application/timestamp-reply"

_REDIRECTS = range(300, 400)
_CREDENTIALS_WANTED = (401, 403, 407)
_MENDING = (requests.codes.too_many_requests, *range(500, 600))
"""Answers after which asking again may help: 429, and the server's own faults."""
_MAX_SHOWN = 100
"""Characters of a server's own words that a message repeats."""


@dataclass(frozen=True)
class HttpTSA:
    """The authority at `url`.

    Unusable(Usage) for a URL that is none, has a user or password in it, or would carry
    credentials in the clear.
    """

    url: str
    timeout: float = DEFAULT_TIMEOUT
    """Seconds for the whole exchange."""
    ca_file: Path | None = None
    """PEM certificates that TLS trusts, instead of the public authorities'."""
    credentials: Credentials | None = field(default=None, repr=False)
    client_certificate: ClientCertificate | None = None
    """Shown to the server, over TLS."""
    proxy: str = ""
    """URL of an HTTP proxy; empty: a direct connection, whatever the environment says."""

    def __post_init__(self) -> None:
        """Judge the settings before anything is sent."""
        parts = _split_url(self.url)
        if self.credentials is not None and self.is_exposed:
            hint = "use https"
            detail = f"credentials would go to {parts.hostname} in the clear"
            raise Unusable(Reason.Usage, detail, hint=hint)
        if self.client_certificate is not None and self.is_exposed:
            detail = f"a client certificate can't be shown to {parts.hostname} over plain http"
            raise Unusable(Reason.Usage, detail, hint="use https")
        if self.ca_file is not None:
            _check_ca_file(self.ca_file)

    @property
    def is_exposed(self) -> bool:
        """The exchange crosses a network without TLS: callers warn about it."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and not _is_loopback(parts.hostname or "")

    def timestamp(self, request: bytes) -> bytes:
        """Post a DER TimeStampReq; return the body of the answer, whatever it is.

        Unusable(TsaUnreachable) when there is no answer within `timeout`, Unusable(
        TsaReplyUnusable) for an HTTP answer that is no timestamp reply, Refused(TokenTooLarge).
        """
        exchange = _Exchange(self, request)
        # Timeouts of a socket bound each wait, not their sum: a server that sends a byte now and
        # then would hold us for ever.  So the exchange runs beside us, and we wait for its end.
        thread = threading.Thread(target=exchange.run, name="secureota-tsa", daemon=True)
        thread.start()
        thread.join(self.timeout)
        if thread.is_alive():
            raise self._failure(
                Reason.TsaUnreachable, f"no answer within {self.timeout:g} s", mends=True
            )
        if exchange.failure is not None:
            raise exchange.failure
        return exchange.body

    @property
    def host(self) -> str:
        """Whom messages speak of."""
        return urlsplit(self.url).hostname or ""

    def _failure(
        self,
        reason: Reason,
        detail: str,
        *,
        hint: str = "",
        mends: bool = False,
        wait: float | None = None,
    ) -> Outage:
        return Outage(reason, f"{self.host}: {detail}", hint=hint, mends=mends, wait=wait)

    def exchange(self, request: bytes) -> bytes:
        """One HTTP request and its answer, without the overall bound."""
        try:
            with requests.Session() as session, self._post(session, request) as response:
                self._check_status(response)
                self._check_type(response)
                return self._read(response)
        except requests.exceptions.Timeout as cause:
            raise self._failure(
                Reason.TsaUnreachable, f"no answer within {self.timeout:g} s", mends=True
            ) from cause
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as cause:
            tls = tls_words(cause)
            if tls:
                raise self._failure(Reason.TsaUnreachable, tls[0], hint=tls[1]) from cause
            hint = ""
            if urlsplit(self.url).scheme == "https" and is_broken_off(cause):
                hint = CLIENT_CERTIFICATE_HINT
            raise self._failure(Reason.TsaUnreachable, why(cause), hint=hint, mends=True) from cause

    def _post(self, session: requests.Session, request: bytes) -> requests.Response:
        session.trust_env = False
        headers = {
            "Content-Type": REQUEST_TYPE,
            "Accept": REPLY_TYPE,
            "Accept-Encoding": "identity",
            "User-Agent": f"secureota/{__version__}",
        }
        if self.credentials is not None:
            headers["Authorization"] = self.credentials.header()
        return session.post(
            self.url,
            data=request,
            headers=headers,
            timeout=self.timeout,
            verify=True if self.ca_file is None else str(self.ca_file),
            cert=self._client_files(),
            proxies={"http": self.proxy, "https": self.proxy} if self.proxy else {},
            allow_redirects=False,
            stream=True,
        )

    def _client_files(self) -> tuple[str, str] | None:
        shown = self.client_certificate
        return None if shown is None else (str(shown.certificate), str(shown.key_file))

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
        if status == requests.codes.ok:
            return
        if status in _REDIRECTS:
            # Followed, it could lead anywhere, credentials and all.
            place = _shown(response.headers.get("Location", "nowhere"))
            hint = "if that is right, set it as the URL"
            raise self._failure(
                Reason.TsaReplyUnusable, f"HTTP {status}, a redirect to {place}", hint=hint
            )
        hint = ""
        if status in _CREDENTIALS_WANTED:
            hint = (
                "it wants credentials: SECUREOTA_TSA_TOKEN, SECUREOTA_TSA_USER and _PASSWORD, or "
                "SECUREOTA_TSA_CLIENT_CERT"
            )
        raise self._failure(
            Reason.TsaReplyUnusable,
            f"HTTP {status} {_shown(response.reason or '')}".rstrip(),
            hint=hint,
            mends=status in _MENDING,
            wait=retry_after(response.headers.get("Retry-After", "")),
        )

    def _check_type(self, response: requests.Response) -> None:
        content_type = response.headers.get("Content-Type", "")
        if content_type.partition(";")[0].strip().lower() != REPLY_TYPE:
            shown = _shown(content_type) or "no content type"
            hint = f"a timestamp authority answers with {REPLY_TYPE}; is the URL right?"
            raise self._failure(Reason.TsaReplyUnusable, f"it sent {shown}", hint=hint)
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise self._failure(
                Reason.TsaReplyUnusable, "it sent a content encoding that was not asked for"
            )

    def _read(self, response: requests.Response) -> bytes:
        # One byte more than is allowed tells "too large" from "just large enough".  Only the read
        # that finds the end also finds that it came too early.
        body = b""
        while len(body) <= MAX_TOKEN_SIZE:
            more = response.raw.read(MAX_TOKEN_SIZE + 1 - len(body), decode_content=False)
            if not more:
                break
            body += more
        if len(body) > MAX_TOKEN_SIZE:
            raise Refused(Reason.TokenTooLarge, f"more than {MAX_TOKEN_SIZE} bytes of answer")
        if not body:
            raise self._failure(Reason.TsaReplyUnusable, "it sent nothing")
        return body


class _Exchange:
    """An exchange that runs in a thread of its own, and what came of it."""

    def __init__(self, tsa: HttpTSA, request: bytes) -> None:
        self._tsa = tsa
        self._request = request
        self.body = b""
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self.body = self._tsa.exchange(self._request)
        except BaseException as failure:  # noqa: BLE001 - raised again by the thread that waits
            self.failure = failure


def _split_url(url: str) -> SplitResult:
    # Messages don't repeat the URL: it may hold a password.
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise Unusable(Reason.Usage, "the authority's URL must be https://HOST[:PORT]/PATH")
    if parts.username is not None or parts.password is not None:
        hint = "set SECUREOTA_TSA_USER and SECUREOTA_TSA_PASSWORD in the environment instead"
        raise Unusable(Reason.Usage, "the authority's URL has a user or password in it", hint=hint)
    return parts


def _check_ca_file(path: Path) -> None:
    try:
        ssl.create_default_context(cafile=str(path))
    except ssl.SSLError as cause:
        detail = f"{path}: there are no PEM certificates in it"
        raise Unusable(Reason.FileUnreadable, detail) from cause
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _shown(text: str) -> str:
    return printable(text[:_MAX_SHOWN])
