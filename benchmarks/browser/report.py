"""The results in the browser as Markdown, which is also what the terminal shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.browser.cold import GOAL, VISITED
from benchmarks.page import goals_missed, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.browser.cold import Visits
    from benchmarks.browser.run import Outcome
    from benchmarks.browser.site import Size
    from benchmarks.timing import Times

__all__ = ["cold_section", "contest_section", "missed_contests", "missed_visits"]

INTRODUCTION = """The same model, float32, batch 1, in one page of headless Chromium: the module of
`likewise compile` in fast and in strict numerics, onnxruntime-web on WebAssembly, and LiteRT.js
(XNNPACK) on the `.tflite` file that onnx2tf makes of the model once its shapes are settled. *Times
as fast* is the peer's time over ours, the median over the turns; *in processor time* leaves out
what the page's thread waited for other work on the machine. *Apart* is how far the outputs are
from onnxruntime-web's, relative to the largest: where they disagree nothing is compared.
"""
TWO = """The same with two threads each. These need two idle cores, so what counts is the fastest
quarter of the turns; where two threads took longer than one even then, the machine was busy, and
the comparison says —.
"""
OUTSIDE = """The same modules, one thread, from Python on wasmtime, whose compiler leaves more to do
in every round of a loop than Chromium's does.
"""
BEGINNING = """Opening a model in the page, nothing cached: from the first byte asked for until it
can run, and the first run. *Engine* is the script and, for the peer, its kernels; *model* is the
`.wasm` or the `.onnx` file; compressed with gzip in parentheses.
"""
COLD = """A fresh browser for every visit, over HTTP on this machine, one thread: from navigation to
the first output. Every page asks for the model first, and its head names its scripts and its
engine's kernels beforehand. *Transferred* is all that the page fetched.
"""
NAMES = {"fast": "likewise", "peer": "onnxruntime-web", "litert": "LiteRT.js"}
LITERT_GOAL = 1.2
TWO_THREADS_GOAL = 1.6
OUTSIDE_GOAL = 0.5
OUTSIDE_MODEL = "resnet50"
"""The model on which wasmtime has to reach that part of Chromium's speed."""
TWO_THREADS = ("resnet50", "mobilenetv2")
"""The models on which our two threads have to be so many times as fast as one."""


def contest_section(
    machine: Mapping[str, str],
    outcomes: Sequence[Outcome],
    refused: Mapping[str, str],
    chart: str,
) -> str:
    """The section of the page; `refused` are models that do not compile, with the reason."""
    parts = [INTRODUCTION, table(("measured on", ""), machine.items())]
    parts += [f"![Times as fast as onnxruntime-web]({chart})\n", _one_thread(outcomes)]
    without = [one.prepared for one in outcomes if one.prepared.refused]
    parts += [f"Not on LiteRT.js: {one.contest.label} ({one.refused}).\n" for one in without]
    parts += ["### Two threads\n", TWO, _two_threads(outcomes)]
    parts += ["### Under wasmtime\n", OUTSIDE, _outside(outcomes)]
    parts += ["### Opening a model\n", BEGINNING, _openings(outcomes)]
    if refused:
        lines = (f"- {label}: {reason}" for label, reason in refused.items())
        parts.append("### Not compiled yet\n\n" + "\n".join(lines) + "\n")
    parts.append(goals_missed(missed_contests(outcomes)))
    return "\n".join(parts)


def missed_contests(outcomes: Sequence[Outcome]) -> list[str]:
    """Each goal that was not reached, in words."""
    found = []
    for outcome in outcomes:
        goal, speed = outcome.prepared.contest, outcome.speed("fast")
        if speed is None:
            found.append(f"{goal.label}: its outputs are not those of onnxruntime-web")
            continue
        if speed < goal.goal:
            found.append(f"{goal.label}: {speed:.2f} times as fast, not {goal.goal:g}")
        beside = outcome.speed("fast", "litert")
        if beside is not None and beside < LITERT_GOAL:
            found.append(
                f"{goal.label}: {beside:.2f} times as fast as LiteRT.js, not {LITERT_GOAL:g}"
            )
        found += _missed_with_two(outcome)
        if goal.model == OUTSIDE_MODEL and outcome.outside_speed < OUTSIDE_GOAL:
            found.append(
                f"{goal.label}: {outcome.outside_speed:.2f} of Chromium's speed under wasmtime, "
                f"not {OUTSIDE_GOAL:g}"
            )
    return found


def _missed_with_two(outcome: Outcome) -> list[str]:
    """Where our two threads fall short of one of ours, or of two of a peer's."""
    contest, found = outcome.prepared.contest, []
    if contest.model not in TWO_THREADS:
        return []
    scaling = outcome.quiet_speed("fast, 2 threads", "fast")
    if scaling is None or scaling < TWO_THREADS_GOAL:
        found.append(
            f"{contest.label}: two threads {_ratio(scaling)} times as fast as one, "
            f"not {TWO_THREADS_GOAL:g}"
        )
    for name in ("peer", "litert"):
        speed = outcome.quiet_speed("fast, 2 threads", f"{name}, 2 threads")
        if speed is not None and speed < 1:
            found.append(
                f"{contest.label}: two threads {speed:.2f} times as fast as those of {NAMES[name]}"
            )
    return found


