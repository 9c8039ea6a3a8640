"""What a sketch sees of an update through SecureOTA.h."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING

import pytest

from emulated_device import ROOT, EmulatedDevice, Host, build_version
from flash_file import FlashFile
from platformio_secureota import Image, Reason, Refused, pki, sign
from platformio_secureota.anchors import load_anchors
from platformio_secureota.identity import to_der
from platformio_secureota.ota import Form, Settings, upload
from platformio_secureota.ota.auth import PasswordForm
from platformio_secureota.tsa import LocalTSA

if TYPE_CHECKING:
    from pathlib import Path

    from platformio_secureota.identity import SigningIdentity

POLICY = "1.3.6.1.4.1.99999.1"
START = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1)
OURS = pki.generate(name="ours", now=START)
WITH_POLICY = pki.generate(name="with policy", policies=[POLICY], now=START)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sketch = ROOT / "tests" / "device" / "sketches" / "callbacks.cpp"
    return build_version("1", tmp_path_factory.mktemp("sketch") / "program", sketch=sketch)


def run(tmp_path: Path, program: Path, **environment: str) -> EmulatedDevice:
    anchors = tmp_path / "anchors.der"
    anchors.write_bytes(to_der(OURS.certificate) + to_der(WITH_POLICY.certificate))
    return EmulatedDevice(
        tmp_path / "flash", "--anchor", str(anchors), program=program, environment=environment
    )


def signed(image: bytes, identity: SigningIdentity = OURS) -> bytes:
    anchors = load_anchors(to_der(identity.certificate))
    return sign(Image(image), LocalTSA(identity), anchors=anchors).container


def heard(device: EmulatedDevice) -> list[str]:
    """Return what the sketch said since it listens."""
    lines = [line for line in device.lines if line.startswith(("sketch: ", "listening"))]
    at = max(i for i, line in enumerate(lines) if line.startswith("listening"))
    return [line.removeprefix("sketch: ") for line in lines[at + 1 :]]


def test_before_begin(tmp_path: Path, program: Path) -> None:
    with run(tmp_path, program) as device:
        assert "sketch: a-name" in device.lines  # the first name counts
        assert "sketch: no anchor" in device.lines


def test_callbacks_of_an_update(tmp_path: Path, program: Path) -> None:
    with run(tmp_path, program, SKETCH_STAYS="1") as device:
        upload(signed(program.read_bytes() + b"!"), device.target)
        device.wait_for("sketch: end")
        assert heard(device) == ["start", "all there", "end"]
        assert device.count("restarting") == 0  # as the sketch wished

        # nobody restarted, so that another one may follow, and takes the first one's place
        upload(signed(program.read_bytes() + b"?"), device.target)
        device.wait_for("sketch: end")
        assert FlashFile(tmp_path / "flash").program(1).endswith(b"?")


def test_replay_calls_nobody(tmp_path: Path, program: Path) -> None:
    with run(tmp_path, program) as device:
        upload(signed(program.read_bytes()), device.target)
        device.wait_for("accepted: runs already")
        assert heard(device) == ["all there"]


@pytest.mark.parametrize(
    ("code", "reason"), [(0, "NotAuthorized"), (1, "NoTrustAnchor"), (3, "NotTrusted")]
)
def test_errors_have_the_codes_of_arduino_ota(
    tmp_path: Path, program: Path, code: int, reason: str
) -> None:
    guard = {"SKETCH_PASSWORD_HASH": "0" * 64} if reason == "NotAuthorized" else {}
    device = run(tmp_path, program, **guard)
    if reason == "NoTrustAnchor":
        device = EmulatedDevice(tmp_path / "flash", program=program)
    stranger = pki.generate(name="stranger", now=START)
    with device, pytest.raises(Refused) as refusal:
        upload(signed(b"x", stranger), device.target, password="guess")
    assert refusal.value.reason.value == reason
    assert f"sketch: error {code} {reason}" in device.lines


def test_connection_error(tmp_path: Path, program: Path) -> None:
    with run(tmp_path, program) as device:
        with Host(device) as host:
            assert host.ask(b"0 1 100 " + b"0" * 32 + b"\n") == b"OK"
        device.wait_for("sketch: error 2 ConnectionLost")


def test_end_error(tmp_path: Path, program: Path) -> None:
    with run(tmp_path, program) as device:
        with Host(device) as host:
            assert host.upload(signed(b"image")[:-1] + b"!").startswith("ImageMismatch")
        device.wait_for("sketch: error 4 ImageMismatch")


class TestPolicy:
    """requirePolicy() holds from the moment it is called."""

    def test_required(self, tmp_path: Path, program: Path) -> None:
        with run(tmp_path, program, SKETCH_POLICY=POLICY) as device:
            with pytest.raises(Refused) as refusal:
                upload(signed(program.read_bytes()), device.target)
            assert refusal.value.reason is Reason.PolicyNotAccepted
            upload(signed(program.read_bytes(), WITH_POLICY), device.target)

    def test_misspelt(self, tmp_path: Path, program: Path) -> None:
        with run(tmp_path, program, SKETCH_POLICY="1.3,6") as device:
            device.wait_for("sketch: policy not understood")
            for identity in (OURS, WITH_POLICY):
                with pytest.raises(Refused) as refusal:
                    upload(signed(program.read_bytes(), identity), device.target)
                assert refusal.value.reason is Reason.PolicyNotAccepted


class TestPasswordHash:
    """setPasswordHash() as sketches have it."""

    @pytest.mark.parametrize("algorithm", ["sha256", "md5"])
    def test_of_either_kind(self, tmp_path: Path, program: Path, algorithm: str) -> None:
        hashed = hashlib.new(algorithm, b"secret").hexdigest()
        with run(tmp_path, program, SKETCH_PASSWORD_HASH=hashed) as device:
            verdict = upload(
                signed(program.read_bytes()),
                device.target,
                password="secret",
                settings=Settings(allow_weak_password=algorithm == "md5"),
            )
        expected = {"sha256": PasswordForm.PBKDF2, "md5": PasswordForm.STORED_MD5}
        assert verdict.password_form is expected[algorithm]

    def test_md5_form_for_stock_hosts(self, tmp_path: Path, program: Path) -> None:
        hashed = hashlib.md5(b"secret", usedforsecurity=False).hexdigest()
        data = signed(program.read_bytes())
        device = run(tmp_path, program, SKETCH_PASSWORD_HASH=hashed, SKETCH_ALLOWS_MD5="1")
        with device, Host(device) as host:
            nonce = host.ask(host.stock_invitation(data)).removeprefix(b"AUTH ").decode()
            assert len(nonce) == 32
            proof = f"{hashed}:{nonce}:{'c' * 32}".encode()
            response = hashlib.md5(proof, usedforsecurity=False).hexdigest()
            assert host.ask(f"200 {'c' * 32} {response}\n".encode()) == b"OK"
            assert host.deliver(data) == "OK"

    def test_that_is_none_locks_everybody_out(self, tmp_path: Path, program: Path) -> None:
        with run(tmp_path, program, SKETCH_PASSWORD_HASH="no hash") as device:
            for password in ("no hash", "secret"):
                with pytest.raises(Refused) as refusal:
                    upload(signed(program.read_bytes()), device.target, password=password)
                assert refusal.value.reason is Reason.NotAuthorized


def test_both_forms_of_invitation_are_ours(tmp_path: Path, program: Path) -> None:
    with run(tmp_path, program) as device:
        assert upload(signed(program.read_bytes()), device.target).form is Form.REDWAX
