"""`pio run -t upload`: what leaves the computer, and by whose hand."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Callable

import pytest

from platformio_secureota import Image, container, sign, verify_image
from platformio_secureota.anchors import read_anchors
from platformio_secureota.manifest import ImageKind, Manifest
from platformio_secureota.tsa import LocalTSA
from stock_device import Behaviour, StockDevice, take_and_say

if TYPE_CHECKING:
    import socket

    from conftest import Project

    NewProject = Callable[..., Project]


def port_of(device: StockDevice) -> str:
    return f"127.0.0.1:{device.port}"


def assert_got_signed(device: StockDevice, project: Project) -> None:
    """The device got exactly the signed image, which is good, and nothing else was started."""
    assert device.received == project.signed.read_bytes()
    verified = verify_image(
        device.received, anchors=read_anchors(project.build / "secureota" / "anchors.pem")
    )
    assert verified.image.data == project.covered.read_bytes()
    assert [entry["tool"] for entry in project.tools()] == []


def test_native_sends_instead_of_running(keyed: NewProject) -> None:
    project = keyed("native")
    with StockDevice() as device:
        run = project.run("upload", port=port_of(device)).ok()
    assert_got_signed(device, project)
    assert "accepted by 127.0.0.1" in run.output
    assert "\nanchors " not in run.output  # the program itself would have printed that


def test_native_without_upload_port_says_what_is_missing(keyed: NewProject) -> None:
    keyed("native").run("upload").refused("upload_port")


def test_espota_by_protocol(keyed: NewProject) -> None:
    project = keyed("espressif32", "upload_protocol = espota")
    with StockDevice() as device:
        project.run("upload", port=port_of(device)).ok()
    assert device.command == 0
    assert_got_signed(device, project)


def test_an_address_as_upload_port_is_enough(keyed: NewProject) -> None:
    with StockDevice() as device:
        project = keyed(
            "espressif32", "upload_port = 127.0.0.1", f"upload_flags = --port={device.port}"
        )
        run = project.run("upload").ok()
    assert "switched to `espota`" in run.output
    assert_got_signed(device, project)


def test_the_port_of_the_command_line_wins(keyed: NewProject) -> None:
    with StockDevice() as device:
        project = keyed(
            "espressif32",
            "upload_port = 127.0.0.77",
            f"upload_flags =\n  --port={device.port}\n  --host_port=0",
        )
        run = project.run("upload", port="127.0.0.1").ok()
    assert "127.0.0.77" not in run.output
    assert_got_signed(device, project)


@pytest.mark.parametrize("separator", [",", "\n  "])
def test_several_devices(keyed: NewProject, separator: str) -> None:
    with StockDevice() as first, StockDevice() as second:
        port = separator.join(["", port_of(first), port_of(second)])
        project = keyed("espressif32", "upload_protocol = espota", f"upload_port = {port}")
        run = project.run("upload").ok()
    assert_got_signed(first, project)
    assert_got_signed(second, project)
    assert "2 devices: 2 updated" in run.output


def test_a_file_of_targets(keyed: NewProject) -> None:
    project = keyed(
        "espressif32",
        "upload_protocol = espota",
        "custom_secureota_targets = fleet.toml",
        "upload_flags = --max-failures=2",
    )
    refusing = Behaviour(converse=take_and_say(b"NotTrusted: no\n"))
    with StockDevice(refusing) as bad, StockDevice() as good, StockDevice() as other:
        file = project.write(
            "fleet.toml",
            f"""
            [targets]
            bad = {{ host = "{port_of(bad)}" }}
            good = {{ host = "{port_of(good)}", canary = true }}
            """,
        )
        run = project.run("upload")
        assert run.status != 0
        assert "DevicesFailed" in run.output
        assert "bad: failed: NotTrusted" in run.output
        assert_got_signed(good, project)
        # One of it, and one that is not in it.
        file.write_text(file.read_text().replace(port_of(bad), port_of(other)))
        project.run("upload", port="bad").ok()
        assert_got_signed(other, project)


def test_serial_uploads_stay_as_they_are(keyed: NewProject, new_project: NewProject) -> None:
    plain = new_project("espressif32", name="plain")
    plain.ini(script="build_type = release")
    plain.write("src/main.cpp", "int main() { return 0; }\n")
    plain.run("upload", port="/dev/ttyUSB7").ok()
    project = keyed("espressif32")
    run = project.run("upload", port="/dev/ttyUSB7").ok()
    assert [entry["arguments"] for entry in project.tools()] == [
        [str(word).replace("/plain/", "/greenhouse/") for word in entry["arguments"]]  # type: ignore[attr-defined]
        for entry in plain.tools()
    ]
    assert [entry["tool"] for entry in project.tools()] == ["esptool"]
    assert "Signing firmware.bin" not in run.steps


def test_nobuild_sends_what_is_there_and_compiles_nothing(keyed: NewProject) -> None:
    project = keyed("espressif32", "upload_protocol = espota")
    project.run().ok()
    with StockDevice() as device:
        run = project.run("nobuild", "upload", port=port_of(device)).ok()
    assert run.steps == []
    assert_got_signed(device, project)


def test_nobuild_signs_where_that_is_missing(keyed: NewProject) -> None:
    project = keyed("espressif32", "upload_protocol = espota")
    project.run().ok()
    project.signed.unlink()
    with StockDevice() as device:
        run = project.run("nobuild", "upload", port=port_of(device)).ok()
    assert run.steps == ["Signing firmware.bin"]
    assert_got_signed(device, project)


@pytest.mark.parametrize("goals", [["upload"], ["nobuild", "upload"]])
def test_a_failing_signer_sends_nothing(keyed: NewProject, goals: list[str]) -> None:
    project = keyed("espressif32", "upload_protocol = espota")
    project.run().ok()
    (project.folder.parent / "key.pem").write_text("no key\n")
    with StockDevice() as device:
        project.run(*goals, port=port_of(device)).refused("secureota: error:")
    assert device.heard == []
    assert project.tools() == []
    assert not project.signed.exists()


def test_a_refusal_by_the_device_fails_the_build(keyed: NewProject) -> None:
    project = keyed("espressif32", "upload_protocol = espota")
    refusing = Behaviour(converse=take_and_say(b"Signature Verification Failed"))
    with StockDevice(refusing) as device:
        project.run("upload", port=port_of(device)).refused("refused")


def test_the_password_comes_from_the_environment(keyed: NewProject) -> None:
    project = keyed("espressif32", "upload_protocol = espota")
    with StockDevice(Behaviour(password="sesame")) as device:
        words = ["run", "-v", "-t", "upload", "--upload-port", port_of(device)]
        run = project.pio(*words, SECUREOTA_PASSWORD="sesame").ok()
    assert "sesame" not in run.output
    assert_got_signed(device, project)


def test_a_password_in_platformio_ini_is_taken_and_warned_about(keyed: NewProject) -> None:
    project = keyed("espressif32", "upload_protocol = espota", "upload_flags = --auth=sesame")
    seen: list[str] = []

    def look(connection: socket.socket, size: int) -> bytes:
        # As anybody on this machine can.
        listed = subprocess.run(["ps", "-A", "-ww", "-o", "args"], capture_output=True, check=True)
        seen.extend(listed.stdout.decode(errors="replace").splitlines())
        return take_and_say(b"OK")(connection, size)

    with StockDevice(Behaviour(password="sesame", converse=look)) as device:
        run = project.run("upload", port=port_of(device)).ok()
    assert "--auth in upload_flags shows in logs" in run.output
    assert "sesame" not in run.output
    assert any("platformio_secureota.pio upload" in line for line in seen)
    assert not any("sesame" in line for line in seen)
    assert_got_signed(device, project)


def test_what_runs_is_waited_for(keyed: NewProject) -> None:
    project = keyed("espressif32", "upload_protocol = espota")
    old = "ab" * 32

    def status(_number: int, digest: bytes) -> str:
        return f"image={digest.hex() or old} state=confirmed floor=-"

    with StockDevice(Behaviour(status=status)) as device:
        run = project.run("upload", port=port_of(device)).ok()
    assert "; it runs the new image, confirmed" in run.output


def test_a_device_that_goes_back_fails_the_build(keyed: NewProject) -> None:
    project = keyed("espressif32", "upload_protocol = espota", name="waits")
    old = "ab" * 32

    def status(_number: int, digest: bytes) -> str:
        last = " last=ImageNotConfirmed" if digest else ""
        return f"image={old} state=confirmed floor=-{last}"

    with StockDevice(Behaviour(status=status)) as device:
        project.run("upload", port=port_of(device)).refused("NotRunning")
    project = keyed(
        "espressif32", "upload_protocol = espota", "upload_flags = --no-wait", name="does-not"
    )
    with StockDevice(Behaviour(status=status)) as device:
        project.run("upload", port=port_of(device)).ok()


def test_upload_command_is_refused(keyed: NewProject) -> None:
    sender = "upload_command = python -c \"open('sent', 'w').write('$SOURCE')\""
    for platform, protocol in (
        ("espressif32", "upload_protocol = custom"),
        ("espressif32", "upload_protocol = espota"),
        ("native", "upload_protocol = custom"),
    ):
        project = keyed(platform, protocol, sender, name=f"{platform}-{protocol[-6:]}")
        project.run("upload", port="127.0.0.1").refused("upload_command")
        assert not (project.folder / "sent").exists()
        assert project.tools() == []


@pytest.mark.parametrize("target", ["uploadfs", "uploadfsota"])
def test_a_filesystem_is_signed_and_sent_as_one(keyed: NewProject, target: str) -> None:
    project = keyed("espressif32", "upload_protocol = espota")
    project.write("data/index.html", "<h1>Greenhouse</h1>\n")
    with StockDevice() as device:
        run = project.run(target, port=port_of(device)).ok()
    assert device.command == 100
    assert "Signing littlefs.bin" in run.steps
    image = (project.build / "littlefs.bin").read_bytes()
    covered = (project.build / "littlefs.image.bin").read_bytes()
    assert covered == image + Manifest(ImageKind.FILESYSTEM).encode()
    assert container.parse(device.received).image == covered
    assert device.received == (project.build / "littlefs.signed.bin").read_bytes()
    verify_image(device.received, anchors=read_anchors(project.build / "secureota/anchors.pem"))
    assert project.tools() == []


def test_a_filesystem_by_serial_stays_as_it_is(keyed: NewProject) -> None:
    project = keyed("espressif32")
    project.write("data/index.html", "<h1>Greenhouse</h1>\n")
    project.run("uploadfs", port="/dev/ttyUSB7").ok()
    assert [entry["tool"] for entry in project.tools()] == ["esptool"]


def test_an_application_is_never_sent_as_a_filesystem(keyed: NewProject) -> None:
    project = keyed("espressif32", "upload_protocol = espota")
    project.run().ok()
    with StockDevice() as device:
        project.run("nobuild", "uploadfs", port=port_of(device)).refused("nobuild")
    assert device.heard == []


def test_esp8266_has_no_device_half(keyed: NewProject) -> None:
    project = keyed("espressif8266")
    with StockDevice() as device:
        project.run("upload", port="127.0.0.1").refused("espressif8266", "no device half")
    assert device.heard == []
    assert project.tools() == []
    project.run("upload", port="/dev/ttyUSB7").ok()
    assert [entry["tool"] for entry in project.tools()] == ["esptool"]


def test_a_damaged_signed_image_is_not_sent(keyed: NewProject) -> None:
    project = keyed("espressif32", "upload_protocol = espota")
    project.run().ok()
    good = project.signed.read_bytes()
    key = project.folder.parent / "key.pem"
    other = sign(Image(b"another image"), LocalTSA.from_pem(key), anchors=read_anchors(key))
    stat = project.signed.stat()
    for data in (good[:-1] + bytes([good[-1] ^ 1]), other.container):
        project.signed.write_bytes(data)
        # SCons looks at the time first, so it takes this file for the one that it has made.
        os.utime(project.signed, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        with StockDevice() as device:
            project.run("upload", port=port_of(device)).refused("ImageMismatch")
        assert device.heard == []


def test_the_first_image_goes_out_plain_if_asked_for_by_name(keyed: NewProject) -> None:
    project = keyed("espressif32", "upload_protocol = espota")
    source = project.folder / "src" / "main.cpp"
    without = source.read_text("utf-8")
    device = StockDevice(Behaviour(understands=("stock",)))

    def status(_number: int, _digest: bytes) -> str | None:
        return "image=- state=confirmed floor=-" if device.received else None

    device.behaviour.status = status
    with device:
        here = port_of(device)
        project.run("send-first-image-unsigned", port=here).refused("NotSigned", "SecureOTA.h")
        assert device.heard == []
        # What the library brings along, and this program does not have.
        source.write_text(f'{without}extern const char mark[] = "OlderThanFloor";\n', "utf-8")
        run = project.run("send-first-image-unsigned", port=here).ok()
        project.run("send-first-image-unsigned", port=here).refused("AlreadySecured")
    assert device.received == project.image.read_bytes()
    assert "send a signed update now" in run.output
