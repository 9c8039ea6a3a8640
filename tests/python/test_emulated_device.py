"""The device half as a whole: real UDP and TCP, a real flash directory, real restarts."""

from __future__ import annotations

import datetime as dt
import hashlib
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from emulated_device import (
    PROGRAM,
    EmulatedDevice,
    Host,
    build_version,
    last_word,
    password_answer,
    read_to_end,
)
from flash_file import SLOTS, FlashFile
from owner import MINUTE, NOW, OURS, PASSWORD, START, signed, write_anchor
from platformio_secureota import Reason, Refused, container, pki
from platformio_secureota.identity import to_der
from platformio_secureota.ota import ImageKind, Settings, upload
from platformio_secureota.ota.auth import PasswordForm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platformio_secureota.identity import SigningIdentity

THEIRS = pki.generate(name="theirs", now=START)


@pytest.fixture(scope="module")
def version_1() -> bytes:
    assert PROGRAM.is_file(), "run `make device-asan` first"
    return PROGRAM.read_bytes()


@pytest.fixture(scope="module")
def version_2(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return build_version("2", tmp_path_factory.mktemp("v2") / "firmware").read_bytes()


@pytest.fixture
def anchor(tmp_path: Path) -> Path:
    return write_anchor(tmp_path / "anchor.der")


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    return tmp_path / "flash"


@pytest.fixture
def device(flash: Path, anchor: Path) -> Iterator[EmulatedDevice]:
    with EmulatedDevice(flash, "--anchor", str(anchor)) as device:
        yield device


def assert_untouched(device: EmulatedDevice, flash: Path, program: bytes) -> None:
    """Version 1 runs on from slot 0, and has never restarted."""
    assert device.running()
    assert device.count("boot: ") == 1
    assert device.count("restarting") == 0
    assert FlashFile(flash).boots == 0
    assert FlashFile(flash).program(0) == program
    assert FlashFile(flash).slot(1).state == "empty"


class TestAccepted:
    """A good container is installed, whoever sends it."""

    def test_update_runs_after_the_restart(
        self, device: EmulatedDevice, flash: Path, version_2: bytes
    ) -> None:
        assert device.lines[0] == "boot: version 1 from slot 0"

        verdict = upload(signed(version_2), device.target)

        assert verdict.password_form is None
        device.wait_for("erased slot 1")
        accepted = device.wait_for("accepted: ")
        assert NOW.strftime("signed %Y-%m-%dT%H:%M:%SZ") in accepted
        assert hashlib.sha256(version_2).hexdigest()[:8] in accepted
        device.wait_for("restarting into slot 1")
        device.wait_for("boot: version 2 from slot 1")
        device.wait_for("listening on ")
        assert FlashFile(flash).boots == 1
        assert FlashFile(flash).program(1) == version_2

    def test_there_and_back_again(
        self, device: EmulatedDevice, version_1: bytes, version_2: bytes
    ) -> None:
        for n, (image, version) in enumerate([(version_2, 2), (version_1, 1), (version_2, 2)]):
            upload(signed(image, at=NOW + n * MINUTE), device.target)
            device.wait_for(f"boot: version {version} from slot {(n + 1) % 2}")
            device.wait_for("confirmed: ")

    def test_the_update_outlives_the_power(
        self, flash: Path, anchor: Path, version_2: bytes
    ) -> None:
        with EmulatedDevice(flash, "--anchor", str(anchor)) as device:
            upload(signed(version_2), device.target)
            device.wait_for("confirmed: ")

        with EmulatedDevice(flash, "--anchor", str(anchor)) as device:
            assert device.lines[0] == "boot: version 2 from slot 1"

    def test_stock_host_that_stops_and_waits(
        self, device: EmulatedDevice, version_2: bytes
    ) -> None:
        data = signed(version_2)
        with Host(device) as host:
            assert host.ask(host.stock_invitation(data)) == b"OK"
            with host.accept() as connection:
                for at in range(0, len(data), 1024):
                    connection.sendall(data[at : at + 1024])
                    answer = connection.recv(10).decode()
                answer += read_to_end(connection).decode()
        assert answer.endswith("OK")
        device.wait_for("boot: version 2 from slot 1")

    def test_acknowledgements_add_up_to_what_was_sent(
        self, device: EmulatedDevice, version_1: bytes
    ) -> None:
        data = signed(version_1)
        with Host(device) as host:
            assert host.ask(host.stock_invitation(data)) == b"OK"
            taken = 0
            with host.accept() as connection:
                for at in range(0, len(data), 1024):
                    piece = data[at : at + 1024]
                    connection.sendall(piece)
                    acknowledged = 0
                    while acknowledged < len(piece):
                        acknowledged += int(connection.recv(10).decode().removesuffix("OK"))
                    taken += acknowledged
        assert taken == len(data)

    def test_no_file_descriptor_is_left_behind(
        self, device: EmulatedDevice, version_1: bytes
    ) -> None:
        own = signed(version_1)
        upload(own, device.target)
        before = device.open_files()
        for _ in range(5):
            upload(own, device.target)
            with Host(device) as host:
                assert host.upload(b"x" * 2000).startswith("NotSigned: ")
        device.wait_for("refused: NotSigned")
        with Host(device) as host:
            host.settle()
        assert device.open_files() <= before + 1  # the last refusal may still be draining


class TestRefused:
    """Everything else is refused by name, and the device runs on."""

    @pytest.mark.parametrize(
        ("reason", "erased"),
        [
            (Reason.NotSigned, False),
            (Reason.HeaderMalformed, False),
            (Reason.Truncated, False),
            (Reason.TrailingData, False),
            (Reason.TokenTooLarge, False),
            (Reason.NotTrusted, False),
            (Reason.SignatureInvalid, False),
            (Reason.ImageMismatch, True),
            (Reason.ImageTooLarge, False),
        ],
    )
    def test_with_its_reason_and_nothing_changed(
        self,
        device: EmulatedDevice,
        flash: Path,
        version_1: bytes,
        version_2: bytes,
        reason: Reason,
        erased: bool,  # noqa: FBT001 - a column of the table
    ) -> None:
        good = signed(version_2)
        parts = container.parse(good)
        token, image = parts.token, parts.image
        bad = {
            Reason.NotSigned: version_2,
            Reason.HeaderMalformed: good.replace(b"payload=", b"payload=0", 1),
            Reason.Truncated: good[:-1],
            Reason.TrailingData: good + b"!",
            Reason.TokenTooLarge: container.build(bytes(16385), image),
            Reason.NotTrusted: signed(version_2, identity=THEIRS),
            Reason.SignatureInvalid: container.build(token[:-1] + bytes([token[-1] ^ 1]), image),
            Reason.ImageMismatch: good[:-1] + bytes([good[-1] ^ 1]),
            Reason.ImageTooLarge: signed(bytes(32 * 1024 * 1024 + 1)),
        }[reason]

        with Host(device) as host:
            answer = host.upload(bad)

        assert answer == f"{reason.value}: {reason.sentence}"
        assert device.wait_for("refused: ") == f"refused: {answer}"
        assert device.count("erased") == erased
        assert_untouched(device, flash, version_1)
        with Host(device) as host:  # and the next one is welcome
            assert host.upload(signed(version_1)) == "OK"

    def test_our_tool_hears_the_reason(self, device: EmulatedDevice, version_2: bytes) -> None:
        with pytest.raises(Refused) as refusal:
            upload(signed(version_2, identity=THEIRS), device.target)
        assert refusal.value.reason is Reason.NotTrusted

    def test_older_than_the_floor(self, device: EmulatedDevice, version_2: bytes) -> None:
        upload(signed(version_2), device.target)
        device.wait_for("boot: version 2")
        device.wait_for("confirmed: ")

        for age in (dt.timedelta(), MINUTE):
            with pytest.raises(Refused) as refusal:
                upload(signed(version_2 + b"!", at=NOW - age), device.target)
            assert refusal.value.reason is Reason.OlderThanFloor
        assert device.count("erased") == 1

    def test_damaged_on_its_way(
        self, device: EmulatedDevice, flash: Path, version_1: bytes, version_2: bytes
    ) -> None:
        data = signed(version_2)
        with Host(device) as host:
            assert host.ask(host.stock_invitation(data)) == b"OK"
            answer = host.deliver(data[:-1] + bytes([data[-1] ^ 1]))
        assert answer.startswith("TransportDigestMismatch: ")
        assert_untouched(device, flash, version_1)

    def test_peer_that_leaves(
        self, device: EmulatedDevice, flash: Path, version_1: bytes, version_2: bytes
    ) -> None:
        data = signed(version_2)
        with Host(device) as host:
            assert host.ask(host.stock_invitation(data)) == b"OK"
            with host.accept() as connection:
                connection.sendall(data[: len(data) // 2])
        assert device.wait_for("refused: ").startswith("refused: ConnectionLost")
        assert_untouched(device, flash, version_1)

    def test_peer_that_does_not_listen(
        self, device: EmulatedDevice, flash: Path, version_1: bytes
    ) -> None:
        with Host(device) as host:
            invitation = host.stock_invitation(b"x")
            assert host.ask(invitation.replace(str(host.port).encode(), b"1", 1)) == b"OK"
        assert device.wait_for("refused: ").startswith("refused: ConnectionLost")
        assert_untouched(device, flash, version_1)

    def test_without_an_anchor_everything(self, flash: Path, version_1: bytes) -> None:
        with EmulatedDevice(flash) as device:
            with pytest.raises(Refused) as refusal:
                upload(signed(version_1), device.target)
            assert refusal.value.reason is Reason.NoTrustAnchor
            assert_untouched(device, flash, version_1)

    def test_filesystem_that_does_not_say_so(
        self, device: EmulatedDevice, flash: Path, version_1: bytes
    ) -> None:
        with pytest.raises(Refused) as refusal:
            upload(signed(b"no manifest"), device.target, kind=ImageKind.FILESYSTEM)
        assert refusal.value.reason is Reason.ManifestMissing
        assert_untouched(device, flash, version_1)

    def test_signed_image_that_is_no_program(
        self, device: EmulatedDevice, flash: Path, version_1: bytes
    ) -> None:
        upload(signed(b"#not a program"), device.target)
        device.wait_for("boot stage: slot 1 was not confirmed; slot 0 runs")
        device.wait_for("listening on ")
        assert FlashFile(flash).boots == 0
        assert FlashFile(flash).slot(1).state == "aborted"
        upload(signed(version_1), device.target)
        device.wait_for("accepted: runs already")


class TestReplay:
    """What runs already is answered with OK, and touches nothing."""

    def test_of_the_running_container(
        self, device: EmulatedDevice, flash: Path, version_1: bytes
    ) -> None:
        with Host(device) as host:
            assert host.upload(signed(version_1)) == "OK"
        device.wait_for("accepted: runs already, nothing touched")
        assert_untouched(device, flash, version_1)

    def test_of_its_token_in_front_of_rubbish(
        self, device: EmulatedDevice, flash: Path, version_1: bytes
    ) -> None:
        token = container.parse(signed(version_1)).token
        with Host(device) as host:
            assert host.upload(container.build(token, b"rubbish" * 1000)) == "OK"
        device.wait_for("accepted: runs already, nothing touched")
        assert_untouched(device, flash, version_1)

    def test_after_an_update(self, device: EmulatedDevice, version_2: bytes) -> None:
        data = signed(version_2)
        upload(data, device.target)
        device.wait_for("boot: version 2")
        device.wait_for("confirmed: ")

        upload(data, device.target)

        device.wait_for("accepted: runs already")
        assert device.count("erased") == 1
        assert device.count("restarting") == 1


class TestPassword:
    """A password guards the invitation."""

    @pytest.fixture
    def guarded(self, flash: Path, anchor: Path) -> Iterator[EmulatedDevice]:
        with EmulatedDevice(
            flash,
            "--anchor",
            str(anchor),
            "--password-env",
            "DEVICE_PASSWORD",
            environment={"DEVICE_PASSWORD": PASSWORD},
        ) as device:
            yield device

    def test_right(self, guarded: EmulatedDevice, version_1: bytes) -> None:
        verdict = upload(signed(version_1), guarded.target, password=PASSWORD)
        assert verdict.password_form is PasswordForm.PBKDF2

    def test_wrong(self, guarded: EmulatedDevice, version_1: bytes) -> None:
        with pytest.raises(Refused) as refusal:
            upload(signed(version_1), guarded.target, password="wrong")
        assert refusal.value.reason is Reason.NotAuthorized
        guarded.wait_for("refused: NotAuthorized")
        upload(signed(version_1), guarded.target, password=PASSWORD)

    def test_md5_form_is_not_offered(self, guarded: EmulatedDevice, version_1: bytes) -> None:
        data = signed(version_1)
        with Host(guarded) as host:
            answer = host.ask(host.stock_invitation(data))
            keyword, nonce = answer.decode().split()
            assert keyword == "AUTH"
            assert len(nonce) == 64
            secret = hashlib.md5(PASSWORD.encode(), usedforsecurity=False).hexdigest()
            weak = hashlib.md5(
                f"{secret}:{nonce}:{'0' * 64}".encode(), usedforsecurity=False
            ).hexdigest()
            assert host.ask(f"200 {'0' * 64} {weak}\n".encode()).startswith(b"NotAuthorized: ")

    def test_nonce_serves_once_and_only_its_addressee(
        self, guarded: EmulatedDevice, version_1: bytes
    ) -> None:
        data = signed(version_1)
        with Host(guarded) as host, Host(guarded) as stranger:
            first = host.ask(host.stock_invitation(data))
            # a repetition of the same datagram gets the same answer: the first one may be lost
            assert host.ask(host.stock_invitation(data)) == first
            assert stranger.ask(b"200 " + b"0" * 64 + b" " + b"0" * 64 + b"\n").startswith(b"Not")
            assert host.ask(b"200 " + b"0" * 64 + b" " + b"0" * 64 + b"\n").startswith(b"Not")
            assert host.ask(password_answer(first.decode()[5:], PASSWORD)).startswith(b"Not")


class TestDatagrams:
    """Strangers get short answers, or none."""

    def test_rubbish_is_not_answered(self, device: EmulatedDevice) -> None:
        with Host(device) as host:
            for rubbish in (b"x", b"OK", b"AUTH 00", b"Busy: ", b"\x00" * 100, b"RedWax/2.0 x\n"):
                assert host.is_silent(rubbish)

    @pytest.mark.parametrize(
        "datagram",
        [
            b"0",
            b"0 1\n",
            b"0 0 1 00000000000000000000000000000000\n",
            b"0 70000 1 00000000000000000000000000000000\n",
            b"7 7 7 00000000000000000000000000000000\n",
            b"RedWax/1.00\n",
            b"RedWax/1.00 cmd=0 cmd=0\n",
            b"RedWax/1.00 " + b"a" * 1400 + b"\n",
            b"200 \n",
            b"9" * 1000,
        ],
    )
    def test_no_answer_is_longer_than_the_question(
        self, device: EmulatedDevice, datagram: bytes
    ) -> None:
        with Host(device) as host:
            answer = host.ask(datagram)
        assert 0 < len(answer) <= len(datagram)

    def test_two_at_once(self, device: EmulatedDevice, version_1: bytes) -> None:
        data = signed(version_1)
        with Host(device) as first, Host(device) as second:
            assert first.ask(first.stock_invitation(data)) == b"OK"
            with first.accept() as connection:
                connection.sendall(data[:100])
                assert second.ask(second.stock_invitation(data)).startswith(b"Busy: ")
                connection.sendall(data[100:])
                assert last_word(read_to_end(connection)) == "OK"


class TestProgram:
    """The program around the library: its options, and its boot stage."""

    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            (["--port", "x"], "not a port: x"),
            (["--port"], "its value is missing: --port"),
            (["--bind", "nowhere"], "not an IPv4 address: nowhere"),
            (["--announce", ""], "not a name of letters, digits and '-': "),
            (["--announce", "a.b"], "not a name of letters, digits and '-': a.b"),
            (["--announce", "x" * 64], "not a name of letters, digits and '-': xxx"),
            (["--what", "1"], "unknown option: --what"),
            (["--staging", "often"], "not never, where-it-fits or always: often"),
            (["--anchor", "/nowhere"], "can't read /nowhere"),
            (["--anchor", "/etc/hostname"], "not a certificate"),
            (["--password-env", "NOT_SET_ANYWHERE"], "no password"),
        ],
    )
    def test_complains(self, flash: Path, options: list[str], complaint: str) -> None:
        run = subprocess.run(
            [PROGRAM, "--dir", flash, *options], capture_output=True, text=True, check=False
        )
        assert run.returncode == 2
        assert complaint in run.stderr
        assert run.stdout == ""

    def test_flash_wins_over_what_was_there(
        self, flash: Path, anchor: Path, version_2: bytes
    ) -> None:
        with EmulatedDevice(flash, "--anchor", str(anchor)) as device:
            upload(signed(version_2), device.target)
            device.wait_for("confirmed: ")
        with EmulatedDevice(flash, "--flash", "--anchor", str(anchor)) as device:
            assert device.lines[0] == "boot: version 1 from slot 0"
            # and only once: a restart boots what is active
            upload(signed(version_2, at=NOW + MINUTE), device.target)
            device.wait_for("boot: version 2 from slot 1")

    def test_slot_that_is_damaged(self, flash: Path, anchor: Path, version_2: bytes) -> None:
        with EmulatedDevice(flash, "--anchor", str(anchor)) as device:
            upload(signed(version_2), device.target)
            device.wait_for("confirmed: ")
        file = FlashFile(flash)
        middle = SLOTS[1] + file.slot(1).size // 2
        file.write(middle, bytes([file.read(middle, 1)[0] ^ 1]))
        with EmulatedDevice(flash, "--anchor", str(anchor)) as device:
            assert device.lines[0] == "boot: version 1 from slot 0"
        assert file.slot(1).state == "invalid"

    def test_anchor_as_pem(self, flash: Path, tmp_path: Path, version_1: bytes) -> None:
        pem = tmp_path / "anchors.pem"
        # text around the blocks is skipped
        pem.write_text("two of them\n" + "".join(map(pem_of, (THEIRS, OURS))))
        with EmulatedDevice(flash, "--anchor", str(pem)) as device:
            for identity in (THEIRS, OURS):
                upload(signed(version_1, identity=identity), device.target, settings=Settings())


def pem_of(identity: SigningIdentity) -> str:
    return ssl.DER_cert_to_PEM_cert(to_der(identity.certificate))
