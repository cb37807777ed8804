"""The results in Pyodide as Markdown, which is also what the terminal shows."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

from benchmarks.page import goals_missed, table
from benchmarks.pyodide.measure import STAGES, WAYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.pyodide.measure import Outcome
    from benchmarks.timing import Times

__all__ = ["missed", "section"]

COMPILING_GOAL: Final = ("mobilenetv2", 20.0)
"""Seconds in which the compiler in Pyodide is to be done with that model of 14 MB."""
SPEED_GOAL: Final = 1.1
"""A module run from Python takes at most so many times what it takes from JavaScript."""
CALL_GOAL: Final = 0.1
"""Or so many milliseconds more: what a call of a small model may cost."""
NAMES: Final = {
    "prebuilt": "module compiled beforehand, npm runtime",
    "numpy": "Pyodide, NumPy",
    "compile": "Pyodide, compiled in the page",
}
INTRODUCTION = """A fresh browser for every visit, over HTTP on this machine; all of it in a worker:
from navigation to the first answer, which was compared with that of NumPy under CPython.
*Transferred* is all that the page fetched, uncompressed. Of the time, *core* is until Python runs,
*packages* until NumPy and likewise are unpacked, *imports* importing both, and *compiling* is
`likewise.compile` with golden vectors and both twins, which told so many *steps* of progress.
"""
SPEED = """The module that was compiled in the page, run in turn from Python, in Pyodide, and from
JavaScript, by the npm runtime, in the same worker: inputs copied in, outputs copied out. What
counts is the fastest quarter of the turns, which other work on the machine stretches least.
"""


def section(machine: Mapping[str, str], outcomes: Sequence[Outcome]) -> str:
    """The section of the page."""
    parts = [INTRODUCTION, table(("measured on", ""), machine.items()), _visits(outcomes)]
    parts += ["### The same module from Python and from JavaScript\n", SPEED, _speeds(outcomes)]
    parts.append(goals_missed(missed(outcomes)))
    return "\n".join(parts)


def missed(outcomes: Sequence[Outcome]) -> list[str]:
    """Each goal that was not reached, in words."""
    found = []
    for one in outcomes:
        label, (model, seconds) = one.put.contest.label, COMPILING_GOAL
        took = statistics.median(one.visits["compile"].stages["compiling"]) / 1e3
        if one.put.contest.model == model and took > seconds:
            found.append(f"{label}: compiles in {took:.1f} s, not {seconds:g}")
        if not one.speed.same:
            found.append(f"{label}: other bits from Python than from JavaScript")
        more = one.speed.quiet("python") - one.speed.quiet("javascript")
        if one.speed.ratio > SPEED_GOAL and more > CALL_GOAL:
            found.append(
                f"{label}: {one.speed.ratio:.2f} times JavaScript's time, not {SPEED_GOAL:g}"
            )
    return found


def _visits(outcomes: Sequence[Outcome]) -> str:
    columns = (
        "model and way",
        "first answer, ms",
        "transferred, kB",
        *(f"{stage}, ms" for stage in STAGES),
        "steps",
    )
    rows = []
    for one in outcomes:
        for way in WAYS:
            visits = one.visits[way]
            rows.append(
                (
                    f"{one.put.contest.label}: {NAMES[way]}",
                    _times(visits.times),
                    f"{visits.transferred / 1e3:,.0f}",
                    *(_median(visits.stages.get(stage, ())) for stage in STAGES),
                    str(visits.steps or ""),
                )
            )
    return table(columns, rows)


def _speeds(outcomes: Sequence[Outcome]) -> str:
    columns = (
        "model",
        "from Python, ms",
        "from JavaScript, ms",
        "Python's time / JavaScript's",
        "a call costs more by, µs",
        "same bits",
    )
    rows = []
    for one in outcomes:
        own, other = one.speed.quiet("python"), one.speed.quiet("javascript")
        rows.append(
            (
                one.put.contest.label,
                f"{own:.3f}",
                f"{other:.3f}",
                f"{one.speed.ratio:.2f}",
                f"{1e3 * (own - other):.0f}",
                "yes" if one.speed.same else "no",
            )
        )
    return table(columns, rows)


def _times(times: Times) -> str:
    lower, upper = times.spread
    return f"{times.median:.0f} ({lower:.0f} to {upper:.0f})"


def _median(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.0f}" if values else ""
