"""Timing several engines in one run, in turn, so that what disturbs the machine disturbs all."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Subject", "Times", "time_in_turn"]


@dataclass(frozen=True)
class Subject:
    """Something to time: called in each turn, or, if it is slow, only in every so manieth."""

    name: str
    call: Callable[[], Any]
    every: int = 1


@dataclass(frozen=True)
class Times:
    """The times of the counted calls, in milliseconds, sorted."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of the calls were faster."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """A quarter of the calls were faster than the first, a quarter slower than the second."""
        if len(self.values) < 2:
            return self.values[0], self.values[0]
        lower, _, upper = statistics.quantiles(self.values, n=4, method="inclusive")
        return lower, upper


def time_in_turn(subjects: list[Subject], turns: int) -> dict[str, Times]:
    """Call the subjects A B C A B C … for so many turns, after a turn that is not counted."""
    for subject in subjects:
        subject.call()
    times: dict[str, list[float]] = {subject.name: [] for subject in subjects}
    for turn in range(turns):
        for subject in subjects:
            if turn % subject.every == 0:
                start = time.perf_counter()
                subject.call()
                times[subject.name].append(1e3 * (time.perf_counter() - start))
    return {name: Times(tuple(sorted(values))) for name, values in times.items()}
