"""What all tests share: lines for the end of the run, no deadlines, and no one's own keyring."""

from __future__ import annotations

import os
from typing import Any, Callable

import hypothesis
import pytest

_lines = pytest.StashKey["list[str]"]()

# How long one example takes says something about the machine's other work, not about the code.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")

# The keyring of the person who runs the tests is none of their business.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_lines] = []


@pytest.fixture(scope="session")
def report_line(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Add a line to the report at the end of the run: `report_line("42 vectors judged")`."""
    return pytestconfig.stash[_lines].append


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:  # one of several processes (pytest -n): its lines go to the first one
        output["report_lines"] = session.config.stash[_lines]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Called in the first process when another one is done, or has died: then it says nothing."""
    lines = getattr(node, "workeroutput", {}).get("report_lines", [])
    node.config.stash[_lines].extend(lines)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    lines = config.stash[_lines]
    if lines:
        terminalreporter.section("report")
        for line in lines:
            terminalreporter.write_line(line)
