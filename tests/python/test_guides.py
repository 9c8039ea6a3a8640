"""docs/keys.md and docs/tsa.md, followed word by word by a reader with an empty home."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from platformio_secureota.pio import options
from reader import PASSWORD, Block, Reader, Terminal, blocks, shown, unfenced

if TYPE_CHECKING:
    from pathlib import Path

NOT_TYPED = {
    "sudo apt-get install git python3-venv": "installs packages",
    "sudo apt-get install nginx curl python3-venv": "installs packages, a user and services",
    'secureota pki request Eve --key "pkcs11:token=card;object=eve" -o eve.csr': (
        "wants a card; tests/python/test_hsm_authorities.py goes this way"
    ),
    "sudo systemctl daemon-reload": "is for a machine with systemd and nginx",
    "pio run -t upload": "takes a minute, and is what tests/e2e/test_company_tsa.py does",
}
"""First commands of the blocks that no test can type, and why."""

OTHERS = {"keys.md": [], "tsa.md": ["    secureota tsa log verify --head 17:0f3a..."]}
"""Commands outside of fences: this one wants a head from somebody's notes."""

SERVE = "secureota tsa serve"

pytestmark = pytest.mark.timeout(300)  # fifty commands, each of them a new Python


def typed(guide: str) -> list[Block]:
    """Blocks of commands, without those that are left out."""
    return [
        block
        for block in blocks(guide)
        if block.language == "sh" and block.commands[0] not in NOT_TYPED
    ]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader.make(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def company(reader: Reader) -> str:
    """What docs/keys.md leaves behind; returns all that its commands printed."""
    terminal = reader.terminal()
    passphrase = terminal.environment.pop("SECUREOTA_KEY_PASSPHRASE")
    said = []
    for block in typed("keys.md"):
        # Each encryption takes its time, and is meant to: only what is decrypted later.
        encrypted = {"SECUREOTA_KEY_PASSPHRASE": passphrase} if "tls-server" in block.text else {}
        said.append(terminal.type(with_yes(block), **encrypted))
    return "".join(said)


def with_yes(block: Block) -> str:
    # Nobody is at the terminal to compare a request's fingerprint.
    return "\n".join(
        f"{command} --yes" if "--request" in command else command for command in block.commands
    )


def test_what_is_not_typed_is_there_once() -> None:
    found = Counter(
        block.commands[0]
        for guide in ("keys.md", "tsa.md")
        for block in blocks(guide)
        if block.language == "sh" and block.commands[0] in NOT_TYPED
    )
    assert found == Counter(NOT_TYPED.keys())


@pytest.mark.parametrize("guide", ["keys.md", "tsa.md"])
def test_what_is_typed_stands_between_fences(guide: str) -> None:
    """No command hides in an indented example, where nobody would try it."""
    lines = unfenced(guide)
    assert lines
    hidden = re.compile(r" {4,}(secureota|pio|sudo|export|pip|cd) ")
    assert [line for line in lines if hidden.match(line)] == OTHERS[guide]


def test_options_exist() -> None:
    names = {
        match
        for guide in ("keys.md", "tsa.md")
        for block in blocks(guide)
        if block.language == "ini"
        for match in re.findall(r"^custom_secureota_(\w+)", block.text, re.MULTILINE)
    }
    assert names
    assert names <= set(options.NAMES)


def dateless(line: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d", "DATE", line)


def test_keys(reader: Reader, company: str) -> None:
    tree = [dateless(line) for line in company.replace("not encrypted", "encrypted").splitlines()]
    for line in shown("keys.md", "myCorp  certifies"):
        assert line == "..." or dateless(line) in tree
    for name in ("fred", "mary", "backup"):
        assert (reader.home / "greenhouse" / "secureota" / f"{name}.crt").is_file()
    denied = (reader.home / "greenhouse" / "secureota" / "denied.txt").read_text()
    assert denied.count("Fred") == 2
    assert "product 1  signs firmware" in company
    assert "Grace signs firmware" in company


def test_tsa_on_this_machine(reader: Reader) -> None:
    make, serve, ask = typed("tsa.md")[:3]
    terminal = reader.terminal()
    terminal.type(make.text)
    unsynchronised(terminal.folder / "tsa.toml")
    config = terminal.folder / "tsa.toml"
    config.write_text(reader.words(config.read_text()))
    assert serve.commands == [SERVE]
    server = terminal.serve(SERVE)
    try:
        said = reader.terminal().type(ask.text)
    finally:
        server.stop()
    assert "accepted: signed " in said
    assert "default  ci (bearer)" in said
    assert "whole: 1 approvals, 0 torn lines" in said


def unsynchronised(config: Path) -> None:
    """For a trial, as docs/tsa.md says: a test's machine may have no time service."""
    text = config.read_text()
    assert text.count("require_synchronised = true") == 1
    config.write_text(text.replace("require_synchronised = true", "require_synchronised = false"))


def test_tsa_for_a_company(reader: Reader, company: str) -> None:
    assert company
    folder, secrets, serve, ask = typed("tsa.md")[3:]
    terminal = reader.terminal()
    terminal.type(folder.text)
    password = re.search(r"scrypt:\S+", terminal.type(secrets.text))
    runner = dict(re.findall(r"(\w+): (.*)", (terminal.folder / "runner.txt").read_text()))
    assert password is not None

    text = next(block.text for block in blocks("tsa.md") if block.language == "toml")
    text = text.replace("sha256:...", runner["hash"]).replace("scrypt:...", password.group())
    assert "..." not in text
    (terminal.folder / "tsa.toml").write_text(
        f"{reader.words(text)}\n[clock]\nrequire_synchronised = false\n"
    )
    assert serve.commands[1:] == [SERVE]
    terminal.type(serve.commands[0])
    server = terminal.serve(SERVE)
    try:
        build_server = reader.terminal()
        said = build_server.type(ask.text)
        others(build_server, ask, runner["token"])
    finally:
        server.stop()
    assert "signed " in said
    assert "problem" not in said
    log = terminal.type("secureota tsa log show\nsecureota tsa log verify")
    # The build server signed, and its doctor asked for a test token.
    for caller, count in (("build server (mtls)", 2), ("runner (bearer)", 1), ("mary (basic)", 1)):
        assert log.count(caller) == count, log
    assert "whole: 4 approvals, 0 torn lines" in log


def others(terminal: Terminal, ask: Block, token: str) -> None:
    """Ask as the callers whom the text describes, and as nobody."""
    (sign,) = (command for command in ask.commands if command.startswith("secureota sign "))
    for name in ("CERT", "KEY"):
        del terminal.environment[f"SECUREOTA_TSA_CLIENT_{name}"]
    own = dict(terminal.environment)
    terminal.environment = {**own, "SECUREOTA_TSA_TOKEN": token}
    terminal.type(sign)
    user = {"SECUREOTA_TSA_USER": "mary", "SECUREOTA_TSA_PASSWORD": PASSWORD}
    terminal.environment = {**own, **user}
    terminal.type(sign)
    terminal.environment = own
    terminal.type(f"! {sign}")
