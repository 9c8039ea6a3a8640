"""A company's hierarchy: what it certifies, and what both verifiers make of it."""

from __future__ import annotations

import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from hierarchies import (
    AUTHORITIES,
    DAY,
    DEVELOPMENT,
    NOW,
    PILOT,
    PRODUCTION,
    SIGNERS,
    START,
    Company,
    openssl_verdict,
    rogue,
    signed,
    verdict,
)
from platformio_secureota import Reason, Refused, Rules, Unusable, der
from platformio_secureota.certificate import (
    DIGITAL_SIGNATURE,
    KEY_CERT_SIGN,
    TIME_STAMPING,
    Certificate,
    Extensions,
)
from platformio_secureota.hierarchy import Order, Profile, Tree
from platformio_secureota.hierarchy.tree import NewKey
from platformio_secureota.identity import SigningIdentity, to_der

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Nothing changes it."""
    return Company.make(tmp_path_factory.mktemp("company") / "pki")


@pytest.fixture
def own(tmp_path: Path) -> Company:
    """One to be changed."""
    return Company.make(tmp_path / "pki")


def extensions_of(company: Company, name: str) -> Extensions:
    encoded = to_der(company[name].certificate)
    der.check(encoded)
    return Extensions.parse(Certificate.parse(encoded))


# -- the certificates ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", SIGNERS)
def test_signers_can_make_timestamps_and_nothing_else(
    company: Company, name: str, tmp_path: Path
) -> None:
    extensions = extensions_of(company, name)
    assert extensions.extended_key_usage == (TIME_STAMPING,)
    assert extensions.extended_key_usage_critical
    assert extensions.key_usage == DIGITAL_SIGNATURE
    assert not extensions.is_ca
    assert not extensions.unknown_critical
    assert 0 < company[name].certificate.serial_number < 2**63
    member = company[name]
    assert openssl_verdict(member, purpose="timestampsign", folder=tmp_path) == "OK"
    assert openssl_verdict(member, purpose="sslclient", folder=tmp_path) != "OK"
    assert openssl_verdict(member, purpose="sslserver", folder=tmp_path) != "OK"


@pytest.mark.parametrize(
    ("name", "depth"), [("myCorp", 4), ("production", 0), ("engineering", 1), ("development", 0)]
)
def test_authorities_certify_so_deep_and_sign_nothing_else(
    company: Company, name: str, depth: int
) -> None:
    extensions = extensions_of(company, name)
    assert (extensions.is_ca, extensions.path_len) == (True, depth)
    assert extensions.key_usage == KEY_CERT_SIGN
    purposes = None if name == "myCorp" else (TIME_STAMPING,)
    assert extensions.extended_key_usage == purposes
    text = subprocess.run(
        ["openssl", "x509", "-in", company[name].folder / "certificate.pem", "-noout", "-text"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"CA:TRUE, pathlen:{depth}" in text
    assert "X509v3 Key Usage: critical\n                Certificate Sign\n" in text


@pytest.mark.parametrize(
    ("name", "policies"),
    [
        ("myCorp", None),
        ("production", (PRODUCTION,)),
        ("product 1", (PRODUCTION,)),
        ("engineering", (DEVELOPMENT, PILOT)),
        ("development", (DEVELOPMENT,)),
        ("Fred", (DEVELOPMENT,)),
        ("pilot-testing", (PILOT,)),
        ("tls", None),
        ("ci", None),
    ],
)
def test_policies_are_in_certificates(
    company: Company, name: str, policies: tuple[str, ...] | None
) -> None:
    found = extensions_of(company, name).policies
    assert found == (None if policies is None else tuple(map(der.oid_contents, policies)))


@pytest.mark.parametrize(("name", "purpose"), [("tsa", "sslserver"), ("ci", "sslclient")])
def test_tls_members_are_for_tls(company: Company, name: str, purpose: str, tmp_path: Path) -> None:
    member = company[name]
    assert openssl_verdict(member, purpose=purpose, folder=tmp_path) == "OK"
    assert openssl_verdict(member, purpose="timestampsign", folder=tmp_path) != "OK"
    other = {"sslserver": "sslclient", "sslclient": "sslserver"}[purpose]
    assert openssl_verdict(member, purpose=other, folder=tmp_path) != "OK"


@pytest.mark.parametrize("kind", ["p384", "rsa2048"])
def test_other_kinds_of_root_key(tmp_path: Path, kind: str) -> None:
    company = Company.make(tmp_path / "pki", kind=kind)
    data = signed(company.identity("Fred"))
    assert verdict(data, [company.anchor("myCorp")]) == "accepted"
    assert openssl_verdict(company["Fred"], purpose="timestampsign", folder=tmp_path) == "OK"


# -- anchoring at any node limits scope ---------------------------------------------------------

_BELOW = {
    "myCorp": set(SIGNERS),
    "production": {"product 1"},
    "engineering": {"Fred", "Mary", "pilot-testing"},
    "development": {"Fred", "Mary"},
}


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize("anchor", AUTHORITIES)
def test_an_anchor_accepts_those_below_it_alone(company: Company, anchor: str, signer: str) -> None:
    expected = "accepted" if signer in _BELOW[anchor] else "NotTrusted"
    data = signed(company.identity(signer))
    assert verdict(data, [company.anchor(anchor)]) == expected


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_signer_as_anchor_accepts_itself_alone(company: Company, signer: str) -> None:
    anchors = [company.anchor("Fred")]
    expected = "accepted" if signer == "Fred" else "NotTrusted"
    assert verdict(signed(company.identity(signer)), anchors) == expected


# -- policies -----------------------------------------------------------------------------------

_PRODUCTION_ONLY = Rules(policies=frozenset({PRODUCTION}))


@pytest.mark.parametrize(
    ("anchor", "signer", "expected"),
    [
        ("myCorp", "product 1", "accepted"),
        ("production", "product 1", "accepted"),
        ("myCorp", "Fred", "PolicyNotAccepted"),
        ("production", "Fred", "NotTrusted"),
        ("myCorp", "pilot-testing", "PolicyNotAccepted"),
    ],
)
def test_a_claimed_policy_is_not_believed(
    company: Company, anchor: str, signer: str, expected: str
) -> None:
    data = signed(company.identity(signer), claim=PRODUCTION)
    assert verdict(data, [company.anchor(anchor)], _PRODUCTION_ONLY) == expected


def test_an_authority_can_not_give_a_policy_that_it_has_not(company: Company) -> None:
    # Development's key is abused: it certifies a signer for production's policy.
    fred, development = company.identity("Fred"), company.identity("development")
    certificate = rogue(fred.certificate, development, policies=(PRODUCTION,))
    identity = SigningIdentity(fred.key, certificate, fred.chain)
    data = signed(identity, claim=PRODUCTION)
    assert verdict(data, [company.anchor("myCorp")]) == "accepted"
    assert verdict(data, [company.anchor("myCorp")], _PRODUCTION_ONLY) == "PolicyNotAccepted"


# -- wrong profiles -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ci", "WrongPurpose"),
        ("tsa", "WrongPurpose"),
        ("tls", "WrongPurpose"),
        ("production", "WrongPurpose"),
        ("myCorp", "WrongPurpose"),
    ],
)
def test_others_than_signers_approve_no_firmware(
    company: Company, name: str, expected: str
) -> None:
    assert verdict(signed(company.identity(name)), [company.anchor("myCorp")]) == expected


def test_the_tls_branch_can_not_make_a_signer(company: Company) -> None:
    client, tls = company.identity("ci"), company.identity("tls")
    like = company["Fred"].certificate
    purposes = (ExtendedKeyUsageOID.TIME_STAMPING,)
    own_key = rogue(like, tls, purposes=purposes)
    identity = SigningIdentity(company.identity("Fred").key, own_key, client.chain)
    assert verdict(signed(identity), [company.anchor("myCorp")]) == "WrongPurpose"


@pytest.mark.parametrize(
    ("profile", "under"),
    [
        (Profile.SIGNER, "Fred"),
        (Profile.AUTHORITY, "Fred"),
        (Profile.SIGNER, "tls"),
        (Profile.AUTHORITY, "tls"),
        (Profile.TLS_CLIENT, "production"),
        (Profile.TLS_CLIENT, "myCorp"),
        (Profile.TLS_SERVER, "ci"),
        (Profile.TLS_AUTHORITY, "engineering"),
        (Profile.ROOT, "myCorp"),
        (Profile.AUTHORITY, "production"),  # of depth 0
        (Profile.AUTHORITY, "development"),  # the same, by what is left of engineering's
    ],
)
def test_an_authority_certifies_its_own_kind_alone(
    company: Company, profile: Profile, under: str
) -> None:
    with pytest.raises(Refused) as refusal:
        company.add("new", profile, under)
    assert refusal.value.reason is Reason.IssuerForbids
    assert [member.name for member in company.tree.all() if member.name == "new"] == []


@pytest.mark.parametrize(
    ("profile", "under", "policies", "depth", "days"),
    [
        (Profile.SIGNER, "development", (PRODUCTION,), None, None),
        (Profile.SIGNER, "development", (DEVELOPMENT, PILOT), None, None),
        (Profile.AUTHORITY, "engineering", (PRODUCTION,), None, None),
        (Profile.AUTHORITY, "engineering", (), 1, None),
        (Profile.SIGNER, "development", (), None, 3655),
    ],
)
def test_nobody_gets_more_than_the_authority_has(
    company: Company,
    profile: Profile,
    under: str,
    policies: tuple[str, ...],
    depth: int | None,
    days: int | None,
) -> None:
    lifetime = None if days is None else days * DAY
    with pytest.raises(Refused) as refusal:
        company.add("new", profile, under, policies, depth=depth, lifetime=lifetime)
    assert refusal.value.reason is Reason.IssuerForbids


def test_a_life_that_nobody_asked_for_ends_with_the_authority(own: Company) -> None:
    late = START + 3600 * DAY
    member = own.add("late", Profile.SIGNER, "development", now=late)
    end = own["development"].certificate.not_valid_after_utc
    assert member.certificate.not_valid_after_utc == end
    with pytest.raises(Refused, match="renew it first"):
        own.add("too late", Profile.SIGNER, "development", now=START + 3700 * DAY)


# -- denying, renewing --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Fred", "development", "engineering", "myCorp"])
def test_a_denied_key_takes_everything_below_with_it(company: Company, name: str) -> None:
    deny = frozenset({bytes.fromhex(company[name].fingerprint)})
    anchors = [company.anchor("myCorp")]
    assert verdict(signed(company.identity("Fred")), anchors, Rules(deny=deny)) == "Denied"
    mary = "accepted" if name == "Fred" else "Denied"
    assert verdict(signed(company.identity("Mary")), anchors, Rules(deny=deny)) == mary


def test_a_renewed_signer_has_another_key_and_the_old_signatures_stay_good(own: Company) -> None:
    old = own.identity("Fred")
    before = signed(old)
    own.renew("Fred")
    new = own.identity("Fred")
    assert new.fingerprint != old.fingerprint
    assert new.certificate.subject == old.certificate.subject
    assert own["Fred"].policies == (DEVELOPMENT,)
    anchors = [own.anchor("myCorp")]
    assert verdict(before, anchors) == verdict(signed(new), anchors) == "accepted"
    # Both certificates are kept, the old key is, and both keys go when Fred goes.
    assert len(own["development"].issued()) == 3
    (retired,) = (own["Fred"].folder / "retired").iterdir()
    assert stat.S_IMODE(retired.stat().st_mode) == 0o600
    digests = own.tree.deny(own["Fred"], comment="left", now=NOW)
    assert {each.hex() for each in digests} == {old.fingerprint, new.fingerprint}
    assert own.tree.denied_keys() == set(digests)
    rules = Rules(deny=own.tree.denied_keys())
    assert verdict(before, anchors, rules) == verdict(signed(new), anchors, rules) == "Denied"


def test_a_renewed_authority_certifies_on_and_what_it_did_stays_good(own: Company) -> None:
    old_anchor = own.anchor("development")
    own.renew("development")
    own.add("Joan", Profile.SIGNER, "development", now=NOW)
    anchors = [own.anchor("myCorp")]
    assert verdict(signed(own.identity("Fred")), anchors) == "accepted"
    assert verdict(signed(own.identity("Joan")), anchors) == "accepted"
    assert own["Joan"].chain[0] != own["Fred"].chain[0]
    # A device anchored at the old development knows nothing of the new one, whose name it has.
    assert verdict(signed(own.identity("Fred")), [old_anchor]) == "accepted"
    assert verdict(signed(own.identity("Joan")), [old_anchor]) == "CertificateSignatureInvalid"


def test_a_renewed_root_is_another_anchor_and_a_bridge_takes_both(own: Company) -> None:
    old_root, fred = own.anchor("myCorp"), own.identity("Fred")
    own.renew("myCorp")
    new_root = own.anchor("myCorp")
    own.renew("production")
    release = signed(own.identity("product 1"))
    assert verdict(release, [old_root]) == "accepted"
    own.renew("product 1")
    after = signed(own.identity("product 1"))
    assert verdict(after, [old_root]) == "CertificateSignatureInvalid"  # the name is the same
    for anchors in ([old_root, new_root], [new_root]):
        assert verdict(after, anchors) == "accepted"
    assert verdict(signed(fred), [old_root, new_root]) == "accepted"


# -- the folder ---------------------------------------------------------------------------------


def test_private_files_are_private_and_others_public(company: Company) -> None:
    files = [path for path in company.tree.folder.rglob("*") if path.is_file()]
    secret = {path for path in files if b"PRIVATE KEY" in path.read_bytes()}
    assert {path.name for path in secret} == {"key.pem"}
    assert len(secret) == 11
    for path in files:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert (mode == 0o600) if path in secret else (mode & 0o400), path


def test_keys_are_encrypted_where_there_is_a_passphrase(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    member = tree.add_root(Order("root", Profile.ROOT), NewKey("p256", b"secret"), now=NOW)
    assert b"ENCRYPTED" in member.key_file.read_bytes()
    assert member.identity(b"secret").fingerprint == member.fingerprint
    for wrong in (None, b"wrong"):
        with pytest.raises(Unusable) as error:
            member.identity(wrong)
        assert error.value.reason is Reason.KeyUnusable


@pytest.mark.parametrize(
    "name", ["", "a/b", "..", ".x", "x ", "x" * 65, "a\nb", "issued", "KEY.pem", "con:", "\x1b[2J"]
)
def test_names_that_are_none(company: Company, name: str) -> None:
    with pytest.raises(Unusable) as error:
        company.add(name, Profile.SIGNER, "production")
    assert error.value.reason is Reason.Usage


@pytest.mark.parametrize("name", ["Fred", "fred", "production"])
def test_a_name_is_used_once(company: Company, name: str) -> None:
    with pytest.raises(Unusable, match="is there already"):
        company.add(name, Profile.SIGNER, "production")


def test_somebody_elses_key_file_is_found_out(own: Company) -> None:
    own["Fred"].key_file.write_bytes(own["Mary"].key_file.read_bytes())
    with pytest.raises(Unusable, match="not the key of Fred"):
        own.identity("Fred")


def test_a_damaged_folder_is_found_out(own: Company) -> None:
    chain = own["Fred"].folder / "chain.pem"
    chain.write_bytes((own["Mary"].folder / "chain.pem").read_bytes())
    with pytest.raises(Unusable) as error:
        own.tree.find("Fred")
    assert error.value.reason is Reason.HierarchyUnusable
    chain.write_bytes(b"rubbish")
    with pytest.raises(Unusable) as error:
        own.tree.find("Fred")
    assert error.value.reason is Reason.HierarchyUnusable


def test_the_index_tells_the_story(own: Company) -> None:
    own.renew("Fred")
    own.tree.deny(own["Fred"], comment="left", now=NOW)
    rows = [line.split(",") for line in own.tree.folder.joinpath("index.csv").read_text().split()]
    fred = [row for row in rows if "Fred" in row]
    assert [row[1] for row in fred] == ["issued", "renewed", "denied"]
    assert fred[0][6] != fred[1][6] == own["Fred"].fingerprint
