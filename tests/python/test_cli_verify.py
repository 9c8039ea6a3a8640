"""`secureota verify` and `inspect`, and how the command line ends."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

import platformio_secureota
from authorities import Company, old_key_file, pem
from command_line import Shell
from openssl_tsa import OpensslTsa
from platformio_secureota import Image, Reason, Refused, container, der, pki
from platformio_secureota.cli import main, options
from platformio_secureota.names import show
from platformio_secureota.report import describe_file
from platformio_secureota.timestamp import TimeStampReq
from platformio_secureota.tsa import LocalTSA
from platformio_secureota.tsa.encode import Accuracy

IMAGE = Image(b"\xe9 firmware")
IDENTITY = pki.generate(name="me")
SIGNED_AT = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)


def signed(identity: pki.SigningIdentity = IDENTITY, **settings: object) -> bytes:
    tsa = LocalTSA(identity, clock=lambda: SIGNED_AT, **settings)  # type: ignore[arg-type]
    token = tsa.timestamp(TimeStampReq(IMAGE.digest, nonce=255).encode())
    return container.build(token, IMAGE.data)


TOKEN = container.parse(signed(ess="both", accuracy=Accuracy(1, 2))).token


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.chdir(tmp_path)
    Path("anchor.pem").write_bytes(pem(IDENTITY.certificate))
    Path("anchor.der").write_bytes(IDENTITY.certificate_der)
    Path("other.pem").write_bytes(pem(pki.generate(name="other").certificate))
    Path("signed.bin").write_bytes(signed())
    return Shell(tmp_path, capsys)


def iso(moment: dt.datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


# -- verify -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "anchors",
    [["anchor.pem"], ["anchor.der"], ["other.pem", "anchor.pem"], ["anchor.der", "other.pem"]],
)
def test_accepted(shell: Shell, anchors: list[str]) -> None:
    arguments = [part for anchor in anchors for part in ("--anchor", anchor)]
    outcome = shell("verify", *arguments, "signed.bin")
    assert outcome.status == 0
    assert outcome.last_line.startswith(f"accepted: signed {iso(SIGNED_AT)} by CN=me, policy 2.25.")
    assert IMAGE.digest.hex() in outcome.last_line


def refusals() -> dict[str, tuple[bytes, list[str], Reason]]:
    good = signed()
    flipped = good[:-1] + bytes([good[-1] ^ 1])
    later = iso(SIGNED_AT + dt.timedelta(seconds=1))
    earlier = iso(SIGNED_AT - dt.timedelta(minutes=6))
    anchor = ["--anchor", "anchor.pem"]
    return {
        "no anchor": (good, [], Reason.NoTrustAnchor),
        "unsigned": (IMAGE.data, anchor, Reason.NotSigned),
        "empty": (b"", anchor, Reason.NotSigned),
        "another's": (good, ["--anchor", "other.pem"], Reason.NotTrusted),
        "flipped": (flipped, anchor, Reason.ImageMismatch),
        "cut": (good[:-1], anchor, Reason.Truncated),
        "longer": (good + b"\n", anchor, Reason.TrailingData),
        "old": (good, [*anchor, "--not-before", later], Reason.OlderThanFloor),
        "new": (good, [*anchor, "--now", earlier], Reason.FromTheFuture),
        "policy": (good, [*anchor, "--policy", "1.2.3"], Reason.PolicyNotAccepted),
        "denied": (good, [*anchor, "--deny", IDENTITY.fingerprint.upper()], Reason.Denied),
        "v1": (
            signed(ess="v1"),
            [*anchor, "--require-ess-v2"],
            Reason.SigningCertificateV2Required,
        ),
    }


REFUSALS = refusals()


@pytest.mark.parametrize("case", REFUSALS)
def test_refused(shell: Shell, case: str) -> None:
    data, arguments, reason = REFUSALS[case]
    Path("image").write_bytes(data)
    outcome = shell("verify", "image", *arguments)
    assert outcome.status == 1
    assert outcome.last_line.split()[:2] == ["refused:", reason.value]


def test_options_that_do_not_bite(shell: Shell) -> None:
    good = ["--not-before", iso(SIGNED_AT), "--now", iso(SIGNED_AT), "--deny", "0" * 64]
    outcome = shell("verify", "--anchor", "anchor.pem", "signed.bin", *good, "--require-ess-v2")
    assert outcome.status == 0
    almost = ["--now", iso(SIGNED_AT - dt.timedelta(minutes=5))]
    assert shell("verify", "--anchor", "anchor.pem", "signed.bin", *almost).status == 0


def test_no_clock_is_read(shell: Shell) -> None:
    # Signed in a far future by a certificate that is not valid yet: nothing but --now minds.
    then = dt.datetime(2049, 1, 1, tzinfo=dt.timezone.utc)
    identity = pki.generate(now=then)
    token = LocalTSA(identity, clock=lambda: then).timestamp(TimeStampReq(IMAGE.digest).encode())
    Path("future.bin").write_bytes(container.build(token, IMAGE.data))
    Path("future.pem").write_bytes(pem(identity.certificate))
    command = ("verify", "--anchor", "future.pem", "future.bin")
    assert shell(*command).status == 0
    assert "FromTheFuture" in shell(*command, "--now", iso(SIGNED_AT)).last_line


def test_what_cannot_be_judged(shell: Shell) -> None:
    Path("rubbish.pem").write_text("rubbish")
    anchor = ("--anchor", "anchor.pem")
    shell.fails("FileUnreadable", "verify", *anchor, "none.bin")
    shell.fails("Usage", "verify", *anchor, ".")
    shell.fails("FileUnreadable", "verify", "--anchor", "none.pem", "signed.bin")
    shell.fails("AnchorUnusable", "verify", "--anchor", "rubbish.pem", "signed.bin")
    shell.fails("Usage", "verify", *anchor)
    shell.fails("Usage", "verify", *anchor, "signed.bin", "--now", "yesterday")
    shell.fails("Usage", "verify", *anchor, "signed.bin", "--deny", "00")
    shell.fails("Usage", "verify", *anchor, "signed.bin", "--policy", "1")
    shell.fails("Usage", "verify", *anchor, "signed.bin", "--skip")


def test_old_certificate_is_named_with_the_way_out(shell: Shell) -> None:
    identity = old_key_file(Path("old.pem"))
    folder = shell.folder / "tsa"
    folder.mkdir()
    token = OpensslTsa(folder, identity).timestamp(TimeStampReq(IMAGE.digest).encode())
    Path("old.bin").write_bytes(container.build(token, IMAGE.data))
    outcome = shell("verify", "--anchor", "old.pem", "old.bin")
    assert outcome.last_line.split()[:2] == ["refused:", "SignerIsCa"]
    assert "secureota keygen" in outcome.err


def test_verdict_is_the_last_line_of_both_streams_together(shell: Shell) -> None:
    command = [sys.executable, "-m", "platformio_secureota", "verify", "signed.bin"]
    done = subprocess.run(
        command,
        cwd=shell.folder,
        env={**os.environ, "PYTHONPATH": package_folder()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("refused: NoTrustAnchor ")
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T12:00:00Z", (2026, 1, 31, 12, 0, 0, 0)),
        ("2026-01-31t12:00:00z", (2026, 1, 31, 12, 0, 0, 0)),
        ("2026-01-31 12:00:00+02:00", (2026, 1, 31, 10, 0, 0, 0)),
        ("2026-01-31T12:00:00.5-01:30", (2026, 1, 31, 13, 30, 0, 500000)),
        ("2026-01-31T12:00:00.1234567Z", (2026, 1, 31, 12, 0, 0, 123456)),
    ],
)
def test_times(text: str, expected: tuple[int, ...]) -> None:
    moment = options.moment(text)
    assert moment == dt.datetime(*expected, tzinfo=dt.timezone.utc)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-02-30T12:00:00Z",
        "2026-01-31T12:00:60Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00Z",
        "\u0662026-01-31T12:00:00Z",
        "x2026-01-31T12:00:00Z",
    ],
)
def test_times_that_are_none(shell: Shell, text: str) -> None:
    shell.fails("Usage", "verify", "signed.bin", "--now", text)


# -- inspect ----------------------------------------------------------------------------------


def test_inspect_json(shell: Shell) -> None:
    image = signed(ess="both", accuracy=Accuracy(1, 2), serial_bits=160)
    Path("image").write_bytes(image)
    outcome = shell("inspect", "--json", "image")
    assert outcome.status == 0
    found = json.loads(outcome.out)
    assert list(found) == ["format", "container", "manifest", "token"]
    assert found["format"] == 1
    assert found["manifest"] is None
    token_size = len(image) - image.index(b"\n") - 1 - len(IMAGE.data)
    assert found["container"] == {
        "header_keys": {},
        "token_size": token_size,
        "image_size": len(IMAGE.data),
        "image_sha256": IMAGE.digest.hex(),
    }
    token = found["token"]
    serial = token.pop("serial")
    assert 0 < int(serial, 16) < 2**160
    assert token.pop("signers")[0]["bound_by"] == ["signingCertificate", "signingCertificateV2"]
    assert token.pop("certificates")[0]["spki_sha256"] == IDENTITY.fingerprint
    assert token == {
        "size": token_size,
        "status": "granted",
        "status_text": [],
        "fail_info": [],
        "gen_time": iso(SIGNED_AT),
        "policy": "2.25.216733991165857232465645737497058247910",
        "imprint_algorithm": "2.16.840.1.101.3.4.2.1",
        "imprint": IMAGE.digest.hex(),
        "imprint_is_of_image": True,
        "nonce": "ff",
        "accuracy": {"seconds": 1, "millis": 2},
    }


def test_inspect_for_people(shell: Shell) -> None:
    outcome = shell("inspect", "signed.bin")
    assert outcome.status == 0
    for expected in (IMAGE.digest.hex(), iso(SIGNED_AT), "CN=me", IDENTITY.fingerprint):
        assert expected in outcome.out
    assert "secureota verify" in outcome.err


def test_inspect_a_bare_token_and_a_rejection(shell: Shell) -> None:
    Path("firmware.tsr").write_bytes(container.parse(signed()).token)
    found = json.loads(shell("inspect", "--json", "firmware.tsr").out)
    assert found["container"] is None
    assert found["token"]["imprint_is_of_image"] is None
    Path("rejected.tsr").write_bytes(LocalTSA(IDENTITY).timestamp(b""))
    found = json.loads(shell("inspect", "--json", "rejected.tsr").out)
    assert found["token"]["status"] == "rejection"
    assert found["token"]["fail_info"] == ["badDataFormat"]
    assert shell("inspect", "rejected.tsr").status == 0


def test_inspect_decides_nothing_but_says_what_it_sees(shell: Shell) -> None:
    Path("flipped").write_bytes(signed()[:-1] + b"\x00")
    found = json.loads(shell("inspect", "--json", "flipped").out)
    assert found["token"]["imprint_is_of_image"] is False


def test_inspect_shows_strangers_words_harmlessly(shell: Shell) -> None:
    company = Company.make()
    hostile = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "\x1b[2J[red]")])
    signer = replace(company.signer, certificate=_renamed(company, hostile))
    Path("image").write_bytes(signed(signer))
    for arguments in ([], ["--json"]):
        outcome = shell("inspect", "image", *arguments)
        assert "\x1b" not in outcome.out
        assert "[2J[red]" in outcome.out


def _renamed(company: Company, name: x509.Name) -> x509.Certificate:
    own = company.signer.certificate
    builder = x509.CertificateBuilder(
        company.intermediate.certificate.subject,
        name,
        own.public_key(),
        own.serial_number,
        own.not_valid_before_utc,
        own.not_valid_after_utc,
    )
    return builder.sign(company.intermediate.key, hashes.SHA256())


def test_inspect_what_is_nothing(shell: Shell) -> None:
    Path("plain").write_bytes(IMAGE.data)
    Path("cut").write_bytes(container.parse(signed()).token[:-1])
    shell.fails("NotSigned", "inspect", "plain", status=1)
    shell.fails("NotDer", "inspect", "cut", status=1)
    shell.fails("FileUnreadable", "inspect", "none")


@given(st.data())
def test_nothing_but_refusals_gets_out_of_a_description(data: st.DataObject) -> None:
    token = bytearray(TOKEN)
    for _ in range(data.draw(st.integers(1, 3))):
        token[data.draw(st.integers(0, len(token) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Refused):
        # What is described can always be shown.
        json.dumps(describe_file(bytes(token)))


@given(st.binary(max_size=60))
def test_any_name_can_be_shown(contents: bytes) -> None:
    pair = der.encode(der.SEQUENCE, bytes.fromhex("0603550403"), contents)
    inside = der.encode(der.SEQUENCE, der.encode(der.SET, pair))
    for name in (contents, der.encode(der.SEQUENCE, contents), inside):
        assert show(name).isprintable()


@pytest.mark.parametrize(
    ("tag", "contents", "expected"),
    [
        (0x0C, "Zoë".encode(), "CN=Zoë"),
        (0x13, b"a,b", "CN=a\\,b"),
        (0x14, b"\xe9", "CN=é"),
        (0x1E, b"\x00A", "CN=A"),
        (0x1E, b"\x00", "CN=#1e0100"),
        (0x0C, b"\xff", "CN=#0c01ff"),
        (0x0C, b"\x1b[2J", "CN=\\x1b[2J"),
        (0x04, b"A", "CN=#040141"),
    ],
)
def test_names(tag: int, contents: bytes, expected: str) -> None:
    pair = der.encode(der.SEQUENCE, bytes.fromhex("0603550403"), der.encode(tag, contents))
    country = der.encode(der.SEQUENCE, bytes.fromhex("0603550406"), der.encode(0x13, b"NL"))
    name = der.encode(der.SEQUENCE, der.encode(der.SET, country), der.encode(der.SET, pair))
    assert show(name) == f"{expected},C=NL"


def test_inspect_every_prefix(shell: Shell) -> None:
    data = container.parse(signed()).token
    for size in range(0, len(data), 7):
        Path("cut").write_bytes(data[:size])
        assert shell("inspect", "cut").status == 1


# -- the command line itself ------------------------------------------------------------------


def package_folder() -> str:
    return str(Path(platformio_secureota.__file__).parent.parent)


def test_version_and_help(shell: Shell) -> None:
    assert shell("--version").out == f"secureota {platformio_secureota.__version__}\n"
    outcome = shell("--help")
    assert outcome.status == 0
    for command in ("keygen", "sign", "verify", "inspect", "anchor", "upload", "espota"):
        assert f"  {command} " in outcome.out
        assert shell(command, "--help").status == 0
        assert shell(command, "-h").out.startswith(f"Usage: secureota {command}")


def test_no_command_and_unknown_command(shell: Shell) -> None:
    outcome = shell()
    assert outcome.status == 2
    assert "Usage: secureota" in outcome.err
    assert "--help" in shell.fails("Usage", "frobnicate").err


def test_a_bug_shows_a_traceback_and_is_no_refusal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def bug(*_: object, **__: object) -> None:
        raise AssertionError("a bug of ours")

    monkeypatch.setattr("platformio_secureota.cli.verify.verify_image", bug)
    (tmp_path / "image").touch()
    assert main(["verify", str(tmp_path / "image")]) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "a bug of ours" in err


def test_output_that_nobody_reads(shell: Shell) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "platformio_secureota", "inspect", "--json", "signed.bin"],
        cwd=shell.folder,
        env={**os.environ, "PYTHONPATH": package_folder()},
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (2, "")


def test_interrupt(tmp_path: Path) -> None:
    # A pipe that nobody writes keeps the command waiting.
    os.mkfifo(tmp_path / "pipe")
    process = subprocess.Popen(
        [sys.executable, "-m", "platformio_secureota", "verify", "pipe"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": package_folder()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_take_interrupts,  # noqa: PLW1509 - nothing else runs in this process
    )
    try:
        # Opened for writing only once the command has opened it for reading.
        writer = _open_when_read(tmp_path / "pipe")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        os.close(writer)
    finally:
        process.kill()
    assert process.returncode == 130
    assert out == ""
    assert err.strip() == "secureota: interrupted"


def _take_interrupts() -> None:
    # What a shell starts in the background ignores Ctrl-C, and hands that down.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _open_when_read(path: Path) -> int:
    deadline = time.monotonic() + 20
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@pytest.mark.parametrize("command", ["verify", "inspect", "anchor", "keygen", "key", "pki", "tsa"])
def test_what_asks_nobody_waits_for_no_network_module(command: str) -> None:
    """They take longer to import than all the rest."""
    code = (
        "import sys\n"
        "from platformio_secureota.cli import main\n"
        f"main([{command!r}, '--help'])\n"
        "sys.exit(' '.join({'requests', 'zeroconf'} & sys.modules.keys()) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
