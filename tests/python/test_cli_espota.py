"""`secureota espota`: every command line of the older tool's documentation, and its flags."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from authorities import Company
from emulated_device import PROGRAM, EmulatedDevice
from openssl_tsa import OpensslTsa, send, serving
from platformio_secureota import Image, pki
from platformio_secureota import container as containers
from platformio_secureota.cli import espota_signing, main
from platformio_secureota.errors import Reason, Refused
from platformio_secureota.manifest import ImageKind, Manifest
from platformio_secureota.timestamp import TimeStampReq, parse_request
from platformio_secureota.tsa import LocalTSA
from stock_device import Behaviour, StockDevice

IMAGE = b"\xe9" + b"image" * 1000


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and nothing in the environment."""
    for name in ("SECUREOTA_PASSWORD", "SECUREOTA_TRUST_ANCHORS", "SECUREOTA_KEY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)


@pytest.fixture
def image() -> str:
    Path("SecureOTA.bin").write_bytes(IMAGE)
    return "SecureOTA.bin"


@pytest.fixture
def key() -> str:
    pki.write_pem(Path("secret-signing-key.pem"), pki.generate())
    return "secret-signing-key.pem"


def firmware() -> str:
    """An image that the emulated device can start: its own program, and one byte."""
    assert PROGRAM.is_file(), "run `make device-asan` first"
    Path("SecureOTA.bin").write_bytes(PROGRAM.read_bytes() + b"\n")
    return "SecureOTA.bin"


def to(device: StockDevice | EmulatedDevice) -> list[str]:
    return ["espota", "-i", "127.0.0.1", "-p", str(device.port)]


# -- the documentation's command lines, against a device -----------------------------------------


def test_generate_a_signing_key(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["espota", "--signing-key=secret-signing-key.pem", "--generate-signing-key"]
    assert main(line) == 0
    identity = pki.load_identity(Path("secret-signing-key.pem"))
    shown = capsys.readouterr().out
    array = re.search(r"const unsigned char signing_cert\[[0-9]*\] = \{([^}]*)\}", shown)
    assert array is not None
    octets = bytes(int(octet, 16) for octet in re.findall(r"0x[0-9a-f]{2}", array[1]))
    assert octets == identity.certificate_der
    assert Path("secret-signing-key.pem").stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_written_over(key: str) -> None:
    before = Path(key).read_bytes()
    assert main(["espota", "-K", key, "-G"]) == 2
    assert Path(key).read_bytes() == before


def test_sign_with_a_key_and_send(
    key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with EmulatedDevice(tmp_path / "flash", "--anchor", key) as device:
        assert main([*to(device), "-f", firmware(), f"--signing-key={key}"]) == 0
        device.wait_for("restarting into slot 1")
        device.wait_for("listening on ")
    assert capsys.readouterr().out.startswith("accepted: ")


def test_a_device_that_trusts_another_key_refuses(
    key: str, image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pki.write_pem(Path("other.pem"), pki.generate())
    with EmulatedDevice(tmp_path / "flash", "--anchor", "other.pem") as device:
        assert main([*to(device), "-f", image, "--signing-key", key]) == 1
        device.wait_for("refused: NotTrusted")
    said = capsys.readouterr()
    assert said.out == ""
    assert "refused: NotTrusted: " in said.err
    assert "said by the device" in said.err


def test_sign_by_a_server_without_an_anchor_and_send(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The device decides, and the tool says that it has not."""
    company = Company.make()
    anchor = company.write_anchor(tmp_path)
    authority = OpensslTsa(tmp_path, company.signer)
    device = EmulatedDevice(tmp_path / "flash", "--anchor", str(anchor))
    with serving(authority.answer) as server, device:
        assert main([*to(device), "-f", firmware(), f"--sign={server.url}"]) == 0
        device.wait_for("restarting into slot 1")
    said = capsys.readouterr()
    assert "nobody here has checked who signed this" in said.err
    assert said.out.startswith("accepted: ")


def test_a_device_that_does_not_trust_the_server_refuses(
    image: str, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = OpensslTsa(tmp_path, Company.make().signer)
    device = EmulatedDevice(tmp_path / "flash", "--anchor", key)
    with serving(authority.answer) as server, device:
        assert main([*to(device), "-f", image, "--sign", server.url]) == 1
    assert "refused: NotTrusted: " in capsys.readouterr().err


def test_a_password_on_the_command_line_works_and_is_warned_about(
    key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--anchor", key, "--password-env", "THE_PASSWORD"]
    secret = {"THE_PASSWORD": "sesame"}
    with EmulatedDevice(tmp_path / "flash", *options, environment=secret) as device:
        line = [*to(device), "-f", firmware(), "-K", key]
        assert main([*line, "-a", "sesam"]) == 1
        assert "refused: NotAuthorized: " in capsys.readouterr().err
        assert main([*line, "--auth=sesame"]) == 0
    said = capsys.readouterr().err
    assert "shows in process lists and logs" in said
    assert "sesame" not in said


# -- anchors for --sign --------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["option", "environment", "project"])
def test_an_answer_that_the_anchors_do_not_vouch_for_is_not_sent(
    how: str,
    image: str,
    key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    authority = OpensslTsa(tmp_path, Company.make().signer)
    options: list[str] = []
    if how == "option":
        options = ["--anchor", key]
    elif how == "environment":
        monkeypatch.setenv("SECUREOTA_TRUST_ANCHORS", key)
    else:
        Path("secureota").mkdir()
        Path("secureota/anchor.pem").write_bytes(Path(key).read_bytes())
    with serving(authority.answer) as server, StockDevice() as device:
        assert main([*to(device), "-f", image, "--sign", server.url, *options]) == 1
    assert device.heard == []
    said = capsys.readouterr().err
    assert "refused: NotTrusted: " in said
    assert "nobody here has checked" not in said


def test_an_answer_that_the_anchors_vouch_for_is_sent(image: str, tmp_path: Path) -> None:
    company = Company.make()
    anchor = company.write_anchor(tmp_path)
    authority = OpensslTsa(tmp_path, company.signer)
    with serving(authority.answer) as server, StockDevice() as device:
        line = [*to(device), "-f", image, "-S", server.url, "--anchor", str(anchor)]
        assert main(line) == 0
    assert containers.parse(device.received).image == IMAGE


def test_the_answer_of_a_server_without_an_anchor_is_checked_as_far_as_that_goes(
    image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    replies = [b"rubbish", b"\x30\x03\x02\x01\x02", b"\x30\x05\x30\x03\x02\x01\x02"]
    for reply in replies:
        with serving(lambda handler, _, r=reply: send(handler, r)) as server:
            with StockDevice() as device:
                assert main([*to(device), "-f", image, "-S", server.url]) == 1
            assert device.heard == []
    said = capsys.readouterr().err
    assert "refused: NotDer: " in said
    assert "refused: NotGranted: " in said


class Substitute:
    """An authority that answers another request than the one it got."""

    def __init__(self, **changes: object) -> None:
        self._tsa = LocalTSA(pki.generate())
        self._changes = changes

    def timestamp(self, request: bytes) -> bytes:
        parsed = parse_request(request)
        fields = {"digest": parsed.imprint, "nonce": parsed.nonce, **self._changes}
        return self._tsa.timestamp(TimeStampReq(**fields).encode())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"digest": bytes(32)}, Reason.ImageMismatch),
        ({"nonce": 7}, Reason.NonceMismatch),
        ({"nonce": None}, Reason.NonceMismatch),
    ],
)
def test_an_unverified_token_is_at_least_for_this_image_and_request(
    changes: dict[str, object], reason: Reason
) -> None:
    with pytest.raises(Refused) as caught:
        espota_signing.container_with_unverified_token(Image(IMAGE), Substitute(**changes))
    assert caught.value.reason is reason


# -- what is sent --------------------------------------------------------------------------------


def test_an_unsigned_image_is_not_sent(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    with StockDevice() as device:
        assert main([*to(device), "-f", image]) == 1
    assert device.heard == []
    said = capsys.readouterr().err
    assert "refused: NotSigned: " in said
    assert "--signing-key=FILE or --sign=URL" in said


def test_a_signed_image_is_sent_as_it_is(image: str, key: str) -> None:
    assert main(["sign", image, "--key", key]) == 0
    signed = Path("SecureOTA.signed.bin")
    with StockDevice() as device:
        assert main([*to(device), "-f", str(signed)]) == 0
    assert device.received == signed.read_bytes()


def test_a_signed_image_is_not_signed_again(
    image: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sign", image, "--key", key]) == 0
    with StockDevice() as device:
        assert main([*to(device), "-f", "SecureOTA.signed.bin", "-K", key]) == 2
    assert device.heard == []
    assert "is signed already" in capsys.readouterr().err


def test_a_damaged_container_is_not_taken_for_an_image(image: str, key: str) -> None:
    assert main(["sign", image, "--key", key]) == 0
    whole = Path("SecureOTA.signed.bin").read_bytes()
    Path("cut.bin").write_bytes(whole[:-1])
    with StockDevice() as device:
        assert main([*to(device), "-f", "cut.bin", "-K", key]) == 1
    assert device.heard == []


def test_a_filesystem_image(image: str, key: str) -> None:
    with StockDevice() as device:
        assert main([*to(device), "-f", image, "-K", key, "--spiffs"]) == 0
    assert device.command == 100
    data = Path(image).read_bytes()
    received = containers.parse(device.received).image
    assert received == data + Manifest(ImageKind.FILESYSTEM).encode()
    with StockDevice() as device:
        assert main([*to(device), "-f", image, "-K", key, "-s", "--compat", "redwax"]) == 0
    assert containers.parse(device.received).image == data


def test_the_digest_of_the_invitation(image: str, key: str) -> None:
    for option, name in ((["-m", "md5"], "MD5"), (["--digest=SHA256"], "SHA256"), ([], "SHA256")):
        with StockDevice() as device:
            assert main([*to(device), "-f", image, "-K", key, *option]) == 0
        assert f" md={name} " in device.heard[0]
        assert device.digest_fits


def test_tokens_for_old_readers(image: str, key: str) -> None:
    with StockDevice() as device:
        assert main([*to(device), "-f", image, "-K", key, "--compat", "redwax"]) == 0
    token = containers.parse(device.received).token
    assert bytes.fromhex("2a864886f70d010910020c") in token  # signingCertificate
    assert bytes.fromhex("2a864886f70d010910022f") not in token  # signingCertificateV2


@pytest.mark.parametrize("option", [["-A", "md5"], ["--md5-target"]])
def test_md5_passwords_where_they_are_asked_for(
    option: list[str], image: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["-f", image, "-K", key, "-a", "sesame"]
    with StockDevice(Behaviour(password="sesame", nonce_digits=32)) as device:
        assert main([*to(device), *line]) == 1
        assert "WeakPasswordForm" in capsys.readouterr().err
        assert main([*to(device), *line, *option]) == 0


def test_every_other_flag(image: str, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["-I", "127.0.0.1", "-P", "0", "-t", "9", "-d", "-r", "--file", image, "-K", key]
    with StockDevice() as device:
        line = ["espota", "--ip", "127.0.0.1", "--port", str(device.port), *flags]
        assert main(line) == 0
        said = capsys.readouterr().err
        assert f"UDP port {device.port}" in said
    assert "100 %" in said


def test_quiet_without_the_progress_flag(
    image: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with StockDevice() as device:
        assert main([*to(device), "-f", image, "-K", key, "-I", "0.0.0.0"]) == 0  # noqa: S104 - its default
    assert "%" not in capsys.readouterr().err


def test_a_device_that_does_not_say_ok_is_no_success(image: str, key: str) -> None:
    with StockDevice(Behaviour(connects=False)) as device:
        assert main([*to(device), "-f", image, "-K", key, "-t", "1"]) == 2


@pytest.mark.parametrize(
    "line",
    [
        [],
        ["-i", "127.0.0.1"],
        ["-f", "SecureOTA.bin"],
        ["-G"],
        ["-G", "-K", "new.pem", "-i", "127.0.0.1", "-f", "SecureOTA.bin"],
        ["-i", "127.0.0.1", "-f", "SecureOTA.bin", "-K", "key.pem", "-S", "http://127.0.0.1/"],
        ["-i", "127.0.0.1", "-f", "SecureOTA.bin", "-S", "http://127.0.0.1/", "--compat", "redwax"],
        ["-i", "127.0.0.1", "-f", "SecureOTA.bin", "-m", "crc32"],
    ],
)
@pytest.mark.usefixtures("image")
def test_what_does_not_go_together(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["espota", *line]) == 2
    assert "secureota: error: Usage: " in capsys.readouterr().err
    assert not Path("new.pem").exists()
