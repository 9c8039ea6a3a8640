"""Many devices: who they are, in which order they are updated, and what became of each.

    report = Rollout(service, limits=Limits(), listener=display).run(plan(devices))

How one device is updated is passed in: by `Service`, the same upload that a single device gets.
Nothing here prints or asks.
"""

from platformio_secureota.fleet.device import Device
from platformio_secureota.fleet.plan import Plan, plan
from platformio_secureota.fleet.report import Report
from platformio_secureota.fleet.result import Done, Outcome, Result
from platformio_secureota.fleet.rollout import Limits, Listener, Rollout, Watcher
from platformio_secureota.fleet.selection import choose, named
from platformio_secureota.fleet.service import Service
from platformio_secureota.fleet.targets import read_targets

__all__ = [
    "Device",
    "Done",
    "Limits",
    "Listener",
    "Outcome",
    "Plan",
    "Report",
    "Result",
    "Rollout",
    "Service",
    "Watcher",
    "choose",
    "named",
    "plan",
    "read_targets",
]