def _one_thread(outcomes: Sequence[Outcome]) -> str:
    columns = (
        "model",
        "fast, ms",
        "strict, ms",
        "onnxruntime-web, ms",
        "LiteRT.js, ms",
        "fast: times as fast as onnxruntime-web",
        "goal",
        "in processor time",
        "strict: times as fast",
        "fast: times as fast as LiteRT.js",
        "goal",
        "apart",
        "LiteRT.js: apart",
    )
    rows = []
    for one in outcomes:
        goal = one.prepared.contest
        rows.append(
            (
                goal.label,
                *(_time(one, name) for name in ("fast", "strict", "peer", "litert")),
                _ratio(one.speed("fast")),
                f"≥ {goal.goal:g}",
                _ratio(one.busy_speed) if one.engines["fast"].busy else "",
                _ratio(one.speed("strict")),
                _beside(one, "litert"),
                f"≥ {LITERT_GOAL:g}",
                _apart(one, "fast"),
                _apart(one, "litert"),
            )
        )
    return table(columns, rows)


def _two_threads(outcomes: Sequence[Outcome]) -> str:
    columns = (
        "model",
        *(f"{name}, ms" for name in NAMES.values()),
        "likewise: times as fast as with one",
        "goal",
        "as onnxruntime-web's two",
        "as LiteRT.js's two",
    )
    rows = []
    for one in outcomes:
        contest = one.prepared.contest
        times = [f"{name}, 2 threads" for name in NAMES]
        rows.append(
            (
                contest.label,
                *(_digits(one.quiet(name)) if name in one.engines else "—" for name in times),
                _scaling(one),
                f"≥ {TWO_THREADS_GOAL:g}" if contest.model in TWO_THREADS else "",
                *(_beside_two(one, name) for name in ("peer", "litert")),
            )
        )
    return table(columns, rows)


def _outside(outcomes: Sequence[Outcome]) -> str:
    rows = [
        (
            one.prepared.contest.label,
            _time(one, "fast"),
            _spread(one.wasmtime),
            f"{one.outside_speed:.2f}",
            f"≥ {OUTSIDE_GOAL:g}" if one.prepared.contest.model == OUTSIDE_MODEL else "",
        )
        for one in outcomes
    ]
    return table(("model", "Chromium, ms", "wasmtime, ms", "of Chromium's speed", "goal"), rows)


def _openings(outcomes: Sequence[Outcome]) -> str:
    columns = ["model"]
    for name in NAMES.values():
        columns += [f"{name}: opens, ms", "first run, ms", "engine, kB", "model, kB"]
    columns[5:5] = ["its code, kB", "its memory, kB"]
    rows = []
    for one in outcomes:
        prepared = one.prepared
        cells = [prepared.contest.label]
        for name, label in NAMES.items():
            engine = one.engines.get(name)
            if engine is None:
                cells += ["—"] * 4
                continue
            cells += [f"{engine.creation:.0f}", f"{engine.first:.0f}"]
            cells += [_size(size) for size in prepared.sizes[label]]
            if name == "fast":
                cells += [_kilobytes(prepared.code_bytes), _kilobytes(prepared.memory_bytes)]
        rows.append(cells)
    return table(columns, rows)


def cold_section(machine: Mapping[str, str], visits: Sequence[Visits]) -> str:
    """The section of the page."""
    columns = ["model"]
    columns += [f"{NAMES[name]}, ms" for name in VISITED]
    columns += [f"{NAMES[name]}: transferred, kB" for name in VISITED]
    columns += ["time / onnxruntime-web's", "goal"]
    rows = []
    for one in visits:
        cells = [one.prepared.contest.label]
        cells += [_spread(one.times(name)) for name in VISITED]
        cells += [_kilobytes(one.transferred[name]) for name in VISITED]
        rows.append([*cells, f"{one.ratio:.2f}", f"≤ {GOAL:g}"])
    parts = [COLD, table(("measured on", ""), machine.items()), table(columns, rows)]
    parts.append(goals_missed(missed_visits(visits)))
    return "\n".join(parts)


def missed_visits(visits: Sequence[Visits]) -> list[str]:
    """Each goal that was not reached, in words."""
    return [
        f"{one.prepared.contest.label}: {one.ratio:.2f} of onnxruntime-web's time, not {GOAL:g}"
        for one in visits
        if one.ratio > GOAL
    ]


def _time(outcome: Outcome, name: str) -> str:
    return _spread(outcome.engines[name].times) if name in outcome.engines else "—"


def _spread(times: Times) -> str:
    lower, upper = times.spread
    digits = _digits_of(times.median)
    return f"{times.median:.{digits}f} ({lower:.{digits}f} to {upper:.{digits}f})"


def _digits(milliseconds: float) -> str:
    return f"{milliseconds:.{_digits_of(milliseconds)}f}"


def _digits_of(milliseconds: float) -> int:
    return 0 if milliseconds >= 100 else 1 if milliseconds >= 2 else 2


def _ratio(speed: float | None) -> str:
    return "wrong" if speed is None else f"{speed:.2f}"


def _apart(outcome: Outcome, name: str) -> str:
    if name not in outcome.engines:
        return "—"
    off = outcome.engines[name].apart
    return "not comparable" if off is None else f"{off:.0e}"


def _beside(outcome: Outcome, name: str) -> str:
    return _ratio(outcome.speed("fast", name)) if name in outcome.engines else "—"


def _scaling(outcome: Outcome) -> str:
    """Our two threads beside our one."""
    return _ratio(outcome.quiet_speed("fast, 2 threads", "fast"))


def _beside_two(outcome: Outcome, name: str) -> str:
    """Our two threads beside a peer's two, where both had two cores to run on."""
    if name not in outcome.engines:
        return "—"
    for each in ("fast", name):
        if outcome.quiet(f"{each}, 2 threads") >= outcome.quiet(each):
            return "—"
    return _ratio(outcome.quiet_speed("fast, 2 threads", f"{name}, 2 threads"))


def _kilobytes(count: int) -> str:
    return f"{count / 1000:,.0f}" if count >= 10_000 else f"{count / 1000:.1f}"


def _size(size: Size) -> str:
    return f"{_kilobytes(size.raw)} ({_kilobytes(size.gzip)})"
