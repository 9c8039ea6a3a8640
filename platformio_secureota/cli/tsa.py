"""`secureota tsa`: a timestamp authority for a team or a company."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from pathlib import Path

import click
from cryptography.hazmat.primitives.serialization import Encoding

from platformio_secureota import atomic, pki
from platformio_secureota.cli import console, options
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.tsa.local import DEFAULT_POLICY
from platformio_secureota.tsa.server.audit import read_log
from platformio_secureota.tsa.server.chain import Head, Record
from platformio_secureota.tsa.server.clock import kernel_says_synchronised
from platformio_secureota.tsa.server.config import Config, read_config
from platformio_secureota.tsa.server.credentials import (
    MIN_TOKEN_CHARACTERS,
    hash_password,
    hash_token,
    make_token,
)
from platformio_secureota.tsa.server.first import First, write_config
from platformio_secureota.tsa.server.log import encode_head, read_head

_CONFIG = click.option(
    "path",
    "--config",
    type=options.FILE,
    default=Path("tsa.toml"),
    show_default=True,
    help="The configuration.",
)


@click.group(short_help="Run a timestamp authority that keeps the keys.")
def tsa() -> None:
    """A timestamp authority: keys stay with it, and each approval is on record.

    \b
    A first time, on this machine:
      secureota tsa init            (prints a token, once)
      secureota tsa serve
      SECUREOTA_TSA_TOKEN=... secureota sign firmware.bin \\
          --tsa http://127.0.0.1:3161/timestamp --anchor tsa-anchor.pem
    """  # noqa: D301 - \b is click's mark for lines to be kept


@tsa.command(short_help="Write a first configuration.")
@_CONFIG
@click.option("key", "--key", type=options.FILE, help="Key and certificates, PEM; else: new ones.")
@click.option("anchor", "--anchor", type=options.FILE, help="What devices trust, for --key.")
@click.option("policy", "--policy", type=options.oid, metavar="OID", help="The first policy.")
@click.option("anonymous", "--anonymous", is_flag=True, help="No token: for play, on loopback.")
def init(
    *, path: Path, key: Path | None, anchor: Path | None, policy: str | None, anonymous: bool
) -> None:
    """Write a commented configuration, and a key and its certificate unless you have them.

    Prints the first caller's bearer token: this is the only time that anybody can see it.
    """
    if path.exists():
        hint = "edit it, or choose another name with --config"
        raise Unusable(Reason.FileUnwritable, f"{path} is there already", hint=hint)
    anchors = "" if anchor is None else _relative(anchor, path)
    if key is None:
        key = path.parent / "tsa-key.pem"
        identity = pki.generate(name="SecureOTA TSA", policies=[policy or DEFAULT_POLICY])
        pki.write_pem(key, identity, passphrase=console.key_passphrase())
        atomic.write(
            path.parent / "tsa-anchor.pem", identity.certificate.public_bytes(Encoding.PEM)
        )
        anchors = "tsa-anchor.pem"
        console.note(f"The signing key is in {key}; back it up.")
        console.note(f"Devices trust {path.parent / 'tsa-anchor.pem'}: commit it to the firmware.")
    token = "" if anonymous else make_token()
    synchronised = bool(kernel_says_synchronised())
    first = First(
        key=_relative(key, path),
        anchors=anchors,
        token_hash=hash_token(token) if token else "",
        policy=policy or DEFAULT_POLICY,
        require_synchronised=not anonymous,
    )
    atomic.write(path, write_config(first).encode("utf-8"), mode=atomic.PRIVATE, replace=False)
    console.note(f"The configuration is in {path}.")
    if not synchronised and not anonymous:
        console.warn(
            "this system does not say that its clock is synchronised; until it does there are no "
            "tokens. Start chrony or systemd-timesyncd, or set require_synchronised = false"
        )
    if token:
        console.note("The first caller's bearer token, shown this once; it goes into the")
        console.note("environment of whoever signs, as SECUREOTA_TSA_TOKEN:")
        click.echo(token)
    console.note(f"Next: secureota tsa serve --config {path}")


def _relative(file: Path, config: Path) -> str:
    return os.path.relpath(file.resolve(), config.resolve().parent)


@tsa.command(short_help="Answer timestamp requests over HTTP.")
@_CONFIG
@click.option("workers", "--workers", type=click.IntRange(1, 64), default=1, show_default=True)
def serve(*, path: Path, workers: int) -> None:
    """Serve until interrupted.  Refuses to start on anything unsafe."""
    config = read_config(path)
    try:
        from platformio_secureota.tsa.server.app import make_app  # noqa: PLC0415 - an extra
        from platformio_secureota.tsa.server.run import serve as run  # noqa: PLC0415
    except ModuleNotFoundError as cause:
        hint = "pip install 'platformio-secureota[tsa]'"
        raise Unusable(Reason.ExtraMissing, f"no module {cause.name}", hint=hint) from cause
    app = make_app(config, passphrase=console.key_passphrase())
    if config.anonymous is not None:
        console.warn("anonymous: anybody on this machine gets tokens; for play alone")
    run(config, app, workers=workers)


@tsa.command(short_help="Make a caller's token, or hash its password.")
@click.option("password", "--password", is_flag=True, help="Hash a password: asked for, or stdin.")
@click.option("given", "--stdin", is_flag=True, help="Hash a token that exists, likewise.")
def token(*, password: bool, given: bool) -> None:
    """Make a bearer token and the hash that the configuration keeps.

    Prints `token: ...` (for the caller) and `hash: ...` (for the configuration).
    """
    if password or given:
        secret = _secret("Password" if password else "Token")
        if not secret or (given and len(secret) < MIN_TOKEN_CHARACTERS):
            detail = f"a token has at least {MIN_TOKEN_CHARACTERS} characters, a password one"
            raise Unusable(Reason.Usage, detail)
        hashed = hash_password(os.fsencode(secret)) if password else hash_token(secret)
        click.echo(f"hash: {hashed}")
        return
    made = make_token()
    click.echo(f"token: {made}")
    click.echo(f"hash: {hash_token(made)}")


def _secret(what: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\n")


@tsa.group(short_help="Look at the log of approvals.")
def log() -> None:
    """The log: one line for each token, bound to all lines before it."""


def _head(text: str) -> Head:
    try:
        return Head.parse(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a head like 17:0f3a...") from None


@log.command(short_help="Check every line, and where the log ends.")
@_CONFIG
@click.option(
    "heads", "--head", type=_head, multiple=True, help="One that you noted earlier.  Repeatable."
)
@click.option("write", "--write-head", is_flag=True, help="Write the head file anew afterwards.")
def verify(*, path: Path, heads: tuple[Head, ...], write: bool) -> None:
    """Check the chain from the first line to the last, against the head file and earlier heads.

    A line that was changed, removed or put in breaks it.  A tail that was cut shows when a head
    from before is given: take them from the head file or the metrics, to another machine.
    """
    config = read_config(path)
    known = list(heads)
    if not write:
        known.append(read_head(config.head))
    head, approvals, torn = Head(), 0, 0
    for record in read_log(config.log, heads=known):
        head = record.head
        if record.is_approval:
            approvals += 1
        else:
            torn += len(record.values["lines"])
            console.warn(f"record {head.seq}: a line before it is torn ({_sizes(record)})")
    if write:
        atomic.write(config.head, encode_head(head), mode=atomic.PRIVATE)
    click.echo(f"whole: {approvals} approvals, {torn} torn lines on record; head {head}")


def _sizes(record: Record) -> str:
    return ", ".join(f"{line['bytes']} bytes" for line in record.values["lines"])


@log.command(short_help="Print approvals.")
@_CONFIG
@click.option("as_json", "--json", is_flag=True, help="One JSON object a line, all fields.")
@click.option("caller", "--caller", help="Of this caller alone.")
@click.option("imprint", "--imprint", help="Of images whose SHA-256 begins so (hexadecimal).")
@click.option("since", "--since", type=options.moment, help="From this time on, RFC 3339.")
def show(
    *, path: Path, as_json: bool, caller: str | None, imprint: str | None, since: dt.datetime | None
) -> None:
    """Print who had what approved, when; and check the chain on the way."""
    config = read_config(path)
    for record in read_log(config.log):
        values = record.values
        is_wanted = (
            record.is_approval
            and caller in (None, values["caller"])
            and values["imprint"].startswith((imprint or "").lower())
            and (
                since is None or dt.datetime.fromisoformat(values["time"][:19] + "+00:00") >= since
            )
        )
        if is_wanted:
            click.echo(json.dumps(dict(values)) if as_json else _line(config, record))


def _line(config: Config, record: Record) -> str:
    values = record.values
    who = f"{values['caller']} ({values['proof']})"
    policy = config.policy_name(values["policy"])
    return f"{values['time']}  {values['imprint']}  {policy}  {who}"
