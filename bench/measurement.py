"""One line of a table: ours, a peer's, and the ratio that we want."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from typing import Callable


@dataclass(frozen=True)
class Measurement:
    """Two figures of the same work, in the same unit: rates, unless `judged` says more."""

    name: str
    value: float
    unit: str
    peer: str
    peer_value: float
    goal: float
    """Lowest good ratio."""
    judged: float | None = None
    """The ratio, where it is not the quotient: less is better, or it is a median of quotients."""

    @property
    def ratio(self) -> float:
        """How many times as good as the peer."""
        return self.value / self.peer_value if self.judged is None else self.judged

    def as_json(self) -> dict[str, object]:
        """Make an entry of build/bench.json."""
        values = asdict(self)
        del values["judged"]
        return {**values, "ratio": self.ratio}


def rates(
    ours: Callable[[], object], peer: Callable[[], object], *, rounds: int, ours_per_round: int
) -> tuple[float, float]:
    """Time both in turn, so that a busy moment hits both; runs per second, medians."""
    ours()
    peer()
    our_times, peer_times = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(ours_per_round):
            ours()
        middle = time.perf_counter()
        peer()
        our_times.append((middle - start) / ours_per_round)
        peer_times.append(time.perf_counter() - middle)
    return 1 / statistics.median(our_times), 1 / statistics.median(peer_times)
