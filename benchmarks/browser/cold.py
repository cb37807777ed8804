"""From following a link to the first answer, nothing cached: a fresh browser for each visit."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from benchmarks.browser.site import links
from benchmarks.timing import Times
from tools.browser import launch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.browser.site import Prepared

__all__ = ["COLD", "GOAL", "VISITED", "Visits", "visit"]

COLD = ("mobilenetv2", "resnet50")
GOAL = 0.5
"""At most this part of onnxruntime-web's time."""
VISITED = ("fast", "peer", "litert")


@dataclass(frozen=True)
class Visits:
    """By engine, those of VISITED: the milliseconds of every visit, and the bytes of one."""

    prepared: Prepared
    visits: Mapping[str, tuple[float, ...]]
    transferred: Mapping[str, int]

    def times(self, name: str) -> Times:
        """The times of an engine's visits."""
        return Times(tuple(sorted(self.visits[name])))

    @property
    def ratio(self) -> float:
        """Our time over the peer's: the median over pairs of visits."""
        pairs = zip(self.visits["fast"], self.visits["peer"], strict=True)
        return statistics.median(own / other for own, other in pairs)


def visit(address: str, prepared: Prepared, runs: int) -> Visits:
    """Visit each engine's page so many times, in turn."""
    subjects = {one["name"]: one for one in prepared.subjects() if one["name"] in VISITED}
    visits: dict[str, list[float]] = {name: [] for name in subjects}
    transferred: dict[str, int] = {}
    for _ in range(runs):
        for name, subject in subjects.items():
            head = links(prepared.module, subject["engine"])
            order = quote(
                json.dumps({"subject": subject, "inputs": prepared.inputs, "links": head})
            )
            with launch() as browser:
                page = browser.new_page()
                page.goto(f"{address}/page/cold.html#{order}")
                page.wait_for_function("globalThis.answered", timeout=120_000)
                answered = page.evaluate("globalThis.answered")
            visits[name].append(answered["milliseconds"])
            transferred[name] = answered["bytes"]
    return Visits(prepared, {name: tuple(times) for name, times in visits.items()}, transferred)
