"""upload_flags, upload_port, and what is shown of an upload."""

from __future__ import annotations

from pathlib import Path

import pytest

from platformio_secureota import ota
from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.pio import upload

PROJECT = Path("/project")


def parse(words: list[str]) -> upload.Flags:
    return upload.parse_flags(words, project=PROJECT)


def test_the_stock_uploader_s_names_are_known() -> None:
    words = ["-p", "8266", "--host_port=9999", "-I", "10.0.0.2", "-d", "--progress"]
    flags = parse(words)
    assert flags.port == 8266
    assert flags.settings == ota.Settings(
        host_address="10.0.0.2", host_port=9999, wait=ota.Wait.RUNNING
    )
    assert parse([]) == upload.Flags(None, ota.Settings(wait=ota.Wait.RUNNING))
    assert parse(["--allow-weak-password"]).settings.allow_weak_password
    direct = parse(["--connection=direct"]).settings.connection
    assert direct is ota.Connection.DIRECT


@pytest.mark.parametrize("words", [["--auth=sesame"], ["-a", "sesame"], ["-asesame"]])
def test_a_password_is_taken_and_not_shown(words: list[str]) -> None:
    flags = parse(words)
    assert flags.password == "sesame"
    assert "sesame" not in repr(flags)


def test_a_password_file_belongs_to_the_project() -> None:
    assert parse(["--password-file=secrets/it"]).password_file == PROJECT / "secrets" / "it"
    assert parse(["--password-file=/run/it"]).password_file == Path("/run/it")


def test_what_is_waited_for() -> None:
    assert parse([]).settings.wait is ota.Wait.RUNNING
    assert parse(["--wait"]).settings.wait is ota.Wait.RUNNING
    assert parse(["--no-wait"]).settings.wait is ota.Wait.NO
    found = parse(["--wait-confirmed", "--wait-timeout=200"]).settings
    assert found.wait is ota.Wait.CONFIRMED
    assert (found.timeouts.back, found.timeouts.confirmation) == (200, 200)


@pytest.mark.parametrize(
    "words",
    [
        ["--port=x"],
        ["--port=65536"],
        ["--host_port=-1"],
        ["--spiffs"],
        ["-f", "x.bin"],
        ["--connection=x"],
        ["--wait-timeout=0"],
        ["--wait-timeout=x"],
        ["--parallel=0"],
        ["--parallel=65"],
        ["--max-failures=0"],
    ],
)
def test_flags_that_are_none(words: list[str]) -> None:
    with pytest.raises(Unusable) as error:
        parse(words)
    assert error.value.reason is Reason.Usage


def devices(upload_port: str, *flags: str, file: Path | None = None) -> list[ota.Target]:
    found = upload.targets(upload_port, parse(list(flags)), file=file)
    return [each.target for each in found.devices()]


def test_devices_are_named_by_upload_port_and_flags() -> None:
    assert devices("greenhouse.local") == [ota.Target("greenhouse.local", 3232)]
    assert devices('"10.0.0.9:4000"') == [ota.Target("10.0.0.9", 4000)]
    assert devices("10.0.0.9", "-p", "8266") == [ota.Target("10.0.0.9", 8266)]
    several = [ota.Target("a.local"), ota.Target("b", 1), ota.Target("Hall 2", by_service=True)]
    assert devices("a.local, b:1,mdns:Hall 2") == several
    assert devices("\na.local\nb:1\n mdns:Hall 2\n") == several
    assert {each.port for each in devices("a,b:1", "-p", "8266")} == {8266}
    with pytest.raises(Unusable, match="upload_port"):
        devices("")


def test_devices_are_named_by_a_file(tmp_path: Path) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text('[targets]\na = { groups = ["x"] }\nb = {}\n')
    assert devices("", file=file) == [ota.Target("a"), ota.Target("b")]
    assert devices("b", file=file) == [ota.Target("b")]
    assert devices("", "--group=x", file=file) == [ota.Target("a")]
    with pytest.raises(Unusable, match="--port"):
        devices("", "-p", "8266", file=file)
    with pytest.raises(Unusable, match="file of targets"):
        devices("a", "--group=x")


def test_a_single_device_is_no_fleet(tmp_path: Path) -> None:
    assert upload.targets("a", parse([]), file=None).one
    assert not upload.targets("a,b", parse([]), file=None).one
    assert not upload.targets("a", parse([]), file=tmp_path).one


def test_how_many_at_once() -> None:
    limits = parse(["--parallel=3", "--max-failures", "2"]).limits
    assert (limits.parallel, limits.max_failures) == (3, 2)


def test_the_bar_grows_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with upload.GrowingBar() as bar:
        for done in (0, 300, 300, 0, 200, 1000):
            bar.progress(done, 1000)
    assert capsys.readouterr().out == f"Uploading [{'=' * 40}] 100%\n"


def test_the_bar_of_a_failed_upload_ends_too(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with upload.GrowingBar() as bar:
            bar.progress(500, 1000)
            raise Unusable(Reason.ConnectionLost)

    with pytest.raises(Unusable):
        fail()
    assert capsys.readouterr().out == f"Uploading [{'=' * 20}] 50%\n"


def test_states_stand_before_and_behind_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with upload.GrowingBar() as bar:
        bar.state(ota.State.INVITING)
        bar.state(ota.State.SENDING)
        bar.progress(500, 1000)
        bar.state(ota.State.VERDICT)
        bar.progress(1000, 1000)
        bar.state(ota.State.RESTARTING)
    before, shown, behind = capsys.readouterr().out.splitlines()
    assert before == "inviting the device ..."
    assert shown == f"Uploading [{'=' * 40}] 100%"
    assert behind == "waiting for the device to run the new image ..."


def test_without_a_byte_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with upload.GrowingBar():
        pass
    assert capsys.readouterr().out == ""
