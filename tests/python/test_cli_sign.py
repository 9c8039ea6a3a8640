"""`secureota keygen`, `sign` and `anchor`: files, words and exit statuses."""

from __future__ import annotations

import re
import stat
import subprocess
import time
from pathlib import Path

import pytest

from authorities import Authority, Company, old_key_file, pem
from command_line import Shell
from openssl_tsa import OpensslTsa, serving
from platformio_secureota import pki
from test_tsa_client import FAULTS, IDENTITY, IMAGE, forbidden, good, hung_up


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name in ("KEY_PASSPHRASE", "TSA_TOKEN", "TSA_USER", "TSA_PASSWORD"):
        monkeypatch.delenv(f"SECUREOTA_{name}", raising=False)
    Path("firmware.bin").write_bytes(IMAGE.data)
    return Shell(tmp_path, capsys)


# -- keygen -----------------------------------------------------------------------------------


def test_keygen(shell: Shell) -> None:
    outcome = shell("keygen", "--out", "key.pem", "--name", "me", "--certificate-out", "cert.pem")
    assert outcome.status == 0
    assert stat.S_IMODE(Path("key.pem").stat().st_mode) == 0o600
    identity = pki.load_identity(Path("key.pem"))
    assert identity.certificate.subject.rfc4514_string() == "CN=me"
    assert identity.fingerprint in outcome.err
    assert "Back up key.pem" in outcome.err
    assert "not encrypted" in outcome.err
    assert Path("cert.pem").read_bytes() == pem(identity.certificate)
    # What goes to stdout is C alone, so that it can go into a file.
    array = re.search(r"const unsigned char signing_cert\[\] = \{(.*)\};", outcome.out, re.DOTALL)
    assert array is not None
    octets = bytes(int(o, 16) for o in re.findall("0x[0-9a-f]{2}", array.group(1)))
    assert octets == identity.certificate_der
    check = ["gcc", "-fsyntax-only", "-Wall", "-x", "c", "-include", "/dev/stdin", "/dev/null"]
    subprocess.run(check, input=outcome.out, text=True, check=True)


@pytest.mark.parametrize("kind", pki.KINDS)
def test_keygen_kind(shell: Shell, kind: str) -> None:
    assert shell("keygen", "--out", "key.pem", "--kind", kind).status == 0
    assert shell("sign", "firmware.bin", "--key", "key.pem").status == 0


def test_keygen_never_replaces_a_key(shell: Shell) -> None:
    shell("keygen", "--out", "key.pem")
    before = Path("key.pem").read_bytes()
    shell.fails("FileUnwritable", "keygen", "--out", "key.pem")
    shell.fails("FileUnwritable", "keygen", "--out", "b.pem", "--certificate-out", "key.pem")
    assert Path("key.pem").read_bytes() == before


@pytest.mark.parametrize("command", [("keygen",), ("key", "new")])
def test_a_certificate_has_its_place_before_the_key_is_made(
    shell: Shell, command: tuple[str, ...]
) -> None:
    words = (*command, "--out", "key.pem", "--certificate-out")
    Path("file").write_bytes(b"")
    shell.fails("FileUnwritable", *words, "file/cert.pem")
    shell("keygen", "--out", "other.pem")
    shell.fails("FileUnwritable", *words, "other.pem")
    assert not Path("key.pem").exists()
    assert shell(*words, "secureota/new/cert.pem").status == 0
    assert Path("secureota/new/cert.pem").read_bytes() in Path("key.pem").read_bytes()


