"""What the server does not start on, and the commands around it."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from authorities import DAY, Authority, old_key_file, pem
from command_line import Shell
from platformio_secureota import Reason, SecureOTAError, pki
from platformio_secureota.tsa.server.app import make_app
from platformio_secureota.tsa.server.credentials import hash_password, is_password
from tsa_server import CI, PILOT, PRODUCTION, TOKEN, Site, fail_info, running

if TYPE_CHECKING:
    from collections.abc import Sequence

ANYBODY = '[[caller]]\nname = "anybody"\nanonymous = true\npolicies = ["production"]\n'
TLS = '[tls]\ncertificate = "key.pem"\nkey = "key.pem"\n'


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def refusal(site: Site) -> SecureOTAError:
    with pytest.raises(SecureOTAError) as caught:
        make_app(site.config)
    return caught.value


def test_a_good_site_starts(tmp_path: Path) -> None:
    make_app(Site.make(tmp_path).config)


def key_file(site: Site, *certificates: x509.Certificate) -> None:
    key = site.company.signer.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (site.folder / "key.pem").write_bytes(key + pem(*certificates))


def reissue(
    site: Site, *, days: tuple[int, int] = (-1, 30), usages: Sequence[x509.ObjectIdentifier] = ()
) -> x509.Certificate:
    """The signer's certificate again, with other dates or purposes."""
    authority = site.company.intermediate
    now = dt.datetime.now(dt.timezone.utc)
    usage = x509.ExtendedKeyUsage(usages or [ExtendedKeyUsageOID.TIME_STAMPING])
    return (
        x509.CertificateBuilder()
        .subject_name(site.company.signer.certificate.subject)
        .issuer_name(authority.certificate.subject)
        .public_key(site.company.signer.certificate.public_key())
        .serial_number(7)
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(usage, critical=True)
        .sign(authority.key, hashes.SHA256())
    )


def test_another_keys_certificate(tmp_path: Path) -> None:
    site = Site.make(tmp_path)
    key_file(site, pki.generate().certificate, *site.company.signer.chain)
    assert refusal(site).reason is Reason.KeyUnusable


def test_key_that_is_not_the_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As a card could be, whose certificate was given by hand.
    site = Site.make(tmp_path)
    other = replace(site.company.signer, key=pki.generate().key)
    monkeypatch.setattr(
        "platformio_secureota.tsa.server.startup.load_signer", lambda *_, **__: other
    )
    assert refusal(site).reason is Reason.KeyUnusable


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"usages": [ExtendedKeyUsageOID.SERVER_AUTH]}, Reason.WrongPurpose),
        (
            {"usages": [ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING]},
            Reason.WrongPurpose,
        ),
        ({"days": (-30, -1)}, Reason.CertificateNotValidAtGenTime),
        ({"days": (1, 30)}, Reason.CertificateNotValidAtGenTime),
    ],
)
def test_signers_that_devices_refuse(
    tmp_path: Path, change: dict[str, object], reason: Reason
) -> None:
    site = Site.make(tmp_path)
    chain = (site.company.intermediate.certificate, site.company.root.certificate)
    key_file(site, reissue(site), *chain)
    make_app(site.config)
    key_file(site, reissue(site, **change), *chain)  # type: ignore[arg-type]
    assert refusal(site).reason is reason


def test_certificate_authority_as_signer(tmp_path: Path) -> None:
    site = Site.make(tmp_path)
    (tmp_path / "key.pem").unlink()
    old_key_file(tmp_path / "key.pem")
    assert refusal(site).reason is Reason.SignerIsCa


def test_incomplete_chain(tmp_path: Path) -> None:
    site = Site.make(tmp_path)
    company = site.company
    key_file(site, company.signer.certificate)
    assert refusal(site).reason is Reason.NotTrusted
    key_file(site, company.signer.certificate, company.intermediate.certificate)
    assert "issuer of CN=production is missing" in str(refusal(site))
    # The anchor may be a file of its own, and then the rest must lead to it.
    (tmp_path / "root.pem").write_bytes(pem(company.root.certificate))
    path = tmp_path / "tsa.toml"
    path.write_text(path.read_text().replace("[signer]", '[signer]\nanchors = "root.pem"'))
    make_app(site.config)
    key_file(site, company.signer.certificate)
    assert refusal(site).reason is Reason.NotTrusted
    (tmp_path / "chain.pem").write_bytes(pem(company.intermediate.certificate))
    path.write_text(path.read_text().replace("[signer]", '[signer]\ncertificates = "chain.pem"'))
    make_app(site.config)


def test_expired_authority(tmp_path: Path) -> None:
    site = Site.make(tmp_path)
    expired = Authority.make("production", site.company.root, days=0)
    signer = expired.certify(
        pki.generate(name="product"), expired.certificate, site.company.root.certificate
    )
    pki.write_pem(tmp_path / "key.pem", signer, replace=True)
    assert refusal(site).reason is Reason.CertificateNotValidAtGenTime


