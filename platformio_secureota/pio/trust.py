"""Who signs, and whom the devices trust: what the options come to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asn1crypto import pem

from platformio_secureota import denied
from platformio_secureota.anchors import TrustAnchor, load_anchors, read_anchors
from platformio_secureota.cli import authorities, console
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.key_source import local_tsa
from platformio_secureota.pio import project_key, token_key
from platformio_secureota.pio.options import MAX_ANCHORS, PREFIX, Options

if TYPE_CHECKING:
    from platformio_secureota.key_source import KeySource
    from platformio_secureota.sign import Tsa

DENIED_FILE = "denied.txt"
"""The project's own deny-list, beside anchor.pem."""


@dataclass(frozen=True)
class Trust:
    """The outcome of `resolve`."""

    anchors: tuple[TrustAnchor, ...]
    signer: str
    """Changes exactly when another key or another authority signs.  No secret."""


def resolve(options: Options, *, project: Path, may_make_key: bool) -> Trust:
    """Find the anchors and the signer's name; make the project's key where that is allowed.

    A missing private key is no error here: anchors can be compiled in without it.  `tsa` complains.
    """
    if options.tsa_urls:
        return _trust(_configured_anchors(options), f"tsa {' '.join(options.tsa_urls)}")
    if options.signing_key is not None:
        if options.trust_anchors:
            anchors = _configured_anchors(options)
            return _trust(anchors, _signer_of(options.signing_key, default="absent"))
        return _trust([_own_certificate(options.signing_key)], _signer_of(options.signing_key))
    found = _project_key(options, project, may_make_key=may_make_key)
    signer = _signer_of(found.key) if found.key is not None else "absent"
    return _trust(load_anchors(found.anchor_pem), signer)


def denied_keys(options: Options, *, project: Path) -> tuple[bytes, ...]:
    """SHA-256 of the keys that devices shall refuse: the project's own list, and those named.

    The project's own is `secureota/denied.txt`, if it is there; a file that is named must be.
    """
    own = project / project_key.ANCHOR.parent / DENIED_FILE
    lists = [*([own] if own.exists() else []), *options.denied]
    return denied.combine(denied.read(path) for path in lists)


def tsa(options: Options, *, project: Path) -> Tsa:
    """Whoever signs, ready to do so."""
    if options.tsa_urls:
        return authorities.ask(
            options.tsa_urls, option=f"{PREFIX}tsa_url", ca_file=options.tsa_ca_file
        )
    name = options.signing_key
    if name is None:
        name = _project_key(options, project, may_make_key=False).key_here()
    if isinstance(name, Path):
        console.warn_if_exposed(name)
    return local_tsa(
        name,
        passphrase=console.key_passphrase(),
        access=console.token_access(),
        certs=options.certs,
    )


def _project_key(options: Options, project: Path, *, may_make_key: bool) -> project_key.ProjectKey:
    config = project_key.environment_config_dir()
    found = project_key.find(project, config)
    if found is not None:
        return found
    if not may_make_key:
        raise project_key.missing(config)
    made = project_key.make(
        project, config, policies=options.required_policies, passphrase=console.key_passphrase()
    )
    for line in project_key.announcement(made):
        console.note(line)
    return made


def _trust(anchors: list[TrustAnchor], signer: str) -> Trust:
    # The same certificate in two files is one anchor.
    distinct = {anchor.certificate.der: anchor for anchor in anchors}
    if len(distinct) > MAX_ANCHORS:
        detail = f"{len(distinct)} trust anchors, a device holds at most {MAX_ANCHORS}"
        raise Unusable(Reason.AnchorUnusable, detail)
    return Trust(tuple(distinct.values()), signer)


def _configured_anchors(options: Options) -> list[TrustAnchor]:
    return [anchor for path in options.trust_anchors for anchor in read_anchors(path)]


def _own_certificate(key: KeySource) -> TrustAnchor:
    if not isinstance(key, Path):
        return token_key.own_certificate(key)
    certificates = read_anchors(key) if key.is_file() else []
    if not certificates:
        hint = "make one with `secureota keygen`, or copy it from where it was made"
        raise Unusable(Reason.KeyMissing, str(key), hint=hint)
    if len(certificates) > 1 or not certificates[0].certificate.is_self_issued:
        raise Unusable(
            Reason.AnchorMissing,
            f"the key in {key} is certified by another one",
            hint=f"name the certificates that devices shall trust in {PREFIX}trust_anchors",
        )
    return certificates[0]


def _signer_of(key: KeySource, *, default: str = "") -> str:
    if not isinstance(key, Path):
        return token_key.signer_of(key)
    # The certificates name the key; the private part is not even looked at.
    if default and not key.is_file():
        return default
    try:
        blocks = list(pem.unarmor(key.read_bytes(), multiple=True))
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{key}: {cause.strerror}") from cause
    except ValueError as cause:
        raise Unusable(Reason.KeyUnusable, f"{key} is not in PEM form") from cause
    certificates = b"".join(der for kind, _, der in blocks if kind == "CERTIFICATE")
    return f"key {hashlib.sha256(certificates).hexdigest()}"
