"""The examples of the other ways in, built by `pio` as their users build them."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from conftest import ROOT, Project

from emulated_device import EmulatedDevice, free_udp_port
from test_web_update import Page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def example(name: str, core: Path, tmp_path: Path) -> Project:
    """An example in a copy of the repository, with its platformio.ini as published."""
    library = tmp_path / "SecureOTA"
    ignored = shutil.ignore_patterns("__pycache__", ".*", "build", "*.egg-info", "tests")
    shutil.copytree(ROOT, library, ignore=ignored)
    folder = library / "examples" / name
    project = Project(folder, core, library, tmp_path / "config", "native", section="native")
    project.run("keygen").ok()
    return project


def build_version(project: Project, version: str) -> None:
    config = project.folder / "platformio.ini"
    text = config.read_text()
    native, mark, rest = text.partition("[env:esp32]")
    assert mark
    native = native.replace('FIRMWARE_VERSION="1"', f'FIRMWARE_VERSION="{version}"')
    config.write_text(native + mark + rest)
    project.run().ok()


@contextmanager
def python_http_server(folder: Path) -> Iterator[str]:
    """What `python3 -m http.server` does, which knows no entity tags and no ranges."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.timeout(300)
def test_http_update(core: Path, tmp_path: Path) -> None:
    project = example("HTTPUpdate", core, tmp_path)
    project.run().ok()
    with python_http_server(project.build) as url:
        device = EmulatedDevice(
            tmp_path / "flash",
            "--flash",
            program=project.covered,  # what was signed: the server has nothing new
            environment={"UPDATE_URL": f"{url}/{project.signed.name}"},
        )
        with device:
            assert device.lines[0] == "boot: version 1"
            device.wait_for("looked: nothing new")
            build_version(project, "2")
            device.wait_for("boot: version 2")
            device.wait_for("looked: nothing new")


@pytest.mark.timeout(300)
def test_web_update(core: Path, tmp_path: Path) -> None:
    project = example("WebUpdate", core, tmp_path)
    project.run().ok()
    port = free_udp_port()
    device = EmulatedDevice(
        tmp_path / "flash",
        "--flash",
        program=project.image,
        environment={"WEB_PORT": str(port)},
    )
    with device:
        assert device.lines[0] == "boot: version 1"
        build_version(project, "2")
        page = Page(device, port)
        assert "<title>Update</title>" in page.get("/")[1]
        assert page.upload(project.image.read_bytes())[1].startswith("NotSigned: ")
        assert page.upload(project.signed.read_bytes()) == (200, "OK")
        device.wait_for("boot: version 2")