def test_policy_that_the_certificate_does_not_assert(tmp_path: Path) -> None:
    site = Site.make(tmp_path)
    pki.write_pem(tmp_path / "key.pem", pki.generate(policies=[PRODUCTION]), replace=True)
    make_app(site.config)
    site.configure(CI.replace('["production"]', '["production", "pilot"]'))
    assert refusal(site).reason is Reason.PolicyNotAccepted
    pki.write_pem(tmp_path / "key.pem", pki.generate(policies=[PILOT, PRODUCTION]), replace=True)
    make_app(site.config)


@pytest.mark.parametrize(
    ("name", "mode", "is_refused"),
    [
        ("key.pem", 0o640, True),
        ("key.pem", 0o604, True),
        ("key.pem", 0o620, True),
        ("key.pem", 0o400, False),
        ("approvals.log", 0o644, True),
        ("approvals.log", 0o602, True),
        ("approvals.log.head", 0o660, True),
        ("tsa.toml", 0o644, True),
        ("tsa.toml", 0o660, True),
        ("tsa.toml", 0o640, False),
    ],
)
def test_file_modes(tmp_path: Path, name: str, mode: int, *, is_refused: bool) -> None:
    site = Site.make(tmp_path)
    (tmp_path / name).touch()
    (tmp_path / name).chmod(mode)
    if is_refused:
        error = refusal(site)
        assert error.reason is Reason.FileExposed
        assert name in error.detail
    else:
        make_app(site.config)


def test_folder_that_everybody_writes_to(tmp_path: Path) -> None:
    site = Site.make(tmp_path)
    tmp_path.chmod(0o777)
    assert refusal(site).reason is Reason.FileExposed
    tmp_path.chmod(0o1777)
    make_app(site.config)


@pytest.mark.parametrize(
    ("callers", "more", "listen", "is_refused"),
    [
        ("", "", "", True),
        (ANYBODY, "", "", False),
        (ANYBODY, "", 'address = "::1"', False),
        (ANYBODY, "", 'address = "0.0.0.0"', True),
        (ANYBODY, TLS, 'address = "192.0.2.1"', True),
        (ANYBODY, "", 'address = "0.0.0.0"\ncleartext = true', True),
        (ANYBODY, "[proxy]\nclient_certificates = true\n", "", True),
        (CI, "", 'address = "0.0.0.0"', True),
        (CI, "", 'address = "tsa.example.com"', True),
        (CI, TLS, 'address = "0.0.0.0"', False),
        (CI, "", 'address = "0.0.0.0"\ncleartext = true', False),
        (CI, TLS + "[proxy]\nclient_certificates = true\n", 'address = "0.0.0.0"', True),
    ],
)
def test_who_may_be_reached_by_whom(
    tmp_path: Path, callers: str, more: str, listen: str, *, is_refused: bool
) -> None:
    site = Site.make(tmp_path)
    site.configure(callers, more, listen=listen)
    if is_refused:
        assert refusal(site).reason is Reason.NoAuthentication
    else:
        make_app(site.config)


def test_certificates_that_nobody_checks(tmp_path: Path) -> None:
    callers = '[[caller]]\nname = "m"\ncertificates = ["san:m"]\npolicies = ["pilot"]\n'
    site = Site.make(tmp_path)
    for more in ("", TLS):
        site.configure(callers, more)
        assert refusal(site).reason is Reason.NoAuthentication


