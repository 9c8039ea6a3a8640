"""A hierarchy in a folder: whom it has, and what is done with them.

    pki/
      index.csv      what happened: a line for each certificate issued, renewed or denied
      denied.txt     keys that no device shall accept any more
      myCorp/        a member (see node.py), with those that it has certified in folders below
        production/
          product 1/

A branch may live elsewhere, with its own admin: its folder is a hierarchy of its own there, whose
top is an authority that somebody else has certified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from platformio_secureota import denied, keyfile, pki
from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.hierarchy import index
from platformio_secureota.hierarchy import node as nodes
from platformio_secureota.hierarchy.certify import Order, certify, is_issued_by
from platformio_secureota.hierarchy.node import Node
from platformio_secureota.hierarchy.profiles import Profile, common_name, hosts_of
from platformio_secureota.identity import SigningIdentity, spki, spki_sha256

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from platformio_secureota.hierarchy.request import Request
    from platformio_secureota.identity import PrivateKey

DENIED_FILE, INDEX_FILE = "denied.txt", "index.csv"


@dataclass(frozen=True)
class NewKey:
    """A key to be made here, and the passphrase that protects its file; None: nothing does."""

    kind: str = pki.KINDS[0]
    passphrase: bytes | None = None


@dataclass(frozen=True)
class Tree:
    """The hierarchy in `folder`."""

    folder: Path

    # -- looking ------------------------------------------------------------------------------

    def tops(self) -> list[Node]:
        """Roots, and branches whose authority is elsewhere."""
        return _members_in(self.folder)

    def children(self, parent: Node) -> list[Node]:
        """Whom a member has certified, by name."""
        return _members_in(parent.folder)

    def all(self) -> Iterator[Node]:
        """Every member, each before those below it."""
        waiting = self.tops()
        while waiting:
            member = waiting.pop(0)
            yield member
            waiting = [*self.children(member), *waiting]

    def find(self, name: str) -> Node:
        """The member of that name.  Unusable(Usage)."""
        members = list(self.all())
        for member in members:
            if member.name.casefold() == name.casefold():
                return member
        if not members:
            hint = "make a root first: secureota pki root NAME; or name the folder with --dir"
            raise Unusable(Reason.Usage, f"there is no hierarchy in {self.folder}", hint=hint)
        known = ", ".join(member.name for member in members)
        raise Unusable(Reason.Usage, f"nobody here is called {name!r}", hint=f"there are: {known}")

    def issuer_of(self, member: Node) -> Node | None:
        """The member above; None for the top."""
        above = member.folder.parent
        return Node.load(above) if (above / nodes.CERTIFICATE).exists() else None

    def denied_keys(self) -> frozenset[bytes]:
        """SHA-256 of the keys on this hierarchy's deny-list."""
        path = self.folder / DENIED_FILE
        return frozenset(denied.read(path)) if path.exists() else frozenset()

    # -- growing ------------------------------------------------------------------------------

    def add_root(self, order: Order, source: NewKey | PrivateKey, *, now: dt.datetime) -> Node:
        """Make a root: with a key made here, or one that is elsewhere and stays there."""
        self._check_new_name(order.name)
        made, passphrase = None, None
        if isinstance(source, NewKey):
            key = made = _new_key(source.kind)
            passphrase = source.passphrase
        else:
            key = source
        certificate = certify(order, key.public_key(), issuer=None, key=key, now=now)
        member = Node(self.folder / order.name, certificate, ())
        return self._settle(member, made, passphrase, issuer=None, event="issued", now=now)

    def add(
        self,
        order: Order,
        source: NewKey | Request,
        *,
        under: Node,
        issuer: SigningIdentity,
        now: dt.datetime,
    ) -> Node:
        """Certify a new member below `under`: with a key made here, or the key of a request."""
        self._check_new_name(order.name)
        return self._certify(under.folder / order.name, order, source, under, issuer, "issued", now)

    def renew(
        self,
        member: Node,
        order: Order,
        source: NewKey | Request,
        *,
        issuer: SigningIdentity | None,
        now: dt.datetime,
    ) -> Node:
        """Replace a member's certificate, and its key.  `issuer` is None for a root alone.

        What it has certified before stays as it is, on the old certificate, for as long as that
        one lasts.
        """
        above = self.issuer_of(member)
        if above is not None and issuer is not None:
            return self._certify(member.folder, order, source, above, issuer, "renewed", now)
        if member.profile is not Profile.ROOT or not isinstance(source, NewKey):
            hint = "send a new request to whoever certified it, and `pki accept` the answer"
            detail = f"the authority above {member.name} is not in this folder"
            raise Unusable(Reason.HierarchyUnusable, detail, hint=hint)
        key = _new_key(source.kind)
        certificate = certify(order, key.public_key(), issuer=None, key=key, now=now)
        fresh = Node(member.folder, certificate, ())
        passphrase = source.passphrase
        return self._settle(fresh, key, passphrase, issuer=None, event="renewed", now=now)

    def adopt(
        self,
        identity: SigningIdentity,
        *,
        passphrase: bytes | None = None,
        with_key: bool = True,
        now: dt.datetime,
    ) -> Node:
        """Take in a branch: an authority that somebody else has certified, as a top.

        `with_key` says whether its key comes along: one in a token stays there.
        """
        name = common_name(identity.certificate.subject)
        self._check_new_name(name)
        member = Node(self.folder / name, identity.certificate, identity.chain)
        key = identity.key if with_key else None
        return self._settle(member, key, passphrase, issuer=None, event="accepted", now=now)

    def _certify(
        self,
        folder: Path,
        order: Order,
        source: NewKey | Request,
        under: Node,
        issuer: SigningIdentity,
        event: str,
        now: dt.datetime,
    ) -> Node:
        key, passphrase = None, None
        if isinstance(source, NewKey):
            key, passphrase = _new_key(source.kind), source.passphrase
            public_key: CertificatePublicKeyTypes = key.public_key()
        else:
            public_key = source.public_key
        self._check_fresh(spki(public_key))
        certificate = certify(order, public_key, issuer=issuer, now=now)
        member = Node(folder, certificate, (under.certificate, *under.chain))
        return self._settle(member, key, passphrase, issuer=under, event=event, now=now)

    def _settle(
        self,
        member: Node,
        key: PrivateKey | None,
        passphrase: bytes | None,
        *,
        issuer: Node | None,
        event: str,
        now: dt.datetime,
    ) -> Node:
        # What was issued is kept before anybody can use it.
        if issuer is not None:
            issuer.keep_issued(member.name, member.certificate)
        nodes.make_folder(member.folder)
        _retire(member)
        if key is not None:
            identity = SigningIdentity(key, member.certificate, member.chain)
            keyfile.write_pem(member.key_file, identity, passphrase=passphrase)
        member.write()
        index.append(self.folder / INDEX_FILE, event, member.name, member.certificate, now=now)
        return member

    def _check_new_name(self, name: str) -> None:
        nodes.check_name(name)
        for member in self.all():
            if member.name.casefold() == name.casefold():
                hint = "names are used once in a hierarchy, so that logs are clear"
                raise Unusable(Reason.Usage, f"{member.folder} is there already", hint=hint)

    def _check_fresh(self, key: bytes) -> None:
        # A key under two names could not be taken from one of them.
        digest = nodes.sha256(key)
        if digest in self.denied_keys():
            raise Refused(Reason.Denied, f"SHA-256 of the key {digest.hex()}")
        for member in self.all():
            for certificate in (member.certificate, *member.issued()):
                if spki(certificate.public_key()) == key:
                    detail = f"its key is that of {common_name(certificate.subject)} already"
                    hint = "make a new key for it: secureota pki request NAME --key NEW.pem"
                    raise Refused(Reason.RequestUnusable, detail, hint=hint)

    # -- denying ------------------------------------------------------------------------------

    def keys_of(self, member: Node) -> list[bytes]:
        """SHA-256 of every key that the member has had here, the present one first."""
        certificates = [member.certificate]
        issuer = self.issuer_of(member)
        if issuer is not None:
            own = member.certificate.subject
            certificates += [each for each in issuer.issued() if each.subject == own]
        return list(dict.fromkeys(bytes.fromhex(spki_sha256(each)) for each in certificates))

    def deny(self, member: Node, *, comment: str, now: dt.datetime) -> list[bytes]:
        """Put all keys of a member on the deny-list; returns those that were not on it."""
        new = denied.add(self.folder / DENIED_FILE, self.keys_of(member), comment=comment)
        if new:
            path = self.folder / INDEX_FILE
            index.append(path, "denied", member.name, member.certificate, now=now)
        return new


