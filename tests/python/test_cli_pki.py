"""`secureota pki`: commands, files, words and exit statuses."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path

import pytest
from cryptography import x509

from command_line import Shell
from hierarchies import DEVELOPMENT, PILOT, PRODUCTION, verdict
from platformio_secureota import Rules, TrustAnchor, denied, pki
from platformio_secureota.anchors import read_anchors

FRED = "pki/myCorp/engineering/development/Fred"


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name in ("KEY_PASSPHRASE", "NEW_KEY_PASSPHRASE"):
        monkeypatch.delenv(f"SECUREOTA_{name}", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody is there
    Path("firmware.bin").write_bytes(b"firmware")
    return Shell(tmp_path, capsys)


def run(shell: Shell, *words: object) -> str:
    outcome = shell("pki", *words)
    assert outcome.status == 0, outcome
    return outcome.out


@pytest.fixture
def company(shell: Shell) -> Shell:
    """The seed's tree, by the commands of docs/keys.md."""
    run(shell, "root", "myCorp")
    engineering = ("--under", "engineering")
    policies = ("--policy", DEVELOPMENT, "--policy", PILOT)
    run(shell, "intermediate", "production", "--under", "myCorp", "--policy", PRODUCTION)
    run(shell, "intermediate", "engineering", "--under", "myCorp", *policies)
    run(shell, "intermediate", "development", *engineering, "--policy", DEVELOPMENT)
    run(shell, "signer", "product 1", "--under", "production")
    run(shell, "signer", "pilot-testing", *engineering, "--policy", PILOT)
    run(shell, "signer", "Fred", "--under", "development", "--days", 90)
    run(shell, "signer", "Mary", "--under", "development", "--days", 90)
    return shell


def sign_with(shell: Shell, key: str) -> bytes:
    outcome = shell("sign", "firmware.bin", "--key", key, "-o", "out.bin")
    assert outcome.status == 0, outcome
    return Path("out.bin").read_bytes()


def anchor(name: str) -> list[TrustAnchor]:
    (file,) = Path("pki").rglob(f"{name}/certificate.pem")
    return read_anchors(file)


# -- the tree -----------------------------------------------------------------------------------


def test_the_tree_is_shown(company: Shell) -> None:
    lines = run(company, "tree").splitlines()
    drawn = [line for line in lines if any(mark in line for mark in ("├", "└"))]
    assert lines[0] == "myCorp  certifies signers and authorities, 4 levels deep"
    assert [line.strip("│ ├└─").partition("  ")[0] for line in drawn] == [
        "engineering",
        "development",
        "Fred",
        "Mary",
        "pilot-testing",
        "production",
        "product 1",
    ]
    assert len(lines) == 16
    text = "\n".join(lines)
    assert "Fred  signs firmware" in text
    assert f"policy {DEVELOPMENT}, {PILOT}; key here, not encrypted" in text
    assert "DENIED" not in text


def test_the_tree_shows_what_needs_care(company: Shell) -> None:
    run(company, "signer", "guest", "--under", "development", "--days", 7)
    run(company, "deny", "engineering")
    Path(FRED, "key.pem").unlink()
    text = run(company, "tree")
    assert "(6 days left)" in text
    assert "key elsewhere" in text
    denied_ones = [line for line in text.splitlines() if line.endswith("  DENIED")]
    assert len(denied_ones) == 6  # engineering and everybody below
    assert not any("product" in line for line in denied_ones)


def test_no_tree(shell: Shell) -> None:
    assert "pki root" in shell.fails("Usage", "pki", "tree").err
    assert shell.fails("Usage", "pki", "signer", "x", "--under", "y").status == 2


# -- signing ------------------------------------------------------------------------------------


def test_the_key_file_is_ready_for_signing(company: Shell) -> None:
    data = sign_with(company, f"{FRED}/key.pem")
    assert verdict(data, anchor("myCorp")) == "accepted"
    assert verdict(data, anchor("engineering")) == "accepted"
    assert verdict(data, anchor("production")) == "NotTrusted"
    rules = Rules(policies=frozenset({DEVELOPMENT}))
    assert verdict(data, anchor("myCorp"), rules) == "accepted"
    inspected = json.loads(company("inspect", "out.bin", "--json").out)
    assert DEVELOPMENT in json.dumps(inspected)


