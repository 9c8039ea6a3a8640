"""Encrypted key files: what protects them, and that others can read them."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization

from command_line import Shell
from platformio_secureota import Reason, Unusable, pki
from platformio_secureota.identity import spki

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "correct hörse"


def openssl(*words: object) -> str:
    command = ["openssl", *(str(word) for word in words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("kind", pki.KINDS)
def test_openssl_reads_it_and_names_scrypt(tmp_path: Path, kind: str) -> None:
    path, words = tmp_path / "key.pem", tmp_path / "words"
    words.write_text(f"{PASSPHRASE}\n", "utf-8")
    identity = pki.generate(kind)
    pki.write_pem(path, identity, passphrase=PASSPHRASE.encode())
    openssl("pkey", "-in", path, "-passin", f"file:{words}", "-pubout", "-out", tmp_path / "pub")
    public = serialization.load_pem_public_key((tmp_path / "pub").read_bytes())
    assert spki(public) == spki(identity.key.public_key())
    structure = openssl("asn1parse", "-in", path)
    for name in (":PBES2", ":scrypt", ":4000", ":aes-256-cbc"):
        assert name in structure
    assert "PBKDF2" not in structure


def test_salt_and_initialisation_vector_are_used_once(tmp_path: Path) -> None:
    path, identity = tmp_path / "key.pem", pki.generate()
    seen: list[str] = []
    for _ in range(2):
        pki.write_pem(path, identity, passphrase=b"x", replace=True)
        seen += re.findall(r"HEX DUMP\]:([0-9A-F]+)", openssl("asn1parse", "-in", path))
    salt, start = seen[:2]
    assert (len(salt), len(start)) == (32, 32)
    assert len(set(seen)) == 6, "salt, start and data of each"


def test_a_wrong_passphrase_and_a_damaged_key(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    pki.write_pem(path, pki.generate(), passphrase=b"right")
    good = path.read_bytes()
    at = good.index(b"\n-----END ENCRYPTED") - 10
    damaged = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
    for data, words in ((good, b"wrong"), (damaged, b"right")):
        path.write_bytes(data)
        with pytest.raises(Unusable, match="passphrase is wrong or the key is damaged") as caught:
            pki.load_identity(path, passphrase=words)
        assert caught.value.reason is Reason.KeyUnusable


def test_older_files_are_read_and_brought_into_todays_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    identity = pki.generate()
    older = identity.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"words"),
    )
    path, words = tmp_path / "key.pem", tmp_path / "words"
    path.write_bytes(older + identity.certificate.public_bytes(serialization.Encoding.PEM))
    assert ":PBKDF2" in openssl("asn1parse", "-in", path)
    assert pki.load_identity(path, passphrase=b"words").fingerprint == identity.fingerprint
    words.write_text("words\n")
    words.chmod(0o600)
    files = ("--passphrase-file", words, "--new-passphrase-file", words)
    assert Shell(tmp_path, capsys)("key", "encrypt", path, *files).status == 0
    assert ":scrypt" in openssl("asn1parse", "-in", path)
    assert pki.load_identity(path, passphrase=b"words").fingerprint == identity.fingerprint
