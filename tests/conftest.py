"""What all tests share: lines for the end of the run, no deadlines, and no one's own keyring."""

from __future__ import annotations

import os
from typing import Callable

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


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    lines = config.stash[_lines]
    if lines:
        terminalreporter.section("report")
        for line in lines:
            terminalreporter.write_line(line)