def test_a_tls_client_can_not_sign(company: Shell) -> None:
    run(company, "intermediate", "tls", "--for", "tls", "--under", "myCorp")
    run(company, "tls-client", "ci", "--under", "tls")
    run(
        company, "tls-server", "tsa", "--under", "tls", "--host", "tsa.example.com", "--host", "::1"
    )
    sign = ("sign", "firmware.bin", "--key", "pki/myCorp/tls/ci/key.pem")
    company.fails("WrongPurpose", *sign, status=1)
    server = pki.load_identity(Path("pki/myCorp/tls/tsa/key.pem")).certificate
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["tsa.example.com", "::1"]
    company.fails("Usage", "pki", "tls-server", "y", "--under", "tls", "--host", "not a host")


@pytest.mark.parametrize(
    "words",
    [
        ("signer", "x", "--under", "Fred"),
        ("signer", "x", "--under", "development", "--policy", PRODUCTION),
        ("signer", "x", "--under", "development", "--days", "36525"),
        ("tls-client", "x", "--under", "production"),
        ("intermediate", "x", "--under", "engineering", "--depth", "5"),
    ],
)
def test_what_an_authority_may_not_certify(company: Shell, words: tuple[str, ...]) -> None:
    company.fails("IssuerForbids", "pki", *words, status=1)


@pytest.mark.parametrize(
    "words",
    [
        ("root", "a/b"),
        ("signer", "Fred", "--under", "production"),
        ("signer", "x", "--under", "nobody"),
        ("signer", "x", "--under", "development", "--days", "0"),
        ("signer", "x", "--under", "development", "--policy", "production"),
        ("deny", "nobody"),
        ("renew", "nobody"),
    ],
)
def test_usage(company: Shell, words: tuple[str, ...]) -> None:
    company.fails("Usage", "pki", *words)


# -- keys and passphrases -----------------------------------------------------------------------


