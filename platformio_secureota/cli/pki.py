"""`secureota pki`: a hierarchy of keys.  Here: making and renewing its members."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from typing import TYPE_CHECKING, Any

import click
from cryptography import x509

from platformio_secureota import hsm
from platformio_secureota.cli import console, pki_keys, pki_options, pki_requests, pki_tree
from platformio_secureota.cli.pki_deny import deny
from platformio_secureota.cli.pki_requests import accept, make_request
from platformio_secureota.cli.pki_tree import tree
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.hierarchy import Order, Profile, Tree
from platformio_secureota.hierarchy.tree import renewal_of

if TYPE_CHECKING:
    from pathlib import Path

_HOST = re.compile(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


@click.group(short_help="Make and keep a hierarchy of keys, for a team or a company.")
def pki() -> None:
    """Make and keep a hierarchy of keys.

    \b
      secureota pki root myCorp
      secureota pki intermediate production --under myCorp --policy 1.3.6.1.4.1.99999.1
      secureota pki signer "product 1" --under production
      secureota sign firmware.bin --key "pki/myCorp/production/product 1/key.pem"

    A device that trusts myCorp takes what anybody below signs; one that trusts production takes
    what production's signers sign.  docs/keys.md is the guide.

    Passphrases: --passphrase-file or SECUREOTA_KEY_PASSPHRASE opens the authority's key;
    --new-passphrase-file or SECUREOTA_NEW_KEY_PASSPHRASE, else the same, protects a new one; else
    you are asked.
    """  # noqa: D301 - \b is click's mark for lines to be kept


@pki.command(short_help="Make the root authority.")
@click.argument("name")
@pki_options.policies
@pki_options.depth
@pki_options.days("20 years")
@pki_options.kind
@pki_options.folder
@click.option(
    "key",
    "--key",
    default="",
    metavar="pkcs11:URI",
    help="Certify this key, made by `secureota hsm keygen`, instead of making one.",
)
@pki_keys.new_passphrase_option
def root(
    *,
    name: str,
    policies: tuple[str, ...],
    depth: int | None,
    days: int | None,
    kind: str,
    folder: Path,
    key: str,
    new_passphrase_file: Path | None,
) -> None:
    """Make the root of a new hierarchy, called NAME.

    Its key decides about everything below, and is needed a few times in its life: keep it offline
    afterwards (--issuer-key names where it is).
    """
    order = Order(name, Profile.ROOT, policies, depth, pki_options.lifetime(days))
    if key:
        private = pki_keys.open_token_key(hsm.parse(key))
        member = Tree(folder).add_root(order, private, now=pki_options.now())
        pki_tree.announce(member, in_token=True)
        pki_keys.note_where(key)
        return
    new = pki_keys.new_key(kind, name, pki_keys.Secrets(new_file=new_passphrase_file))
    member = Tree(folder).add_root(order, new, now=pki_options.now())
    pki_tree.announce(member)
    console.note(f"Back up {member.key_file} now, then keep it where no network is.")


@pki.command(short_help="Certify an authority: a branch.")
@click.argument("name")
@click.option(
    "purpose",
    "--for",
    type=click.Choice(["firmware", "tls"]),
    default="firmware",
    show_default=True,
    help="A tls branch certifies servers and clients of the TSA, and never firmware.",
)
@pki_options.policies
@pki_options.depth
@pki_options.days("10 years")
@pki_options.certified
def intermediate(
    *,
    name: str,
    purpose: str,
    policies: tuple[str, ...],
    depth: int | None,
    days: int | None,
    **how: Any,  # noqa: ANN401 - the options of pki_options.certified, as _add takes them
) -> None:
    """Certify an authority called NAME, for a branch of the hierarchy."""
    profile = Profile.AUTHORITY if purpose == "firmware" else Profile.TLS_AUTHORITY
    _add(Order(name, profile, policies, depth, pki_options.lifetime(days)), **how)


@pki.command(short_help="Certify a signer of firmware.")
@click.argument("name")
@pki_options.policies
@pki_options.days("5 years")
@pki_options.certified
def signer(
    *,
    name: str,
    policies: tuple[str, ...],
    days: int | None,
    **how: Any,  # noqa: ANN401 - as above
) -> None:
    """Certify a signer called NAME: a product, a build server, or a developer.

    Developers' certificates are best short-lived (--days 90): what they signed stays good, and
    somebody who left can't sign for long.
    """
    _add(Order(name, Profile.SIGNER, policies, None, pki_options.lifetime(days)), **how)


@pki.command("tls-server", short_help="Certify a TLS server, such as the TSA's.")
@click.argument("name")
@click.option("hosts", "--host", required=True, multiple=True, help="Host name or IP address.")
@pki_options.days("397 days")
@pki_options.certified
def tls_server(
    *,
    name: str,
    hosts: tuple[str, ...],
    days: int | None,
    **how: Any,  # noqa: ANN401 - as above
) -> None:
    """Certify a TLS server called NAME, below a tls branch.  It can never sign firmware."""
    names = tuple(map(_host, hosts))
    lifetime = pki_options.lifetime(days)
    _add(Order(name, Profile.TLS_SERVER, lifetime=lifetime, hosts=names), **how)


@pki.command("tls-client", short_help="Certify a TLS client of the TSA.")
@click.argument("name")
@pki_options.days("397 days")
@pki_options.certified
def tls_client(
    *,
    name: str,
    days: int | None,
    **how: Any,  # noqa: ANN401 - as above
) -> None:
    """Certify a caller of the TSA called NAME, below a tls branch.  It can never sign firmware."""
    _add(Order(name, Profile.TLS_CLIENT, lifetime=pki_options.lifetime(days)), **how)


def _host(text: str) -> x509.GeneralName:
    with contextlib.suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(text))
    if not _HOST.fullmatch(text):
        raise Unusable(Reason.Usage, f"{text!r} is no host name and no IP address")
    return x509.DNSName(text)


def _add(
    order: Order,
    *,
    under: str,
    folder: Path,
    kind: str,
    request: Path | None,
    secrets: pki_keys.Secrets,
    yes: bool,
) -> None:
    hierarchy = Tree(folder)
    above = hierarchy.find(under)
    asked = pki_requests.judge(request, order, above, yes=yes) if request else None
    issuer = pki_keys.open_issuer(above, secrets)
    source = asked or pki_keys.new_key(kind, order.name, secrets)
    now = pki_options.now()
    pki_tree.announce(hierarchy.add(order, source, under=above, issuer=issuer, now=now))


@pki.command(short_help="Renew a certificate, with a new key.")
@click.argument("name")
@pki_options.policies
@pki_options.depth
@pki_options.days("as for a new one")
@pki_options.folder
@pki_options.kind
@pki_options.from_elsewhere
def renew(  # noqa: PLR0913 - one argument an option
    *,
    name: str,
    policies: tuple[str, ...],
    depth: int | None,
    days: int | None,
    folder: Path,
    kind: str,
    request: Path | None,
    secrets: pki_keys.Secrets,
    yes: bool,
) -> None:
    """Renew the certificate of NAME, with a new key.

    What the old key has signed stays good.  The old key goes to `retired/`; a member whose key is
    elsewhere sends a new --request.
    """
    hierarchy = Tree(folder)
    member = hierarchy.find(name)
    same = renewal_of(member)
    order = Order(
        member.name,
        same.profile,
        policies or same.policies,
        same.depth if depth is None else depth,
        pki_options.lifetime(days),
        same.hosts,
    )
    above = hierarchy.issuer_of(member)
    if above is not None and request is None and not member.key_file.exists():
        hint = "ask its holder for a request (secureota pki request), and give it as --request"
        raise Unusable(Reason.KeyMissing, f"the key of {member.name} is elsewhere", hint=hint)
    asked = pki_requests.judge(request, order, above, yes=yes) if request else None
    issuer = pki_keys.open_issuer(above, secrets) if above else None
    source = asked or pki_keys.new_key(kind, member.name, secrets)
    now = pki_options.now()
    pki_tree.announce(hierarchy.renew(member, order, source, issuer=issuer, now=now))
    if order.profile is Profile.ROOT:
        console.note("Devices trust the old root: send them a build with both (docs/keys.md).")


for _command in (make_request, accept, deny, tree):
    pki.add_command(_command)