def test_keygen_with_a_passphrase(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECUREOTA_KEY_PASSPHRASE", "hunter2")
    outcome = shell("keygen", "--out", "key.pem")
    assert "hunter2" not in outcome.out + outcome.err
    assert b"ENCRYPTED" in Path("key.pem").read_bytes()
    assert shell("sign", "firmware.bin", "--key", "key.pem").status == 0
    monkeypatch.setenv("SECUREOTA_KEY_PASSPHRASE", "wrong")
    outcome = shell.fails("KeyUnusable", "sign", "firmware.bin", "--key", "key.pem")
    assert "hunter2" not in outcome.err
    monkeypatch.delenv("SECUREOTA_KEY_PASSPHRASE")
    outcome = shell.fails("KeyUnusable", "sign", "firmware.bin", "--key", "key.pem")
    assert "SECUREOTA_KEY_PASSPHRASE" in outcome.err


def test_keygen_where_nothing_can_be_written(shell: Shell) -> None:
    shell.fails("FileUnwritable", "keygen", "--out", "none/key.pem")
    shell.fails("Usage", "keygen", "--out", "key.pem", "--name", "x" * 65)
    shell.fails("Usage", "keygen", "--out", "key.pem", "--policy", "1.2.x")
    shell.fails("Usage", "keygen")
    assert not Path("key.pem").exists()


# -- sign with a key --------------------------------------------------------------------------


def test_sign_with_a_key(shell: Shell) -> None:
    shell("keygen", "--out", "key.pem", "--name", "me", "--certificate-out", "cert.pem")
    outcome = shell("sign", "firmware.bin", "--key", "key.pem", "--token-out", "firmware.tsr")
    assert outcome.status == 0
    assert outcome.err == ""
    assert "CN=me: firmware.signed.bin" in outcome.out
    assert shell("verify", "--anchor", "cert.pem", "firmware.signed.bin").status == 0
    container = Path("firmware.signed.bin").read_bytes()
    assert container.endswith(Path("firmware.tsr").read_bytes() + IMAGE.data)
    judge = ["openssl", "ts", "-verify", "-in", "firmware.tsr", "-data", "firmware.bin"]
    subprocess.run([*judge, "-CAfile", "cert.pem"], check=True, capture_output=True)
    assert sorted(path.name for path in shell.folder.iterdir()) == [
        "cert.pem",
        "firmware.bin",
        "firmware.signed.bin",
        "firmware.tsr",
        "key.pem",
    ]


def test_sign_names_its_output(shell: Shell) -> None:
    shell("keygen", "--out", "key.pem")
    Path("program").write_bytes(b"\x7fELF")
    shell("sign", "program", "--key", "key.pem")
    assert Path("program.signed.bin").exists()
    shell("sign", "program", "--key", "key.pem", "-o", "other")
    assert Path("other").exists()


def test_sign_with_a_chain_is_checked_against_its_end(shell: Shell) -> None:
    company = Company.make()
    pki.write_pem(Path("key.pem"), company.signer)
    root = company.write_anchor(shell.folder)
    assert shell("sign", "firmware.bin", "--key", "key.pem").status == 0
    assert shell("verify", "--anchor", root, "firmware.signed.bin").status == 0
    stranger = Path("stranger.pem")
    stranger.write_bytes(pem(Authority.make("stranger").certificate))
    more = ("--anchor", stranger, "-o", "out.bin", "--token-out", "out.tsr")
    shell.fails("NotTrusted", "sign", "firmware.bin", "--key", "key.pem", *more, status=1)
    assert not Path("out.bin").exists()
    assert not Path("out.tsr").exists()


def test_sign_for_old_readers(shell: Shell) -> None:
    shell("keygen", "--out", "key.pem")
    outcome = shell("sign", "firmware.bin", "--key", "key.pem", "--compat", "redwax")
    assert outcome.status == 0
    strict = ("--anchor", "key.pem", "--require-ess-v2", "firmware.signed.bin")
    outcome = shell("verify", *strict)
    assert outcome.last_line.split()[:2] == ["refused:", "SigningCertificateV2Required"]
    assert shell("verify", "--anchor", "key.pem", "firmware.signed.bin").status == 0


@pytest.mark.parametrize("certs", ["all", "signer", "none"])
def test_sign_certs(shell: Shell, certs: str) -> None:
    shell("keygen", "--out", "key.pem")
    shell("sign", "firmware.bin", "--key", "key.pem", "--certs", certs)
    assert shell("verify", "--anchor", "key.pem", "firmware.signed.bin").status == 0
    assert (len(Path("firmware.signed.bin").read_bytes()) < 600) == (certs == "none")


def test_sign_with_a_policy(shell: Shell) -> None:
    shell("keygen", "--out", "key.pem", "--policy", "1.2.3", "--policy", "1.2.4")
    sign = ("sign", "firmware.bin", "--key", "key.pem", "--policy")
    assert shell(*sign, "1.2.4").status == 0
    verify = ("verify", "--anchor", "key.pem", "firmware.signed.bin", "--policy")
    assert shell(*verify, "1.2.4").status == 0
    assert shell(*verify, "1.2.3", "--policy", "1.2.4").status == 0
    assert "PolicyNotAccepted" in shell(*verify, "1.2.3").last_line
    shell.fails("NotGranted", *sign, "1.2.5", status=1)


def test_sign_warns_about_an_open_key_file(shell: Shell) -> None:
    shell("keygen", "--out", "key.pem")
    Path("key.pem").chmod(0o644)
    outcome = shell("sign", "firmware.bin", "--key", "key.pem")
    assert outcome.status == 0
    assert "warning: key.pem has mode 0644" in outcome.err


def test_sign_with_a_key_of_the_old_generator(shell: Shell) -> None:
    old_key_file(Path("old.pem"))
    outcome = shell.fails("SignerIsCa", "sign", "firmware.bin", "--key", "old.pem", status=1)
    assert "secureota keygen" in outcome.err
    assert not Path("firmware.signed.bin").exists()


def test_sign_refuses_what_makes_no_sense(shell: Shell) -> None:
    shell("keygen", "--out", "key.pem")
    key = ("--key", "key.pem")
    shell("sign", "firmware.bin", *key)
    Path("empty.bin").touch()
    Path("rubbish.pem").write_text("rubbish")
    before = Path("key.pem").read_bytes()
    shell.fails("Usage", "sign", "firmware.bin")
    shell.fails("Usage", "sign", "firmware.bin", *key, "--tsa", "https://tsa.example/")
    shell.fails("Usage", "sign", "firmware.signed.bin", *key)
    shell.fails("Usage", "sign", "firmware.bin", *key, "-o", "firmware.bin")
    shell.fails("Usage", "sign", "firmware.bin", *key, "-o", "x", "--token-out", "x")
    shell.fails("Usage", "sign", "firmware.bin", *key, "--certs", "some")
    shell.fails("Usage", "sign", "firmware.bin", *key, "--policy", "production")
    shell.fails("FileUnreadable", "sign", "none.bin", *key)
    shell.fails("FileUnreadable", "sign", "empty.bin", *key)
    shell.fails("FileUnreadable", "sign", "firmware.bin", *key, "--anchor", "none.pem")
    shell.fails("AnchorUnusable", "sign", "firmware.bin", *key, "--anchor", "rubbish.pem")
    shell.fails("KeyMissing", "sign", "firmware.bin", "--key", "none.pem")
    shell.fails("KeyUnusable", "sign", "firmware.bin", "--key", "rubbish.pem")
    shell.fails("FileUnwritable", "sign", "firmware.bin", *key, "-o", "none/x")
    shell.fails("FileUnwritable", "sign", "firmware.bin", *key, "-o", "key.pem")
    assert Path("key.pem").read_bytes() == before
    assert not Path("x").exists()


# -- sign by an authority ---------------------------------------------------------------------


def test_sign_by_openssl(shell: Shell) -> None:
    company = Company.make("rsa2048")
    root = company.write_anchor(shell.folder)
    folder = shell.folder / "tsa"
    folder.mkdir()
    with serving(OpensslTsa(folder, company.signer).answer) as server:
        command = ("sign", "firmware.bin", "--tsa", server.url, "--anchor", root)
        outcome = shell(*command, "--token-out", "firmware.tsr", "--compat", "redwax")
        assert outcome.status == 0, outcome
        assert outcome.err == ""
        modern = ("-o", "modern.bin", "--policy", "1.3.6.1.4.1.99999.2")
        assert shell(*command, *modern).status == 0
    assert shell("verify", "--anchor", root, "firmware.signed.bin").status == 0
    assert shell("verify", "--anchor", root, "modern.bin").status == 0
    judge = ["openssl", "ts", "-verify", "-in", "firmware.tsr", "-data", "firmware.bin"]
    subprocess.run([*judge, "-CAfile", root], check=True, capture_output=True)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_fault_of_an_authority(shell: Shell, fault: object) -> None:
    reason = FAULTS[fault]  # type: ignore[index]
    Path("anchor.pem").write_bytes(pem(IDENTITY.certificate))
    Path("firmware.signed.bin").write_bytes(b"from before")
    network = reason.value in ("TsaUnreachable", "TsaReplyUnusable")
    with serving(fault) as server:  # type: ignore[arg-type]
        command = ("sign", "firmware.bin", "--tsa", server.url, "--anchor", "anchor.pem")
        status = 2 if network else 1
        shell.fails(reason.value, *command, "--token-out", "firmware.tsr", status=status)
        shell.fails(reason.value, *command, "-o", "new.bin", status=status)
    assert not Path("firmware.tsr").exists()
    assert not Path("new.bin").exists()
    assert Path("firmware.signed.bin").read_bytes() == b"from before"


def test_authority_too_modern_for_old_readers(shell: Shell) -> None:
    folder = shell.folder / "tsa"
    folder.mkdir()
    Path("anchor.pem").write_bytes(pem(IDENTITY.certificate))
    with serving(OpensslTsa(folder, IDENTITY, ess="sha256").answer) as server:
        command = ("sign", "firmware.bin", "--tsa", server.url, "--anchor", "anchor.pem")
        shell.fails("TsaReplyUnusable", *command, "--compat", "redwax")
        assert not Path("firmware.signed.bin").exists()


def test_authority_needs_an_anchor(shell: Shell) -> None:
    with serving(good) as server:
        shell.fails("AnchorMissing", "sign", "firmware.bin", "--tsa", server.url)
        # An anchor never comes out of a reply, and without one there is no reason to ask.
        assert server.seen == []


def test_secrets_stay_secret(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("anchor.pem").write_bytes(pem(IDENTITY.certificate))
    anchor = ("--anchor", "anchor.pem")
    monkeypatch.setenv("SECUREOTA_TSA_TOKEN", "hunter2")
    with serving(forbidden) as server:
        refused = shell.fails(
            "TsaReplyUnusable", "sign", "firmware.bin", "--tsa", server.url, *anchor
        )
        assert server.seen[0][1]["Authorization"] == "Bearer hunter2"
    plain = shell.fails("Usage", "sign", "firmware.bin", "--tsa", "http://tsa.example/", *anchor)
    monkeypatch.delenv("SECUREOTA_TSA_TOKEN")
    url = "https://me:hunter2@tsa.example/"
    inside = shell.fails("Usage", "sign", "firmware.bin", "--tsa", url, *anchor)
    assert "hunter2" not in refused.err + plain.err + inside.err


def test_plain_http_is_warned_about(shell: Shell) -> None:
    Path("anchor.pem").write_bytes(pem(IDENTITY.certificate))
    command = ("sign", "firmware.bin", "--anchor", "anchor.pem", "--tsa-timeout", "5")
    with serving(hung_up) as server:
        # The name is never looked up: the proxy would do that, and it hangs up.
        proxy = ("--tsa-proxy", server.url)
        outcome = shell(*command, "--tsa", "http://tsa.invalid/", *proxy)
    assert outcome.status == 2
    assert outcome.err.startswith("secureota: warning: --tsa is plain http")


def test_timeout_is_the_users(shell: Shell) -> None:
    Path("anchor.pem").write_bytes(pem(IDENTITY.certificate))

    def slow(handler: object, request: bytes) -> None:
        del handler, request
        time.sleep(2)

    with serving(slow) as server:
        command = ("sign", "firmware.bin", "--tsa", server.url, "--anchor", "anchor.pem")
        start = time.monotonic()
        shell.fails("TsaUnreachable", *command, "--tsa-timeout", "0.2")
        assert time.monotonic() - start < 1.5


# -- anchor -----------------------------------------------------------------------------------


def test_anchor(shell: Shell) -> None:
    company = Company.make()
    pki.write_pem(Path("key.pem"), pki.generate(name="second"))
    root = company.write_anchor(shell.folder)
    Path("root.der").write_bytes(pki.to_der(company.root.certificate))
    header = shell("anchor", root, "key.pem", "root.der", "--name", "trusted")
    assert header.status == 0
    names = re.findall(r"const unsigned char (\w+)\[\]", header.out)
    assert names == ["trusted", "trusted_2", "trusted_3"]
    assert "PRIVATE" not in header.out
    assert shell("anchor", root, "-o", "anchor.h").out == ""
    assert Path("anchor.h").read_text(encoding="utf-8") == shell("anchor", root).out


def test_anchor_that_is_none(shell: Shell) -> None:
    Path("rubbish.pem").write_text("rubbish")
    pki.write_pem(Path("key.pem"), pki.generate())
    shell.fails("Usage", "anchor")
    shell.fails("FileUnreadable", "anchor", "none.pem")
    shell.fails("AnchorUnusable", "anchor", "rubbish.pem")
    shell.fails("Usage", "anchor", "key.pem", "--name", "a-b")
    shell.fails("FileUnwritable", "anchor", "key.pem", "-o", "key.pem")