def test_passphrases_come_from_the_environment(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECUREOTA_KEY_PASSPHRASE", "root's")
    run(shell, "root", "myCorp")
    monkeypatch.setenv("SECUREOTA_NEW_KEY_PASSPHRASE", "Fred's")
    outcome = shell("pki", "signer", "Fred", "--under", "myCorp")
    assert outcome.status == 0
    assert "not encrypted" not in outcome.err
    key = Path("pki/myCorp/Fred/key.pem")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert pki.load_identity(key, passphrase=b"Fred's")
    monkeypatch.setenv("SECUREOTA_KEY_PASSPHRASE", "wrong")
    shell.fails("KeyUnusable", "pki", "signer", "Mary", "--under", "myCorp")
    assert "Mary" not in run(shell, "tree")
    monkeypatch.delenv("SECUREOTA_KEY_PASSPHRASE")
    shell.fails("KeyUnusable", "pki", "signer", "Mary", "--under", "myCorp")


def test_passphrases_come_from_files(shell: Shell) -> None:
    for name in ("root", "Fred"):
        Path(name).write_text(f"{name}'s\n")
        Path(name).chmod(0o600)
    run(shell, "root", "myCorp", "--new-passphrase-file", "root")
    files = ("--passphrase-file", "root", "--new-passphrase-file", "Fred")
    run(shell, "signer", "Fred", "--under", "myCorp", *files)
    assert pki.load_identity(Path("pki/myCorp/Fred/key.pem"), passphrase=b"Fred's")
    wrong = ("--passphrase-file", "Fred", "--new-passphrase-file", "Fred")
    shell.fails("KeyUnusable", "pki", "signer", "Mary", "--under", "myCorp", *wrong)
    own = ("--passphrase-file", "Fred")
    run(shell, "request", "Mary", "--key", "mary.pem", "-o", "mary.csr", *own)
    run(shell, "signer", "Mary", "--under", "myCorp", *files[:2], "--request", "mary.csr", "--yes")
    accept = ("accept", "mary.pem", "pki/myCorp/Mary/chain.pem")
    shell.fails("KeyUnusable", "pki", *accept)
    run(shell, *accept, *own)
    identity = pki.load_identity(Path("mary.pem"), passphrase=b"Fred's")
    assert identity.certificate.issuer.rfc4514_string() == "CN=myCorp"


def test_a_key_that_is_not_encrypted_is_warned_about(shell: Shell) -> None:
    assert "not encrypted" in shell("pki", "root", "myCorp").err


def test_an_authoritys_key_may_be_elsewhere(company: Shell) -> None:
    Path("usb").mkdir()
    Path("pki/myCorp/key.pem").rename("usb/root.pem")
    command = ("pki", "intermediate", "service", "--under", "myCorp")
    assert "--issuer-key" in company.fails("KeyMissing", *command).err
    run(company, *command[1:], "--issuer-key", "usb/root.pem")
    # Another key than the authority's is no help.
    other = ("pki", "intermediate", "more", "--under", "myCorp", "--issuer-key", f"{FRED}/key.pem")
    company.fails("KeyUnusable", *other)


# -- requests -----------------------------------------------------------------------------------


def test_a_request_from_end_to_end(company: Shell) -> None:
    said = run(company, "request", "Joan", "--key", "joan.pem", "-o", "joan.csr")
    fingerprint = pki.load_identity(Path("joan.pem")).fingerprint
    assert fingerprint in said
    assert b"PRIVATE" not in Path("joan.csr").read_bytes()
    order = ("pki", "signer", "Joan", "--under", "development", "--days", "30")
    refused = company(*order, "--request", "joan.csr")  # nobody there to be asked
    assert (refused.status, refused.out) == (2, "")
    assert "decide with --yes" in refused.err
    outcome = company(*order, "--request", "joan.csr", "--yes")
    assert outcome.status == 0
    assert fingerprint in outcome.err
    assert "name: CN=Joan" in outcome.err
    folder = Path("pki/myCorp/engineering/development/Joan")
    assert not (folder / "key.pem").exists()
    assert f"Send back: {folder / 'chain.pem'}" in outcome.err
    company.fails("KeyUnusable", "pki", "accept", "joan.pem", f"{FRED}/chain.pem")
    run(company, "accept", "joan.pem", folder / "chain.pem")
    assert stat.S_IMODE(Path("joan.pem").stat().st_mode) == 0o600
    data = sign_with(company, "joan.pem")
    assert verdict(data, anchor("engineering")) == "accepted"
    # Her certificate is renewed by a new request alone.
    assert "request" in company.fails("KeyMissing", "pki", "renew", "Joan").err
    run(company, "request", "Joan", "--key", "joan-2.pem", "-o", "joan-2.csr")
    run(company, "renew", "Joan", "--request", "joan-2.csr", "--yes", "--days", "30")
    run(company, "accept", "joan-2.pem", folder / "chain.pem")
    assert verdict(sign_with(company, "joan-2.pem"), anchor("engineering")) == "accepted"


def test_a_branch_with_its_own_admin(company: Shell) -> None:
    run(company, "request", "service", "--key", "service.pem", "-o", "service.csr")
    words = ("--under", "myCorp", "--policy", "1.2.3", "--request", "service.csr", "--yes")
    run(company, "intermediate", "service", *words)
    chain = "pki/myCorp/service/chain.pem"
    run(company, "accept", "service.pem", chain, "--dir", "theirs")
    run(company, "signer", "robot", "--under", "service", "--dir", "theirs")
    assert run(company, "tree", "--dir", "theirs").startswith("service  certifies signers")
    data = sign_with(company, "theirs/service/robot/key.pem")
    assert verdict(data, anchor("myCorp")) == "accepted"
    assert verdict(data, anchor("myCorp"), Rules(policies=frozenset({"1.2.3"}))) == "accepted"


# -- renewing and denying -----------------------------------------------------------------------


def test_renew(company: Shell) -> None:
    before = pki.load_identity(Path(FRED, "key.pem")).fingerprint
    run(company, "renew", "Fred", "--days", 30)
    after = pki.load_identity(Path(FRED, "key.pem")).fingerprint
    assert before != after
    assert verdict(sign_with(company, f"{FRED}/key.pem"), anchor("development")) == "accepted"
    assert "bridge" not in company("pki", "renew", "development").err
    assert "build with both" in company("pki", "renew", "myCorp").err


def test_deny(company: Shell) -> None:
    run(company, "renew", "Fred")
    data = sign_with(company, f"{FRED}/key.pem")
    words = ("deny", "Fred", "--why", "laptop stolen", "--list", "project/secureota/denied.txt")
    out = run(company, *words)
    assert out.count("  denied\n") == 2  # the key before the renewal, too
    assert run(company, *words).count("  was denied already\n") == 2
    keys = denied.read(Path("project/secureota/denied.txt"))
    assert keys == denied.read(Path("pki/denied.txt"))
    assert "laptop stolen" in Path("project/secureota/denied.txt").read_text()
    assert verdict(data, anchor("myCorp"), Rules(deny=frozenset(keys))) == "Denied"


def test_deny_a_certificate_or_a_digest(shell: Shell) -> None:
    shell("keygen", "--out", "key.pem", "--certificate-out", "cert.pem")
    digest = pki.load_identity(Path("key.pem")).fingerprint
    assert run(shell, "deny", "cert.pem") == f"{digest}  denied\n"
    assert run(shell, "deny", digest) == f"{digest}  was denied already\n"
    assert denied.read(Path("pki/denied.txt")) == [bytes.fromhex(digest)]
