"""Numbers for Prometheus."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platformio_secureota.tsa.server.chain import Head

GRANTED = "granted"
"""The outcome that is meant to be usual."""

_PREFIX_OCTETS = 6
"""A sample is a double: 48 bits fit, and are enough to see that a head is another one."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """What this process counts; with PROMETHEUS_MULTIPROC_DIR set, what all workers count."""

    def __init__(self) -> None:
        """Begin with zeros."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "secureota_tsa_requests",
            "Timestamp requests by outcome: granted, or the failInfo, or the HTTP status",
            ["outcome"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "secureota_tsa_seconds",
            "From a whole request to its reply",
            buckets=_SECONDS,
            registry=self._registry,
        )

        self._granted = self._requests.labels(GRANTED)

    def count(self, outcome: str, seconds: float) -> None:
        """Count a request, and what it took."""
        # To look a label up takes as long as all the rest.
        counter = self._granted if outcome == GRANTED else self._requests.labels(outcome)
        counter.inc()
        self._seconds.observe(seconds)

    def write(self, head: Head, *, clock_is_good: bool) -> bytes:
        """Prometheus' text format."""
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        # These are the same for every worker, so they stay out of what is summed up.
        state = CollectorRegistry()
        state.register(_State(head, clock_is_good=clock_is_good))
        return bytes(generate_latest(registry) + generate_latest(state))


class _State(Collector):
    """Log and clock as they are now."""

    def __init__(self, head: Head, *, clock_is_good: bool) -> None:
        self._head = head
        self._clock_is_good = clock_is_good

    def collect(self) -> Iterator[GaugeMetricFamily]:
        prefix = int.from_bytes(self._head.digest[:_PREFIX_OCTETS], "big")
        for name, text, value in (
            ("log_records", "Records in the log", self._head.seq),
            ("log_head", "First 6 octets of the log's last hash, as a number", prefix),
            ("clock_good", "1 if the clock is good enough for tokens", int(self._clock_is_good)),
        ):
            yield GaugeMetricFamily(f"secureota_tsa_{name}", text, value=value)
