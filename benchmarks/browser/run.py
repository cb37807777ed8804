"""The contests in Chromium: every engine in one page, in turn."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.timing import Times

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
    """One engine on one model: milliseconds to open it, of the first run, the median of each turn
    and the fastest call; `apart` is how far its outputs are from the peer's, None where they make
    no sense.
    """

    creation: float
    first: float
    turns: tuple[float, ...]
    fastest: float
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
    """A contest that was run: the engines by name."""

    prepared: Prepared
    engines: Mapping[str, Timed]

    @property
    def undisturbed(self) -> float | None:
        """How many times as fast as the peer in the fastest call of each: what other work on the
        machine disturbs least; None where the outputs are wrong.
        """
        fast, peer = self.engines["fast"], self.engines["peer"]
        return peer.fastest / fast.fastest if fast.agrees else None

    def speed(self, name: str, beside: str = "peer") -> float | None:
        """How many times as fast as another engine: the median over the turns; None where its
        outputs are wrong.
        """
        if not self.engines[name].agrees:
            return None
        pairs = zip(self.engines[beside].turns, self.engines[name].turns, strict=True)
        return statistics.median(other / own for other, own in pairs)


def run_contest(browser: Browser, address: str, prepared: Prepared, runs: int) -> Outcome:
    """Time every engine in a page of its own context, so that nothing is cached from before."""
    spec = {
        "subjects": prepared.subjects(),
        "reference": "peer",
        "inputs": prepared.inputs,
        "turns": runs,
        "warmUp": WARM_UP,
        "turn": TURN,
    }
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"{address}/page/")
        found: dict[str, Any] = page.evaluate("spec => globalThis.benchmark.contest(spec)", spec)
    finally:
        context.close()
    if not found["isolated"]:
        raise RuntimeError("the page is not isolated: no threads, and a coarse clock")
    engines = {
        name: Timed(
            one["creation"],
            one["first"],
            tuple(statistics.median(turn) for turn in one["turns"]),
            min(min(turn) for turn in one["turns"]),
            one["apart"],
        )
        for name, one in found["subjects"].items()
    }
    return Outcome(prepared, engines)
