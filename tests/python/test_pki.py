"""Keys and their certificates."""

from __future__ import annotations

import datetime as dt
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from authorities import Company, old_key_file, pem
from platformio_secureota import Reason, Refused, TrustAnchor, Unusable, atomic, pki

NOW = dt.datetime(2026, 5, 4, 3, 2, 1, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize("kind", pki.KINDS)
def test_certificate_is_a_signers(kind: str) -> None:
    certificate = pki.generate(kind, name="me", now=NOW).certificate
    assert certificate.subject.rfc4514_string() == "CN=me"
    assert certificate.issuer == certificate.subject
    assert 0 < certificate.serial_number < 2**63
    assert certificate.not_valid_before_utc == NOW
    assert certificate.not_valid_after_utc == NOW.replace(year=2046)
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
    certificate.verify_directly_issued_by(certificate)
    extensions = {e.oid: e for e in certificate.extensions}
    usage = extensions[ExtensionOID.EXTENDED_KEY_USAGE]
    assert usage.critical
    assert list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
    constraints = extensions[ExtensionOID.BASIC_CONSTRAINTS]
    assert constraints.critical
    assert not constraints.value.ca
    key_usage = extensions[ExtensionOID.KEY_USAGE]
    assert key_usage.critical
    assert key_usage.value.digital_signature
    assert not key_usage.value.key_cert_sign


def test_kinds_are_what_they_say() -> None:
    keys = {kind: pki.generate(kind).key for kind in pki.KINDS}
    curves = [k.curve.name for k in keys.values() if isinstance(k, ec.EllipticCurvePrivateKey)]
    sizes = [k.key_size for k in keys.values() if isinstance(k, rsa.RSAPrivateKey)]
    assert (curves, sizes) == (["secp256r1", "secp384r1"], [2048, 3072])
    with pytest.raises(Unusable, match="ed25519") as caught:
        pki.generate("ed25519")
    assert caught.value.reason is Reason.Usage


@pytest.mark.parametrize("kind", pki.KINDS)
def test_certificate_serves_as_an_anchor(kind: str) -> None:
    anchor = TrustAnchor.from_der(pki.generate(kind).certificate_der)
    assert not anchor.may_issue


def test_two_keys_without_names_have_different_names() -> None:
    first, second = pki.generate(), pki.generate()
    assert first.certificate.subject != second.certificate.subject
    assert first.fingerprint[:8] in first.certificate.subject.rfc4514_string()


@pytest.mark.parametrize("name", ["x" * 65, "a\nb", "\x1b[2J"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(Unusable) as caught:
        pki.generate(name=name)
    assert caught.value.reason is Reason.Usage


def test_policies_are_asserted() -> None:
    certificate = pki.generate(policies=["1.3.6.1.4.1.99999.1"]).certificate
    policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert [p.policy_identifier.dotted_string for p in policies] == ["1.3.6.1.4.1.99999.1"]
    with pytest.raises(Unusable) as caught:
        pki.generate(policies=["not.an.oid"])
    assert caught.value.reason is Reason.Usage


# -- the file ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", pki.KINDS)
@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_file_round_trip(tmp_path: Path, kind: str, passphrase: bytes | None) -> None:
    path = tmp_path / "key.pem"
    identity = pki.generate(kind)
    pki.write_pem(path, identity, passphrase=passphrase)
    loaded = pki.load_identity(path, passphrase=passphrase)
    assert loaded.certificate == identity.certificate
    assert loaded.chain == ()
    assert loaded.key.private_numbers() == identity.key.private_numbers()
    assert (b"ENCRYPTED" in path.read_bytes()) == bool(passphrase)


def test_file_is_private_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    fsync = os.fsync

    def watch(descriptor: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    old = os.umask(0)
    try:
        pki.write_pem(tmp_path / "key.pem", pki.generate())
    finally:
        os.umask(old)
    assert modes == [0o600]
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["key.pem"]
    assert pki.exposed_mode(tmp_path / "key.pem") == ""
    (tmp_path / "key.pem").chmod(0o640)
    assert pki.exposed_mode(tmp_path / "key.pem") == "0640"


def test_existing_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    pki.write_pem(path, pki.generate())
    before = path.read_bytes()
    with pytest.raises(Unusable) as caught:
        pki.write_pem(path, pki.generate())
    assert caught.value.reason is Reason.FileUnwritable
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["key.pem"]
    pki.write_pem(path, pki.generate(), replace=True)
    assert path.read_bytes() != before


def test_existing_file_is_kept_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "file"
    atomic.write(path, b"first", replace=False)
    with pytest.raises(Unusable) as caught:
        atomic.write(path, b"second", replace=False)
    assert caught.value.reason is Reason.FileUnwritable
    assert path.read_bytes() == b"first"


def test_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unusable, match="No space left") as caught:
        atomic.write(tmp_path / "file", b"data")
    assert caught.value.reason is Reason.FileUnwritable
    assert list(tmp_path.iterdir()) == []


def test_public_files_obey_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        atomic.write(tmp_path / "file", b"data")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_file_with_a_chain_in_any_order(tmp_path: Path) -> None:
    company = Company.make()
    path = tmp_path / "key.pem"
    pki.write_pem(path, company.signer)
    loaded = pki.load_identity(path)
    assert loaded.chain == (company.intermediate.certificate, company.root.certificate)
    assert loaded.anchor_der == pki.to_der(company.root.certificate)
    key = company.signer.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    path.write_bytes(pem(company.root.certificate, company.signer.certificate) + key)
    loaded = pki.load_identity(path)
    assert loaded.certificate == company.signer.certificate
    assert loaded.chain == (company.root.certificate,)


def test_file_made_by_openssl(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    # With its EC PARAMETERS block and an encrypted key in the traditional form.
    key = subprocess.run(
        ["openssl", "ecparam", "-name", "prime256v1", "-genkey"], capture_output=True, check=True
    ).stdout
    plain = str(tmp_path / "plain.pem")
    Path(plain).write_bytes(key)
    command = ["openssl", "req", "-new", "-x509", "-subj", "/CN=o", "-key", plain]
    certificate = subprocess.run(command, capture_output=True, check=True).stdout
    command = ["openssl", "ec", "-aes256", "-passout", "pass:x", "-in", plain]
    encrypted = subprocess.run(command, capture_output=True, check=True).stdout
    path.write_bytes(key + certificate)
    assert pki.load_identity(path, passphrase=b"not needed").chain == ()
    path.write_bytes(encrypted + certificate)
    assert pki.load_identity(path, passphrase=b"x").chain == ()


def _key_pem(key: object) -> bytes:
    encoded: bytes = key.private_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return encoded


def _unusable_files() -> dict[str, tuple[bytes, bytes | None, str]]:
    identity = pki.generate()
    own, other = _key_pem(identity.key), _key_pem(pki.generate().key)
    certificate = pem(identity.certificate)
    locked = identity.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"right"),
    )
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    middle = certificate.index(b"\n") + 20
    return {
        "empty": (b"", None, "one private key"),
        "no key": (certificate, None, "one private key"),
        "two keys": (own + other + certificate, None, "2 found"),
        "no certificate": (own, None, "no certificate"),
        "another's certificate": (other + certificate, None, "none of its 1 certificates"),
        "encrypted, no passphrase": (locked + certificate, None, "encrypted"),
        "encrypted, empty passphrase": (locked + certificate, b"", "encrypted"),
        "encrypted, wrong passphrase": (locked + certificate, b"wrong", "passphrase is wrong"),
        "damaged key": (own.replace(b"M", b"N", 1) + certificate, None, "damaged"),
        "damaged certificate": (
            own + certificate[:middle] + b"AAAA" + certificate[middle + 4 :],
            None,
            "certificate",
        ),
        "Ed25519": (_key_pem(ed25519.Ed25519PrivateKey.generate()) + certificate, None, "kind"),
        "secp256k1": (
            _key_pem(ec.generate_private_key(ec.SECP256K1())) + certificate,
            None,
            "kind",
        ),
        "RSA-1024": (_key_pem(weak) + certificate, None, "kind"),
    }


UNUSABLE = _unusable_files()


@pytest.mark.parametrize("case", UNUSABLE)
def test_unusable_file(tmp_path: Path, case: str) -> None:
    data, passphrase, words = UNUSABLE[case]
    path = tmp_path / "key.pem"
    path.write_bytes(data)
    with pytest.raises(Unusable) as caught:
        pki.load_identity(path, passphrase=passphrase)
    assert caught.value.reason is Reason.KeyUnusable
    assert words in caught.value.detail


def test_missing_and_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(Unusable) as caught:
        pki.load_identity(tmp_path / "none.pem")
    assert caught.value.reason is Reason.KeyMissing
    assert "secureota keygen" in caught.value.hint
    with pytest.raises(Unusable) as caught:
        pki.load_identity(tmp_path)
    assert caught.value.reason is Reason.FileUnreadable


# -- fit to sign? -----------------------------------------------------------------------------


def test_good_identity_is_fit() -> None:
    pki.check_signer(pki.generate(now=NOW), at=NOW)


@pytest.mark.parametrize("away", [dt.timedelta(seconds=-1), pki.LIFETIME + dt.timedelta(seconds=1)])
def test_certificate_must_be_valid(away: dt.timedelta) -> None:
    with pytest.raises(Refused) as caught:
        pki.check_signer(pki.generate(now=NOW), at=NOW + away)
    assert caught.value.reason is Reason.CertificateNotValidAtGenTime


def test_certificate_of_the_old_key_generator(tmp_path: Path) -> None:
    identity = old_key_file(tmp_path / "old.pem")
    with pytest.raises(Refused) as caught:
        pki.check_signer(identity, at=dt.datetime.now(dt.timezone.utc))
    assert caught.value.reason is Reason.SignerIsCa
    assert "secureota keygen" in caught.value.hint


def test_certificate_for_something_else() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + pki.LIFETIME)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=True)
        .sign(key, hashes.SHA256())
    )
    with pytest.raises(Refused) as caught:
        pki.check_signer(pki.SigningIdentity(key, certificate), at=NOW)
    assert caught.value.reason is Reason.WrongPurpose


