"""`secureota key show`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from cryptography import x509

from platformio_secureota import keystore, pki
from platformio_secureota.cli import console, options, passphrase
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.paper.sheet import kind, spaced
from platformio_secureota.pio import project_key

if TYPE_CHECKING:
    from collections.abc import Iterable


@click.command(short_help="Show keys, or those of the project in this folder.")
@click.argument("files", metavar="[FILE]...", type=options.FILE, nargs=-1)
def show(*, files: tuple[Path, ...]) -> None:
    """Show whose key is in each FILE; no passphrase is asked for.

    Without FILE: the keys that the project in this folder trusts, in the order in which they sign,
    and which of them are on this machine.
    """
    click.echo("\n".join(map(text, files) if files else _project()), nl=False)


def text(path: Path) -> str:
    """Describe a key file in lines, without its secret."""
    encrypted = passphrase.is_encrypted(path)
    if encrypted:
        # The certificate of the key stands first, as this tool writes it.
        own, *chain = _certificates(path)
    else:
        identity = pki.load_identity(path)
        own, chain = identity.certificate, list(identity.chain)
    console.warn_if_exposed(path)
    rows = [("file", str(path)), *_rows(own)]
    rows.append(("protection", "encrypted" if encrypted else "not encrypted"))
    rows += [("issued by", pki.describe(issuer)) for issuer in chain]
    return _lines(rows)


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{path}: {cause.strerror}") from cause
    except ValueError as cause:
        detail = f"{path}: no certificate beside the key"
        raise Unusable(Reason.KeyUnusable, detail) from cause


def _project() -> list[str]:
    config = keystore.config_dir(os.environ)
    found = project_key.find(Path(), config)
    if found is None:
        hint = "name key files, or make the project's keys: pio run -t keygen"
        raise Unusable(Reason.AnchorMissing, f"there is no {project_key.ANCHOR}", hint=hint)
    described = []
    for certificate, path in zip(_certificates(project_key.ANCHOR), found.wanted):
        if path == found.key:
            where = f"{path} (signs)"
        else:
            where = str(path) if path.is_file() else "not on this machine"
        described.append(_lines([("key", where), *_rows(certificate)]))
    return described


def _rows(certificate: x509.Certificate) -> list[tuple[str, str]]:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    rows = [
        ("name", pki.describe(certificate)),
        ("kind", kind(certificate)),
        ("fingerprint", spaced(pki.spki_sha256(certificate))),
        ("valid", f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"),
    ]
    rows += [("policy", policy) for policy in project_key.policies_of(certificate)]
    return rows


def _lines(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{label:13}{value}\n" for label, value in rows)
