"""What is said at the end of a rollout: each next step once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platformio_secureota import Reason, Refused
from platformio_secureota.cli import fleet_display
from platformio_secureota.fleet import Device, Outcome, Report, Result
from platformio_secureota.ota import Target

if TYPE_CHECKING:
    import pytest


def failed(name: str, hint: str) -> Result:
    device = Device(name, Target("127.0.0.1", 3232))
    return Result(device, Outcome.FAILED, Refused(Reason.NotAuthorized, hint=hint))


def test_every_next_step_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    results = (failed("a", "do this"), failed("b", "do that"), failed("c", "do this"))
    fleet_display.show(Report(results, interrupted=False), to_stderr=True)
    said = capsys.readouterr().err
    assert said.count("NotAuthorized: do this\n") == 1
    assert said.count("NotAuthorized: do that\n") == 1
