"""Our tool and our device, over real sockets: who connects, and what is said of what runs."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from emulated_device import EXAMPLE, PROGRAM, ROOT, EmulatedDevice, build_version
from owner import MINUTE, NOW, PASSWORD, signed, write_anchor
from platformio_secureota.cli import main
from platformio_secureota.errors import Reason, Refused
from platformio_secureota.manifest import ImageKind as ManifestKind
from platformio_secureota.manifest import Manifest, with_trailer
from platformio_secureota.ota import Connection, Settings, State, Wait, upload

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

NEVER = "1000000"


@pytest.fixture
def device(tmp_path: Path) -> Iterator[EmulatedDevice]:
    anchor = write_anchor(tmp_path / "anchor.der")
    with EmulatedDevice(tmp_path / "flash", "--anchor", str(anchor)) as device:
        yield device


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[EmulatedDevice]:
    anchor = write_anchor(tmp_path / "anchor.der")
    options = ("--anchor", str(anchor), "--password-env", "DEVICE_PASSWORD")
    environment = {"DEVICE_PASSWORD": PASSWORD}
    with EmulatedDevice(tmp_path / "flash", *options, environment=environment) as device:
        yield device


@pytest.fixture(scope="module")
def running() -> bytes:
    """What the device runs already: it says OK, and nothing restarts."""
    return signed(PROGRAM.read_bytes())


@pytest.mark.parametrize("connection", list(Connection))
def test_every_way(device: EmulatedDevice, running: bytes, connection: Connection) -> None:
    states: list[State] = []
    verdict = upload(
        running, device.target, settings=Settings(connection=connection), on_state=states.append
    )
    assert verdict.direct == (connection is not Connection.BACK)
    assert (State.CONNECTING in states) == verdict.direct
    device.wait_for("accepted: runs already")


def test_direct_with_a_password(guarded: EmulatedDevice, running: bytes) -> None:
    settings = Settings(connection=Connection.DIRECT)
    assert upload(running, guarded.target, password=PASSWORD, settings=settings).direct


def test_a_wrong_password_costs_a_wait_that_the_tool_waits_for(
    guarded: EmulatedDevice, running: bytes
) -> None:
    with pytest.raises(Refused) as caught:
        upload(running, guarded.target, password="wrong")
    assert caught.value.reason is Reason.NotAuthorized
    upload(running, guarded.target, password=PASSWORD)


def test_many_direct_uploads_leave_nothing_open(device: EmulatedDevice, running: bytes) -> None:
    upload(running, device.target)
    before = device.open_files()
    for _ in range(5):
        assert upload(running, device.target).direct
    device.wait_for("accepted: runs already")
    assert device.open_files() <= before


# -- what runs -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program whose last bytes say how it behaves."""
    sketch = ROOT / "tests" / "device" / "sketches" / "trial.cpp"
    return build_version("1", tmp_path_factory.mktemp("trial") / "program", sketch=sketch)


def behaving(program: Path, how: str, *, at: dt.datetime = NOW) -> bytes:
    return signed(program.read_bytes() + f"is {how}.".encode().ljust(16, b" "), at=at)


def on_trial(tmp_path: Path, program: Path, *options: str) -> EmulatedDevice:
    anchor = write_anchor(tmp_path / "anchor.der")
    flags = ("--anchor", str(anchor), "--password-env", "DEVICE_PASSWORD", *options)
    environment = {"DEVICE_PASSWORD": PASSWORD}
    return EmulatedDevice(tmp_path / "flash", *flags, program=program, environment=environment)


@pytest.mark.parametrize("wait", [Wait.RUNNING, Wait.CONFIRMED])
def test_a_new_image_runs_and_its_password_says_so(tmp_path: Path, trial: Path, wait: Wait) -> None:
    states: list[State] = []
    after = "1" if wait is Wait.CONFIRMED else NEVER
    with on_trial(tmp_path, trial, "--confirm-after", after) as device:
        verdict = upload(
            behaving(trial, "good"),
            device.target,
            password=PASSWORD,
            settings=Settings(wait=wait),
            on_state=states.append,
        )
        device.wait_for("boot: good from slot 1")
    assert verdict.status is not None
    assert verdict.status.confirmed == (wait is Wait.CONFIRMED)
    assert (State.CONFIRMING in states) == (wait is Wait.CONFIRMED)


@pytest.mark.parametrize(
    ("how", "why"),
    [("crashing", Reason.ImageNotConfirmed), ("broken", Reason.ImageRejected)],
)
def test_an_image_that_fails_is_named(tmp_path: Path, trial: Path, how: str, why: Reason) -> None:
    with on_trial(tmp_path, trial) as device, pytest.raises(Refused) as caught:
        upload(
            behaving(trial, how),
            device.target,
            password=PASSWORD,
            settings=Settings(wait=Wait.CONFIRMED),
        )
    assert caught.value.reason is Reason.NotRunning
    assert why.sentence in caught.value.detail


def test_another_image_waits_until_the_one_that_runs_is_confirmed(
    tmp_path: Path, trial: Path
) -> None:
    states: list[State] = []
    with on_trial(tmp_path, trial, "--confirm-after", "3") as device:
        settings = Settings(wait=Wait.RUNNING)
        first, second = behaving(trial, "good"), behaving(trial, "better", at=NOW + MINUTE)
        upload(first, device.target, password=PASSWORD, settings=settings)
        upload(second, device.target, password=PASSWORD, settings=settings, on_state=states.append)
        device.wait_for("boot: better from slot 0")
    assert states[:2] == [State.CONFIRMING, State.INVITING]


def test_another_product_is_refused_before_the_device_hears_of_it(
    tmp_path: Path,
) -> None:
    anchor = write_anchor(tmp_path / "anchor.der")
    lamp = Manifest(ManifestKind.APPLICATION, product="kitchen-lamp")
    boiler = Manifest(ManifestKind.APPLICATION, product="boiler")
    sketch = tmp_path / "with_manifest.cpp"
    sketch.write_text(
        f'#include "{EXAMPLE}"\n'
        'extern "C" {\n'
        "extern const unsigned char secureota_manifest[256];\n"
        "const unsigned char secureota_manifest[256] = "
        f"{{{', '.join(map(str, lamp.encode()))}}};\n"
        "}\n"
    )
    program = build_version("1", tmp_path / "program", sketch=sketch)
    device = EmulatedDevice(tmp_path / "flash", "--anchor", str(anchor), program=program)
    with device:
        with pytest.raises(Refused) as caught:
            upload(signed(with_trailer(program.read_bytes(), boiler)), device.target)
        assert device.count("refused") == 0
        upload(signed(with_trailer(program.read_bytes(), lamp)), device.target)
    assert caught.value.reason is Reason.WrongProduct


def test_status_on_the_command_line(
    guarded: EmulatedDevice, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECUREOTA_PASSWORD", PASSWORD)
    assert main(["status", "--json", str(guarded.target)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["image"] == hashlib.sha256(PROGRAM.read_bytes()).hexdigest()
    assert told["vouched"] is True
    monkeypatch.setenv("SECUREOTA_PASSWORD", "wrong")
    assert main(["status", "--timeout", "1.5", str(guarded.target)]) == 1