def test_tls_that_can_not_be_served(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site.make(shell.folder)
    monkeypatch.chdir(shell.folder)
    pki.write_pem(Path("tls.pem"), site.company.signer, passphrase=b"secret")
    pki.write_pem(Path("other.pem"), pki.generate())
    Path("none.pem").write_bytes(b"")
    Path("none.pem").chmod(0o600)
    for certificate, key, ca, reason, text in (
        ("tls.pem", "tls.pem", "", Reason.KeyUnusable, "the key is encrypted"),
        ("key.pem", "other.pem", "", Reason.KeyUnusable, "no certificate and its key"),
        ("none.pem", "key.pem", "", Reason.KeyUnusable, "no certificate and its key"),
        ("gone.pem", "key.pem", "", Reason.FileUnreadable, "gone.pem"),
        ("key.pem", "gone.pem", "", Reason.FileUnreadable, "gone.pem"),
        ("key.pem", "key.pem", "gone.pem", Reason.FileUnreadable, "gone.pem"),
        ("key.pem", "key.pem", "none.pem", Reason.FileUnreadable, "no PEM certificates"),
    ):
        client_ca = f'client_ca = "{ca}"\n' if ca else ""
        site.configure(more=f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n{client_ca}')
        outcome = shell.fails(reason.value, "tsa", "serve")
        assert text in outcome.err
        assert (f"secureota key decrypt {shell.folder / key}" in outcome.err) == (key == "tls.pem")


@pytest.mark.parametrize(
    "text",
    [
        "[signer]\n",
        "[signer]\nkey = 5\n",
        '[signer]\nkey = "k"\nkeys = "k"\n',
        '[sginer]\nkey = "k"\n',
        '[signer]\nkey = "k"\n[listen]\nport = 65536\n',
        '[signer]\nkey = "k"\n[listen]\nport = true\n',
        '[signer]\nkey = "k"\n[policies]\np = "1.2.x"\n',
        '[signer]\nkey = "k"\n[[caller]]\nname = "c"\nbearer = ["secret"]\npolicies = ["1.2"]\n',
        '[signer]\nkey = "k"\n[[caller]]\nname = "c"\npassword = "secret"\npolicies = ["1.2"]\n',
        '[signer]\nkey = "k"\n[[caller]]\nname = "c"\npolicies = ["1.2"]\n',
        '[signer]\nkey = "k"\n[[caller]]\nname = "c"\nanonymous = true\n',
        '[signer]\nkey = "k"\n[[caller]]\nname = "c"\ncertificates = ["c"]\npolicies = ["1.2"]\n',
        '[signer]\nkey = "k"\n'
        + 2 * '[[caller]]\nname = "c"\nanonymous = true\npolicies = ["1.2"]\n',
        "signer = 7\n",
        "no TOML",
    ],
)
def test_configurations_that_are_none(shell: Shell, text: str) -> None:
    path = shell.folder / "tsa.toml"
    path.write_text(text)
    shell.fails("Usage", "tsa", "serve", "--config", path)


def test_init_serve_and_the_log(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shell.folder)
    made = shell("tsa", "init")
    token = made.out.strip()
    assert made.status == 0
    config = Path("tsa.toml").read_text()
    assert token not in config + made.err
    for name in ("tsa.toml", "tsa-key.pem"):
        assert Path(name).stat().st_mode & 0o777 == 0o600
    shell.fails("FileUnwritable", "tsa", "init")
    config = config.replace("require_synchronised = true", "require_synchronised = false")
    Path("tsa.toml").write_text(config.replace("port = 3161", "port = 0"))
    site = Site(shell.folder)
    with running(site) as server:
        assert fail_info(server.post(token=token)) == -1
        assert server.post(token=TOKEN).status_code == 401
    verified = shell("tsa", "log", "verify")
    assert verified.last_line.startswith("whole: 1 approvals, 0 torn lines on record; head 1:")
    head = verified.last_line.rpartition(" ")[2]
    (shown,) = shell("tsa", "log", "show").out.splitlines()
    assert shown.endswith("default  ci (bearer)")
    assert shell("tsa", "log", "show", "--caller", "nobody").out == ""
    assert '"proof": "bearer"' in shell("tsa", "log", "show", "--json").out

    log = Path("approvals.log")
    whole = log.read_bytes()
    log.write_bytes(whole.replace(b'"ci"', b'"me"'))
    assert shell("tsa", "log", "verify").status == 1
    log.write_bytes(b"")
    outcome = shell.fails("LogBroken", "tsa", "log", "verify", status=1)
    assert "was cut" in outcome.err
    assert shell("tsa", "log", "verify", "--write-head").status == 0
    assert shell("tsa", "log", "verify").status == 0
    shell.fails("LogBroken", "tsa", "log", "verify", "--head", head, status=1)


def test_init_with_a_key_that_is_there(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shell.folder)
    site = Site.make(shell.folder)
    (shell.folder / "tsa.toml").unlink()
    anchor = site.anchor_file
    made = shell(
        "tsa", "init", "--key", "key.pem", "--anchor", anchor, "--policy", PRODUCTION, "--anonymous"
    )
    assert (made.status, made.out) == (0, "")
    config = site.config
    assert config.anonymous is not None
    assert config.policies == {"default": PRODUCTION}
    make_app(config)


def test_tokens_and_passwords(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    made = dict(line.split(": ") for line in shell("tsa", "token").out.splitlines())
    assert made["token"].startswith("sota_")
    assert len(made["token"]) == 48
    assert made["hash"].startswith("sha256:")
    hashed = hash_password(b"secret")
    assert is_password(b"secret", hashed)
    assert not is_password(b"Secret", hashed)
    assert hash_password(b"secret") != hashed

    monkeypatch.setattr("sys.stdin", io.StringIO("s3cret\n"))
    text = shell("tsa", "token", "--password").out.strip()[len("hash: ") :]
    assert is_password(b"s3cret", text)
    monkeypatch.setattr("sys.stdin", io.StringIO(made["token"] + "\n"))
    assert shell("tsa", "token", "--stdin").out.strip() == f"hash: {made['hash']}"
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    shell.fails("Usage", "tsa", "token", "--stdin")
