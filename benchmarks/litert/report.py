"""The section that `./dev bench litert` writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.page import table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.timing import Times

__all__ = ["GOAL", "Outcome", "missed", "section"]

GOAL: Final = 0.95
"""How fast our file must be at least, as a part of the peer's speed."""


@dataclass(frozen=True)
class Outcome:
    """The times and the sizes in bytes of both files of a model."""

    model: str
    ours: Times
    theirs: Times
    our_size: int
    their_size: int

    @property
    def speed(self) -> float:
        """Ours as a multiple of the peer's."""
        return self.theirs.median / self.ours.median


def missed(outcomes: Sequence[Outcome]) -> list[str]:
    """The models on which the goal is missed."""
    return [one.model for one in outcomes if one.speed < GOAL]


def section(machine: Mapping[str, str], outcomes: Sequence[Outcome]) -> str:
    """The section in Markdown."""
    rows = [
        (
            one.model,
            *(_shown(times) for times in (one.ours, one.theirs)),
            f"{one.speed:.2f}",
            f"{one.our_size / 2**20:.1f} / {one.their_size / 2**20:.1f}",
        )
        for one in outcomes
    ]
    columns = ("model", "likewise, ms", "onnx2tf, ms", "speed", "MiB, ours / theirs")
    facts = "; ".join(f"{name}: {value}" for name, value in machine.items())
    goal = ", ".join(missed(outcomes))
    verdict = f"Missed: {goal}." if goal else "All reach it."
    return (
        "The `.tflite` files that likewise and onnx2tf make of a model, in turn on one interpreter "
        "with one thread. Ours take and give the layout of ONNX, so the transposes at the edges "
        "are in their times; onnx2tf's take channels last.\n\n"
        f"{facts}.\n\n{table(columns, rows)}\n"
        f"*Speed* is ours as a multiple of the peer's; the goal is {GOAL} and more. {verdict}\n"
    )


def _shown(times: Times) -> str:
    low, high = times.spread
    return f"{times.median:.1f} ({low:.1f} to {high:.1f})"
