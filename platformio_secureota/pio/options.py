"""The options of platformio.ini: `custom_secureota_*`.

extra_script.py passes on what stands there, every name and value, and decides nothing about it.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from platformio_secureota import key_source
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.manifest import ImageKind, Manifest
from platformio_secureota.names import printable
from platformio_secureota.tsa.local import CERTIFICATE_CHOICES, check_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platformio_secureota.key_source import KeySource

PREFIX = "custom_secureota_"
NAMES = (
    "tsa_url",
    "tsa_ca_file",
    "signing_key",
    "certs",
    "trust_anchors",
    "policy",
    "required_policy",
    "denied",
    "targets",
    "product",
    "hardware",
    "version",
)

MAX_ANCHORS = 8
"""Trust anchors that a device holds (TrustStore::kMaxAnchors)."""


@dataclass(frozen=True)
class Options:
    """What an environment of platformio.ini asks for.  Nothing set: a key of the project's own."""

    tsa_urls: tuple[str, ...] = ()
    """Authorities, in the order in which they are asked."""
    tsa_ca_file: Path | None = None
    """CA certificates of their TLS."""
    signing_key: KeySource | None = None
    certs: str = CERTIFICATE_CHOICES[0]
    """Certificates that a key puts into its tokens."""
    trust_anchors: tuple[Path, ...] = ()
    policy: str = ""
    """Asked of the signer, dotted."""
    required_policies: tuple[str, ...] = ()
    """What the device asks for, dotted; any of them will do."""
    denied: tuple[Path, ...] = ()
    """Deny-lists besides the project's own."""
    targets: Path | None = None
    """File of targets for uploads (docs/fleet.md)."""
    product: str = ""
    hardware: tuple[str, ...] = ()
    version: str = ""
    """Of the manifest (docs/format.md, section 8); empty: as git describes the project."""

    @property
    def asked_policy(self) -> str | None:
        """The policy to sign under: the one that is set, else the only one that devices take."""
        if self.policy:
            return self.policy
        return self.required_policies[0] if len(self.required_policies) == 1 else None


def parse(raw: Mapping[str, str], *, project: Path) -> Options:
    """Judge names and values.  File names are relative to `project`.  Unusable(Usage)."""
    for name in raw:
        if name.removeprefix(PREFIX) not in NAMES:
            raise _unknown(name)
    values = {name.removeprefix(PREFIX): value.strip() for name, value in raw.items()}
    for name, value in values.items():
        if not value:
            raise _bad(name, "is empty: give it a value or remove it")
    options = Options(
        tsa_urls=_words(values, "tsa_url"),
        tsa_ca_file=_path(values["tsa_ca_file"], project) if "tsa_ca_file" in values else None,
        signing_key=_key_source(values["signing_key"], project)
        if "signing_key" in values
        else None,
        certs=values.get("certs", CERTIFICATE_CHOICES[0]),
        trust_anchors=tuple(_path(word, project) for word in _words(values, "trust_anchors")),
        policy=values.get("policy", ""),
        required_policies=_words(values, "required_policy"),
        denied=tuple(_path(word, project) for word in _words(values, "denied")),
        targets=_path(values["targets"], project) if "targets" in values else None,
        product=values.get("product", ""),
        hardware=tuple(re.split(r"[\s,]+", values["hardware"])) if "hardware" in values else (),
        version=values.get("version", ""),
    )
    _check(options)
    return options


def _check(options: Options) -> None:
    _check_manifest(options)
    for url in options.tsa_urls:
        _check_url(url)
    if options.tsa_ca_file is not None and not options.tsa_urls:
        raise _bad("tsa_ca_file", f"needs {PREFIX}tsa_url beside it")
    _check_certs(options)
    if options.tsa_urls:
        if options.signing_key is not None:
            raise _bad("tsa_url", "and signing_key are both set: one of them signs")
        if not options.trust_anchors:
            raise Unusable(
                Reason.AnchorMissing,
                f"{PREFIX}tsa_url is set and {PREFIX}trust_anchors is not",
                hint="name the certificate that devices shall trust; it is never taken from an "
                "authority's answer",
            )
    elif options.trust_anchors and options.signing_key is None:
        raise _bad("trust_anchors", f"needs {PREFIX}tsa_url or {PREFIX}signing_key beside it")
    if options.policy:
        _check_policy("policy", options.policy)
    for policy in options.required_policies:
        _check_policy("required_policy", policy)
    if options.policy and options.policy not in (options.required_policies or (options.policy,)):
        raise _bad("policy", "is none of those that the device requires")


def _check_manifest(options: Options) -> None:
    for name, values in (
        ("product", {"product": options.product}),
        ("hardware", {"hardware": options.hardware}),
        ("version", {"version": options.version}),
    ):
        try:
            Manifest(ImageKind.APPLICATION, **values)
        except ValueError as cause:
            raise _bad(name, f"can't be taken: {cause}") from cause


def _check_certs(options: Options) -> None:
    if options.certs not in CERTIFICATE_CHOICES:
        raise _bad("certs", f"is none of {', '.join(CERTIFICATE_CHOICES)}")
    if options.tsa_urls and options.certs != CERTIFICATE_CHOICES[0]:
        raise _bad("certs", "is for a key: an authority decides which certificates it sends")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        well_formed = parts.scheme in ("http", "https") and bool(parts.hostname)
        secret = parts.username is not None or parts.password is not None
    except ValueError:
        well_formed = secret = False
    if secret:
        hint = "set SECUREOTA_TSA_USER and SECUREOTA_TSA_PASSWORD in the environment"
        raise _bad("tsa_url", "holds a user or password", hint=hint)
    if not well_formed:
        raise _bad("tsa_url", f"is not an http(s) URL: {printable(url)}")


def _check_policy(name: str, value: str) -> None:
    try:
        check_policy(value)
    except Unusable as cause:
        raise _bad(name, cause.detail) from cause


def _words(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    # One a line, or with commas: as PlatformIO's own options are written.
    words = re.split(r"[\n,]", values.get(name, ""))
    return tuple(word.strip() for word in words if word.strip())


def _key_source(text: str, project: Path) -> KeySource:
    try:
        return key_source.parse(text, base=project)
    except Unusable as cause:
        raise _bad("signing_key", f"- {cause.detail}", hint=cause.hint) from cause


def _path(text: str, project: Path) -> Path:
    return project / Path(text).expanduser()


def _unknown(name: str) -> Unusable:
    # With a cutoff of 0 there is always one.
    (near,) = difflib.get_close_matches(name[len(PREFIX) :], NAMES, n=1, cutoff=0)
    return Unusable(
        Reason.Usage,
        f"platformio.ini: there is no option {printable(name)}",
        hint=f"the nearest is {PREFIX}{near}",
    )


def _bad(name: str, text: str, *, hint: str = "") -> Unusable:
    return Unusable(Reason.Usage, f"platformio.ini: {PREFIX}{name} {text}", hint=hint)
