"""What Prometheus reads at `/metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from likewise_edge.serving import Slot

__all__ = ["Metrics"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counters of one agent, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "likewise_requests",
            "Requests to infer, by the status of the answer",
            ["model", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "likewise_request_seconds",
            "From the end of a request's body to its answer",
            ["model"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.installs = Counter(
            "likewise_installs",
            "Bundles that were offered, by what became of them",
            ["model", "outcome"],
            registry=self.registry,
        )
        self.files = Counter(
            "likewise_files",
            "Files in watched folders, by what became of them",
            ["watch", "outcome"],
            registry=self.registry,
        )
        self.waiting = Gauge(
            "likewise_waiting", "Requests taken and not answered", ["model"], registry=self.registry
        )
        self.info = Gauge(
            "likewise_model",
            "1 for the bundle and engine that serve",
            ["model", "version", "engine", "bundle"],
            registry=self.registry,
        )

    def page(self, slots: Iterable[Slot]) -> bytes:
        """The text that Prometheus reads."""
        self.info.clear()
        for slot in slots:
            self.waiting.labels(slot.name).set(slot.waiting)
            if slot.loaded is not None:
                version = str(slot.loaded.manifest.version)
                self.info.labels(slot.name, version, slot.loaded.engine, slot.loaded.bundle).set(1)
        return generate_latest(self.registry)