# -- C ----------------------------------------------------------------------------------------


def test_array_is_the_seeds() -> None:
    text = pki.c_array(bytes(range(14)))
    assert text.startswith("const unsigned char signing_cert[] = {\n  0x00, 0x01,")
    assert text.endswith("0x0b,\n  0x0c, 0x0d\n};\n")
    octets = bytes(int(octet, 16) for octet in re.findall(r"0x[0-9a-f]{2}", text))
    assert octets == bytes(range(14))


@pytest.mark.parametrize("name", ["", "1a", "a b", "a;", "a\n"])
def test_array_needs_a_name_in_c(name: str) -> None:
    with pytest.raises(Unusable) as caught:
        pki.c_array(b"x", name)
    assert caught.value.reason is Reason.Usage


def test_header_compiles_whatever_the_names_are(tmp_path: Path) -> None:
    names = ["plain", "ends in \\", "*/ int x; /*", "??/", "Zoë"]
    certificates = [pki.generate(name=name).certificate for name in names]
    header = tmp_path / "anchors.h"
    header.write_text(pki.c_header(certificates, "anchor"), encoding="utf-8")
    text = header.read_text(encoding="utf-8")
    assert "SecureOTA.addTrustAnchor(anchor_5, sizeof(anchor_5));" in text
    source = tmp_path / "main.cpp"
    source.write_text(
        '#include "anchors.h"\n#include <cstdio>\n'
        "int main() { fwrite(anchor, 1, sizeof(anchor), stdout);"
        " fwrite(anchor_5, 1, sizeof(anchor_5), stdout); }\n"
    )
    command = ["g++", "-std=gnu++11", "-trigraphs", "-Wall", "-Werror", "-Wno-trigraphs"]
    program = tmp_path / "main"
    done = subprocess.run(
        [*command, "-o", program, source], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    written = subprocess.run([program], capture_output=True, check=True).stdout
    assert written == pki.to_der(certificates[0]) + pki.to_der(certificates[4])