def renewal_of(member: Node) -> Order:
    """An order for the same again: name, profile, policies, depth, hosts; life as the profile's."""
    if member.profile is None:
        detail = f"{member.name} has a certificate that was not made here"
        raise Unusable(Reason.HierarchyUnusable, detail)
    return Order(
        member.name,
        member.profile,
        policies=member.policies,
        depth=member.depth,
        hosts=hosts_of(member.certificate),
    )


def join(key: PrivateKey, answer: list[x509.Certificate]) -> SigningIdentity:
    """A key with the certificates that came back for its request.  Unusable(KeyUnusable)."""
    if spki(answer[0].public_key()) != spki(key.public_key()):
        detail = f"the certificate of {common_name(answer[0].subject)} is of another key"
        raise Unusable(Reason.KeyUnusable, detail)
    for certificate, issuer in zip(answer, answer[1:]):
        if not is_issued_by(certificate, issuer):
            detail = f"{common_name(issuer.subject)} has not issued the certificate before it"
            raise Unusable(Reason.HierarchyUnusable, detail)
    return SigningIdentity(key, answer[0], tuple(answer[1:]))


def _members_in(folder: Path) -> list[Node]:
    found = sorted(folder.glob(f"*/{nodes.CERTIFICATE}"))
    return [Node.load(file.parent) for file in found]


def _new_key(kind: str) -> PrivateKey:
    return pki.generate(kind).key


def _retire(member: Node) -> None:
    # The key before this one, if there is one: lost keys can't be made again, so it is kept.
    if not member.key_file.exists():
        return
    folder = member.folder / nodes.RETIRED
    nodes.make_folder(folder)
    old = nodes.read_certificates(member.folder / nodes.CERTIFICATE)[0]
    try:
        member.key_file.rename(folder / f"key-{old.serial_number:016x}.pem")
    except OSError as cause:
        raise Unusable(Reason.FileUnwritable, f"{folder}: {cause.strerror}") from cause
