"""The status page: who signs, for which policies, by which clock, and what was signed last."""

from __future__ import annotations

import datetime as dt
from collections import deque
from html import escape
from typing import TYPE_CHECKING, Any

from platformio_secureota.errors import SecureOTAError
from platformio_secureota.identity import describe
from platformio_secureota.tsa.server.audit import read_tail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platformio_secureota.identity import SigningIdentity
    from platformio_secureota.tsa.server.chain import Head
    from platformio_secureota.tsa.server.config import Config

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}

LAST_TOKENS = 20

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;
color:#1c2430;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #d8dee6;
vertical-align:top}
th{font-weight:600;white-space:nowrap}
code{font:.85em ui-monospace,monospace;overflow-wrap:anywhere}
.bad{background:#fde8e6;border-left:.3rem solid #b3261e;padding:.5rem 1rem}
.good{color:#176b35}
@media(prefers-color-scheme:dark){body{color:#e3e7ec;background:#15191e}
th,td{border-color:#39414b}.bad{background:#43201d}.good{color:#79c995}}
"""


def render(config: Config, identity: SigningIdentity, *, clock: str, head: Head) -> str:
    """Write the page.  `clock` is "good" or what is wrong with it."""
    certificate = identity.certificate
    left = certificate.not_valid_after_utc - dt.datetime.now(dt.timezone.utc)
    parts = [_warnings(config, clock, left)]
    parts += [
        "<h2>Signer</h2>",
        _rows(
            ("Certificate", escape(describe(certificate))),
            ("Issued by", escape(_issuer(identity))),
            ("Key (SHA-256)", f"<code>{identity.fingerprint}</code>"),
            ("Valid until", f"{certificate.not_valid_after_utc:%Y-%m-%d} ({left.days} days)"),
            ("Chain", "<a href='/certs'>PEM</a>"),
        ),
        "<h2>Policies</h2>",
        _table(("Policy", "Identifier", "Callers"), _policies(config)),
        "<h2>Clock</h2>",
        f"<p>{_clock(config, clock)}</p>",
        "<h2>Log</h2>",
        f"<p>{head.seq} records. Head: <code>{escape(str(head))}</code></p>",
        f"<h2>Last {LAST_TOKENS} records</h2>",
        _table(("Time", "Policy", "Caller", "Image (SHA-256)"), _last(config)),
    ]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>SecureOTA TSA</title><style>{_STYLE}</style></head>"
        f"<body><h1>Timestamp authority for firmware</h1>{''.join(parts)}</body></html>"
    )


def _warnings(config: Config, clock: str, left: dt.timedelta) -> str:
    soon = dt.timedelta(days=30)
    texts = []
    if config.anonymous is not None:
        texts.append("Anonymous: anybody on this machine gets tokens. For play alone.")
    if clock != "good":
        texts.append(f"No tokens now: {clock}.")
    if left < soon:
        texts.append(f"The signer's certificate expires in {left.days} days.")
    return "".join(f"<p class='bad'>{escape(text)}</p>" for text in texts)


def _clock(config: Config, clock: str) -> str:
    if clock != "good":
        return escape(clock)
    asked = "" if config.require_synchronised else " Whether it is synchronised is not asked."
    return f"<span class='good'>Good.</span>{asked}"


def _issuer(identity: SigningIdentity) -> str:
    return describe(identity.chain[0]) if identity.chain else "itself"


def _policies(config: Config) -> list[tuple[str, ...]]:
    wanted = dict.fromkeys([*config.policies.values()])
    wanted.update(dict.fromkeys(p for caller in config.callers for p in caller.policies))
    return [
        (
            escape(config.policy_name(oid)),
            f"<code>{escape(oid)}</code>",
            escape(", ".join(c.name for c in config.callers if oid in c.policies)),
        )
        for oid in wanted
    ]


def _last(config: Config) -> list[tuple[str, ...]]:
    try:
        records = deque(read_tail(config.log), maxlen=LAST_TOKENS)
    except SecureOTAError as error:
        return [(escape(str(error)), "", "", "")]
    return [_line(config, record.values) for record in reversed(records)]


def _line(config: Config, values: Mapping[str, Any]) -> tuple[str, ...]:
    if "event" in values:
        return ("", "", "", "a torn line was put on record")
    return (
        escape(str(values["time"])),
        escape(config.policy_name(str(values["policy"]))),
        escape(f"{values['caller']} ({values['proof']})"),
        f"<code>{escape(str(values['imprint']))}</code>",
    )


def _rows(*rows: tuple[str, str]) -> str:
    cells = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    top = "".join(f"<th>{name}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    nothing = "" if rows else f"<tr><td colspan='{len(head)}'>none yet</td></tr>"
    return f"<table><tr>{top}</tr>{body}{nothing}</table>"
