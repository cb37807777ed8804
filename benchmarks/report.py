"""The results on the NumPy target as Markdown, which is also what the terminal shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.page import goals_missed, table
from benchmarks.startup import IMPORT_GOAL, LARGE, OPEN_GOAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.numpy_target import Outcome
    from benchmarks.startup import Opening
    from benchmarks.timing import Times

__all__ = ["missed_goals", "to_markdown"]


def to_markdown(
    machine: Mapping[str, str],
    outcomes: Sequence[Outcome],
    imports: Mapping[str, float],
    openings: Sequence[Opening],
    megabytes: float,
) -> str:
    """The section of the page."""
    parts = [table(("measured on", ""), machine.items()), _contests(outcomes)]
    parts += [
        f"ReferenceEvaluator fails on {o.contest.label} ({o.reason}).\n"
        for o in outcomes
        if o.reason
    ]
    parts += ["### Beginning\n", _imports(imports), _openings(openings, megabytes)]
    missed = missed_goals(outcomes, imports, openings, megabytes)
    parts.append(goals_missed(missed) + "\n")
    return "\n".join(parts)


def missed_goals(
    outcomes: Sequence[Outcome],
    imports: Mapping[str, float],
    openings: Sequence[Opening],
    megabytes: float,
) -> list[str]:
    """Each goal that was not reached, in words."""
    found = [f"{o.contest.label}: {line}" for o in outcomes for line in o.missed]
    for statement, milliseconds in imports.items():
        if milliseconds > IMPORT_GOAL and statement == "import likewise":
            found.append(f"`{statement}` adds {milliseconds:.0f} ms, not {IMPORT_GOAL:g}")
    ours = openings[0]
    if ours.milliseconds > OPEN_GOAL:
        found.append(f"{LARGE} opens in {ours.milliseconds:.0f} ms, not {OPEN_GOAL:g}")
    if ours.own + ours.mapped > 1.5 * megabytes:
        found.append(f"{LARGE} takes {ours.own + ours.mapped:.0f} MiB once open")
    return found


def _contests(outcomes: Sequence[Outcome]) -> str:
    columns = (
        "model",
        "likewise, ms",
        "onnxruntime, ms",
        "ReferenceEvaluator, ms",
        "time / onnxruntime's",
        "goal",
        "ReferenceEvaluator's time / likewise's",
        "goal",
    )
    rows = []
    for outcome in outcomes:
        goal = outcome.contest
        rows.append(
            (
                goal.label,
                _time(outcome.likewise),
                _time(outcome.onnxruntime),
                _time(outcome.reference) if outcome.reference else "fails",
                f"{outcome.ratio:.2f}",
                f"≤ {goal.within:g}" if goal.within else "",
                f"{outcome.speedup:.1f}" if outcome.speedup else "",
                f"≥ {goal.faster:g}" if goal.faster else "",
            )
        )
    return table(columns, rows)


def _time(times: Times) -> str:
    lower, upper = times.spread
    digits = 0 if times.median >= 100 else 1
    return f"{times.median:.{digits}f} ({lower:.{digits}f} to {upper:.{digits}f})"


def _imports(imports: Mapping[str, float]) -> str:
    goals = {"import likewise": f"≤ {IMPORT_GOAL:g}"}
    rows = [(f"`{name}`", f"{value:.1f}", goals.get(name, "")) for name, value in imports.items()]
    return table(("after `import numpy`", "adds, ms", "goal"), rows)


def _openings(openings: Sequence[Opening], megabytes: float) -> str:
    columns = (
        f"opening {LARGE}, {megabytes:.0f} MiB",
        "ms",
        "own memory, MiB",
        "mapped from the file, MiB",
        "peak up to the first run's end, MiB",
    )
    rows = [
        (o.engine, f"{o.milliseconds:.0f}", f"{o.own:.0f}", f"{o.mapped:.0f}", f"{o.peak:.0f}")
        for o in openings
    ]
    return table(columns, rows)
