"""One image read by several engines in turn, and what they make of it."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.engines import STAGES
from demo.ocr.read import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from demo.engines import Call, Engine
    from demo.ocr.read import Line

__all__ = ["Reading", "read_in_turn"]


@dataclass(frozen=True)
class Reading:
    """What one engine read. Times are medians over its readings, in seconds."""

    engine: Engine
    lines: Sequence[Line]
    calls: Sequence[Call]
    """The runs of its networks in the last reading."""
    seconds: float
    stage_seconds: dict[str, float]

    @property
    def texts(self) -> list[str]:
        """What the lines say."""
        return [line.text for line in self.lines]

    def calls_of(self, stage: str) -> int:
        """How often a network ran."""
        return sum(call.stage == stage for call in self.calls)


def read_in_turn(
    image: NDArray[np.uint8], engines: Sequence[Engine], side: int, runs: int
) -> list[Reading]:
    """Read the image `runs` times with each engine, A B A B …, after one reading to warm up."""
    totals: dict[str, list[float]] = {engine.name: [] for engine in engines}
    stages: dict[tuple[str, str], list[float]] = {}
    lines: dict[str, Sequence[Line]] = {}
    for turn in range(runs + 1):
        for engine in engines:
            engine.calls.clear()
            start = time.perf_counter()
            lines[engine.name] = read(image, engine.networks, side)
            seconds = time.perf_counter() - start
            if turn == 0:
                continue
            totals[engine.name].append(seconds)
            for stage in STAGES:
                spent = sum(call.seconds for call in engine.calls if call.stage == stage)
                stages.setdefault((engine.name, stage), []).append(spent)
    return [
        Reading(
            engine,
            lines[engine.name],
            tuple(engine.calls),
            statistics.median(totals[engine.name]),
            {stage: statistics.median(stages[engine.name, stage]) for stage in STAGES},
        )
        for engine in engines
    ]
