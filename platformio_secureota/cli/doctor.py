"""`secureota doctor`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from platformio_secureota.cli import authorities, console, options
from platformio_secureota.doctor import Level, checks, finding, project
from platformio_secureota.errors import Reason, SecureOTAError, Unusable
from platformio_secureota.names import printable
from platformio_secureota.pio import chips, project_key, trust
from platformio_secureota.pio import options as pio_options
from platformio_secureota.tsa import FallbackTSA, LocalTSA
from platformio_secureota.tsa.client import DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platformio_secureota.anchors import TrustAnchor
    from platformio_secureota.doctor import Finding

_MARKS = {Level.OK: "ok     ", Level.WARNING: "warning", Level.PROBLEM: "problem"}
_PROBLEM = 1


@click.command(short_help="Look at keys, anchors, authorities and the target; say what is wrong.")
@click.option(
    "folder",
    "--project",
    type=click.Path(file_okay=False, path_type=Path),
    help="PlatformIO project to look at.  [default: this folder, if it is one]",
)
@click.option("name", "-e", "--environment", help="Only this environment of platformio.ini.")
@click.option("key", "--key", type=options.FILE, help="Key file to look at.")
@click.option("urls", "--tsa", metavar="URL", multiple=True, help="Authority to try.  Repeatable.")
@options.anchor_option
@click.option("ca_file", "--tsa-ca", type=options.FILE, help="CA certificates of --tsa's TLS.")
@click.option(
    "timeout",
    "--tsa-timeout",
    type=click.FloatRange(0.1, 3600),
    default=DEFAULT_TIMEOUT,
    show_default=True,
    help="Seconds to wait for each --tsa.",
)
@click.option("as_json", "--json", is_flag=True, help="A JSON list instead of lines.")
def doctor(
    *,
    folder: Path | None,
    name: str | None,
    key: Path | None,
    urls: tuple[str, ...],
    anchors: tuple[Path, ...],
    ca_file: Path | None,
    timeout: float,
    as_json: bool,
) -> int:
    """Look at a set-up before it is relied on, and say in a line each what is wrong and what to do.

    A project is looked at as `pio run` would see it; --key, --tsa and --anchor without a project.
    An authority is asked for a test token, with the credentials in the environment; nothing is
    changed and nothing is sent to a device.

    Exit status: 0 no problem (there may be warnings), 1 a problem, 2 it could not be looked at.
    """
    by_hand = bool(key or urls or anchors)
    if by_hand and folder is not None:
        raise Unusable(
            Reason.Usage, "--project says who signs; leave out --key, --tsa and --anchor"
        )
    found = checks.tools()
    if by_hand:
        trusted = options.load_anchor_files(anchors)
        found += _look(key, urls, trusted, chips.Target(), ca_file=ca_file, timeout=timeout)
    elif folder is not None or Path("platformio.ini").is_file():
        found += _look_at_project(folder or Path(), name, ca_file=ca_file, timeout=timeout)
    _show(found, as_json=as_json)
    return _PROBLEM if any(one.level is Level.PROBLEM for one in found) else 0


def _look_at_project(
    folder: Path, only: str | None, *, ca_file: Path | None, timeout: float
) -> list[Finding]:
    environments = [e for e in project.environments(folder) if only in (None, e.name)]
    if not environments:
        detail = f"{folder / 'platformio.ini'} has no environment {only or ''} that uses SecureOTA"
        raise Unusable(Reason.Usage, " ".join(detail.split()))
    found: list[Finding] = []
    for environment in environments:
        target = environment.target
        words = ", ".join(filter(None, (target.platform, target.framework)))
        room = f"takes tokens of up to {target.token_room} bytes"
        found.append(finding.good("project", f"{environment.name}: {words or '?'}, {room}"))
        try:
            asked = pio_options.parse(environment.signing, project=folder.resolve())
            trusted = trust.resolve(asked, project=folder, may_make_key=False).anchors
            key = None if asked.tsa_urls else _key_of(asked, folder)
        except SecureOTAError as error:
            found.append(finding.failed("project", error))
            continue
        found += _look(
            key,
            asked.tsa_urls,
            trusted,
            target,
            ca_file=ca_file or asked.tsa_ca_file,
            timeout=timeout,
        )
    return found


def _key_of(asked: pio_options.Options, folder: Path) -> Path | None:
    named: object = asked.signing_key
    if named is not None:
        # A key in a token is not a file to be looked at; its certificate is judged as an anchor.
        return named if isinstance(named, Path) else None
    found = project_key.find(folder, project_key.environment_config_dir())
    return found.key_here() if found is not None else None


def _look(
    key: Path | None,
    urls: Sequence[str],
    trusted: Sequence[TrustAnchor],
    target: chips.Target,
    *,
    ca_file: Path | None,
    timeout: float,
) -> list[Finding]:
    found: list[Finding] = []
    tsa: LocalTSA | None = None
    if key is not None:
        about_key, identity = checks.key(key, console.key_passphrase())
        found += about_key
        if identity is not None:
            tsa = LocalTSA(identity, check_signatures=True)
            trusted = trusted or options.load_anchor_files([key])
    found += checks.anchors(trusted, target)
    if not trusted:
        advice = "name the certificate that devices trust with --anchor"
        found.append(finding.problem("anchor", "there is no trust anchor", advice))
        return found
    if tsa is not None and key is not None:
        found += checks.try_out(tsa, trusted, target, check="key", who=str(key))
    if urls:
        remote = FallbackTSA.from_environment(
            urls,
            os.environ,
            warn=console.warn,
            timeout=timeout,
            ca_file=ca_file or authorities.default_ca_file(),
        )
        for one in remote.authorities:
            found += checks.authority(one, trusted, target)
    return found


def _show(found: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([one.as_json() for one in found], indent=2))
        return
    for one in found:
        advice = f" -> {one.advice}" if one.advice else ""
        click.echo(printable(f"{_MARKS[one.level]} {one.check}: {one.text}{advice}"))
