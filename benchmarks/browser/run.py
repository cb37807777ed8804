"""The contests in Chromium: every engine in one page, in turn."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.browser.clock import ProcessorClock
from benchmarks.timing import Times
from likewise.targets.wasm import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Browser

    from benchmarks.browser.site import Prepared

__all__ = ["Outcome", "Timed", "run_contest"]

WARM_UP = 2000
"""Milliseconds for which each engine runs before anything counts."""
TURN = 150
"""Milliseconds for which an engine runs in its turn; at least one call."""
APART = 1e-3
"""How far outputs may be from the peer's, relative to the largest. On x86 the peer's own roundings
reach 2e-4 (tests/models/peers.py); an error in a kernel is far larger."""


@dataclass(frozen=True)
class Timed:
    """One engine on one model, in milliseconds: to open it, its first run, and each turn: the
    median call by the clock, and the mean call in processor time of the page's thread, None where
    the system does not say it. `apart` is how far its outputs are from the peer's, None where they
    make no sense.
    """

    creation: float
    first: float
    turns: tuple[float, ...]
    busy: tuple[float, ...] | None
    apart: float | None

    @property
    def times(self) -> Times:
        return Times(tuple(sorted(self.turns)))

    @property
    def agrees(self) -> bool:
        """Whether it computes the same as the peer, so that its time means something."""
        return self.apart is not None and self.apart <= APART


@dataclass(frozen=True)
class Outcome:
    """A contest that was run: the engines by name, and our module's times under wasmtime."""

    prepared: Prepared
    engines: Mapping[str, Timed]
    wasmtime: Times

    @property
    def busy_speed(self) -> float | None:
        """How many times as fast as the peer in processor time, both with one thread: the median
        over the turns; None where it is unknown or the outputs are wrong.
        """
        fast, peer = self.engines["fast"], self.engines["peer"]
        if not fast.agrees or fast.busy is None or peer.busy is None:
            return None
        return statistics.median(b / a for a, b in zip(fast.busy, peer.busy, strict=True))

    @property
    def outside_speed(self) -> float:
        """The speed under wasmtime as a part of that in the browser."""
        return self.engines["fast"].times.median / self.wasmtime.median

    def quiet(self, name: str) -> float:
        """The time when least else ran, which is when threads have a core each: the median of the
        fastest quarter of the turns.
        """
        turns = sorted(self.engines[name].turns)
        return statistics.median(turns[: -(-len(turns) // 4)])

    def quiet_speed(self, name: str, beside: str) -> float | None:
        """How many times as fast as another engine, each when least else ran; None where there is
        none or outputs are wrong.
        """
        if not self._agree(name, beside):
            return None
        return self.quiet(beside) / self.quiet(name)

    def _agree(self, *names: str) -> bool:
        return all(one in self.engines and self.engines[one].agrees for one in names)

    def speed(self, name: str, beside: str = "peer") -> float | None:
        """How many times as fast as another engine: the median over the turns; None where there
        is none or outputs are wrong.
        """
        if not self._agree(name, beside):
            return None
        pairs = zip(self.engines[beside].turns, self.engines[name].turns, strict=True)
        return statistics.median(other / own for other, own in pairs)


def run_contest(browser: Browser, address: str, prepared: Prepared, runs: int) -> Outcome:
    """Time every engine in a page of its own context, so that nothing is cached from before."""
    subjects = prepared.subjects()
    spec = {
        "subjects": subjects,
        "reference": "peer",
        "inputs": prepared.inputs,
        "warmUp": WARM_UP,
    }
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"{address}/page/")
        begun = page.evaluate("spec => globalThis.benchmark.begin(spec)", spec)
        turns: dict[str, list[float]] = {name: [] for name in begun["opened"]}
        busy: dict[str, list[float | None]] = {name: [] for name in begun["opened"]}
        clock = ProcessorClock(browser)
        outside = _Wasmtime(prepared)
        for _ in range(runs):
            outside.turn()
            for name, medians in turns.items():
                before = clock.milliseconds()
                told = page.evaluate(
                    "spec => globalThis.benchmark.turn(spec)",
                    {"name": name, "milliseconds": TURN},
                )
                after = clock.milliseconds()
                medians.append(statistics.median(told["times"]))
                busy[name].append(
                    None if before is None or after is None else (after - before) / told["calls"]
                )
        found: dict[str, Any] = page.evaluate("() => globalThis.benchmark.end()")
    finally:
        context.close()
    engines = {
        name: Timed(
            one["creation"], one["first"], tuple(turns[name]), _all(busy[name]), one["apart"]
        )
        for name, one in found.items()
    }
    if begun["refused"]:
        (reason, *_) = begun["refused"].values()
        prepared = replace(prepared, refused=f"LiteRT.js: {reason}")
    return Outcome(prepared, engines, Times(tuple(sorted(outside.medians))))


class _Wasmtime:
    """Our module with one thread on wasmtime."""

    def __init__(self, prepared: Prepared) -> None:
        self.runner = load(prepared.module, threads=1)
        folder = prepared.module.parent
        names = {port.name for port in self.runner.inputs}
        self.feeds = {
            one["name"]: np.fromfile(folder / one["url"][1:], one["dtype"]).reshape(one["shape"])
            for one in prepared.inputs
            if one["name"] in names
        }
        self.medians: list[float] = []
        self.turn()
        self.medians.clear()

    def turn(self) -> None:
        """Run for a turn, and keep the median call."""
        times: list[float] = []
        while sum(times) < TURN:
            start = time.perf_counter()
            self.runner.run(self.feeds)
            times.append(1e3 * (time.perf_counter() - start))
        self.medians.append(statistics.median(times))


def _all(values: list[float | None]) -> tuple[float, ...] | None:
    """The values, if every one is known."""
    known = tuple(one for one in values if one is not None)
    return known if len(known) == len(values) else None
