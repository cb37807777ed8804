"""The agent's own state: a slot for each model, kept at what the store says."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from likewise.errors import LikewiseError
from likewise_edge.install import (
    Trial,
    begin_serving,
    end_probation,
    end_serving,
    roll_back,
)
from likewise_edge.logs import facts, log
from likewise_edge.metrics import Metrics
from likewise_edge.serving import RefusalError, Slot, load
from likewise_edge.updates import trusted_keys, update

if TYPE_CHECKING:
    from likewise_edge.config import Config
    from likewise_edge.store import Store

__all__ = ["Agent"]


@dataclass(slots=True)
class Agent:
    """`settled` is set once every model of the store was loaded, or could not be. `draining` is set
    once it is to end: what is under way is answered, nothing else is taken.

    `serving_since` is when the bundle of a model began to serve, by `time.monotonic`.
    """

    config: Config
    store: Store
    slots: dict[str, Slot] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=Metrics)
    started: float = field(default_factory=time.time)
    draining: bool = False
    settled: bool = False
    serving_since: dict[str, float] = field(default_factory=dict)

    @property
    def trial(self) -> Trial:
        """How self-tests go."""
        updates = self.config.updates
        return Trial(updates.selftest_runs, updates.selftest_seconds)

    @property
    def ready(self) -> bool:
        """Whether every model that the device has can answer, and there is one."""
        loaded = [slot.loaded is not None for slot in self.slots.values()]
        return self.settled and bool(loaded) and all(loaded) and not self.draining

    def slot(self, name: str) -> Slot:
        """Raises `RefusalError` where there is no such model, or the agent is about to end."""
        if self.draining:
            raise RefusalError(503, "the agent is about to end", 10.0)
        if name not in self.slots:
            allowed = ", ".join(self.slots) or "none is installed"
            raise RefusalError(404, f"there is no model {name!r}", allowed=allowed)
        return self.slots[name]

    def refresh(self) -> None:
        """Serve what the store says: load what is new, and end probations that are over."""
        for name in self.store.names():
            if name not in self.slots:  # another dict: requests may be looking through this one
                self.slots = {**self.slots, name: Slot(name, self.config.server.queue)}
            try:
                self._refresh(self.slots[name])
            except (LikewiseError, OSError) as error:
                log.error("cannot serve", extra=facts(model=name, reason=str(error)))

    def _refresh(self, slot: Slot) -> None:
        state = self.store.state(slot.name)
        current = state.current
        serves = slot.loaded.bundle if slot.loaded is not None else None
        if current is not None and current.bundle == serves:
            proved = time.monotonic() - self.serving_since[slot.name]
            if state.probation is not None and proved > self.config.updates.probation_seconds:
                end_probation(self.store, slot.name, current.bundle)
                log.info("probation is over", extra=facts(model=slot.name, bundle=serves))
            return
        while (state := begin_serving(self.store, slot.name, self.trial)).current is not None:
            try:
                slot.loaded = load(self.store, state.current)
                break
            except LikewiseError as error:
                roll_back(self.store, slot.name, str(error))
                log.error("rolled back", extra=facts(model=slot.name, reason=str(error)))
        else:
            slot.loaded = None
        self.serving_since[slot.name] = time.monotonic()
        if state.current is not None:
            log.info(
                "serving",
                extra=facts(
                    model=slot.name,
                    version=state.current.version,
                    engine=state.current.engine,
                    bundle=state.current.bundle,
                ),
            )

    def update(self, name: str) -> None:
        """Install what the model's source offers, if it is new; what goes wrong is logged."""
        source = self.config.models[name].source
        outcome = "unchanged"
        try:
            if update(self.store, name, source, trusted_keys(self.config.keys), self.trial):
                outcome = "installed"
                log.info("installed", extra=facts(model=name, source=source))
        except (LikewiseError, OSError) as error:
            outcome = "refused"
            log.error("not installed", extra=facts(model=name, source=source, reason=str(error)))
        self.metrics.installs.labels(name, outcome).inc()

    def close(self) -> None:
        """End in order: no probation counts this as a crash."""
        for slot in self.slots.values():
            slot.close()
            end_serving(self.store, slot.name)
