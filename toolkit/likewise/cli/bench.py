"""`likewise bench`: time a model, alone and in turn with its peers."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.cli.common import feeds_for, print_json, print_tables, table
from likewise.conform.contest import PEERS, time_in_chromium
from likewise.conform.subject import Subject
from likewise.errors import InputError, MissingDependencyError
from likewise.model import Model, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from likewise.ir import Node

__all__ = ["Timing", "bench_model", "peers", "profile", "time_in_turn"]


@dataclass(frozen=True)
class Timing:
    """The times of counted runs, in milliseconds."""

    name: str
    times: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of the runs were faster."""
        return statistics.median(self.times)

    @property
    def p90(self) -> float:
        """Nine of ten runs were faster."""
        return float(np.percentile(self.times, 90))


def time_in_turn(subjects: Mapping[str, Callable[[], Any]], runs: int, warmup: int) -> list[Timing]:
    """Call every subject `warmup` and then `runs` times, A B C A B C …, so that drift hits all."""
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for turn in range(warmup + runs):
        for name, call in subjects.items():
            start = time.perf_counter()
            call()
            if turn >= warmup:
                times[name].append((time.perf_counter() - start) * 1e3)
    return [Timing(name, tuple(values)) for name, values in times.items()]


def peers(
    path: str, names: Sequence[str], feeds: Mapping[str, Any], threads: int | None
) -> dict[str, Callable[[], Any]]:
    """A call for each peer of Python that runs the model at `path` on `feeds`."""
    makers = {"onnxruntime": _onnxruntime, "reference": _reference}
    unknown = [name for name in names if name not in {*makers, *PEERS}]
    if unknown:
        allowed = ", ".join([*makers, *PEERS])
        raise InputError(f"no peer is called {unknown[0]!r}", allowed=allowed)
    return {name: makers[name](path, feeds, threads) for name in names if name in makers}


def _onnxruntime(path: str, feeds: Mapping[str, Any], threads: int | None) -> Callable[[], Any]:
    try:
        import onnxruntime
    except ImportError:
        raise MissingDependencyError("onnxruntime", "bench", "timing against it") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, dict(feeds))


def _reference(path: str, feeds: Mapping[str, Any], _: int | None) -> Callable[[], Any]:
    try:
        from onnx.reference import ReferenceEvaluator
    except ImportError:
        raise MissingDependencyError("onnx", "bench", "timing against its reference") from None
    evaluator = ReferenceEvaluator(path)
    return lambda: evaluator.run(None, dict(feeds))


def profile(model: Model, feeds: Mapping[str, Any], runs: int) -> dict[str, tuple[int, float]]:
    """Calls and milliseconds of one run by operator, the slowest first; mean over `runs`."""
    spent: dict[str, list[float]] = {}
    for _ in range(runs):
        last = time.perf_counter()

        def tap(node: Node, _: tuple[Any, ...]) -> None:
            nonlocal last
            now = time.perf_counter()
            spent.setdefault(node.operator.name, []).append((now - last) * 1e3)
            last = time.perf_counter()

        model.run(feeds, tap=tap)
    found = {name: (len(times) // runs, sum(times) / runs) for name, times in spent.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))


def bench_model(
    path: str,
    *,
    inputs: Sequence[str],
    shapes: Sequence[str],
    seed: int,
    threads: int | None,
    runs: int,
    warmup: int,
    against: str,
    profile: bool,
    as_json: bool,
) -> None:
    """Time the model at `path` and print medians, percentiles, ratios and the profile."""
    model = load(path)
    feeds = feeds_for(model, inputs, shapes, seed)
    names = [name.strip() for name in against.split(",") if name.strip()]
    subjects = {"likewise": lambda: model.run(feeds), **peers(path, names, feeds, threads)}
    in_chromium = [name for name in names if name in PEERS]
    if in_chromium and threads not in (None, 1):
        raise InputError(f"{in_chromium[0]} is timed with one thread", given=threads, allowed=1)
    browser: list[Timing] = []
    if in_chromium:
        sizes = {name: np.shape(value) for name, value in feeds.items()}
        subject = Subject(model, sizes, file=Path(path))
        times = time_in_chromium(subject, feeds, in_chromium, runs, warmup)
        browser = [Timing(name, tuple(values)) for name, values in times.items()]
    timings = time_in_turn(subjects, runs, warmup)
    spent = _profile(model, feeds, min(runs, 5)) if profile or as_json else {}
    ours = timings[0].median
    if as_json:
        print_json(
            {
                "model": path,
                "runs": runs,
                "threads": threads,
                "milliseconds": {t.name: {"median": t.median, "p90": t.p90} for t in timings},
                "ratio": {t.name: ours / t.median for t in timings[1:]},
                "chromium": {t.name: {"median": t.median, "p90": t.p90} for t in browser},
                "profile": {n: {"calls": c, "milliseconds": ms} for n, (c, ms) in spent.items()},
            }
        )
        return
    shown = [_shown(f"{path}, {runs} runs in turn", timings)]
    if browser:
        shown.append(_shown("compiled, in headless Chromium, one thread each", browser))
    if profile:
        total = sum(ms for _, ms in spent.values())
        parts = [(n, c, f"{ms:.2f}", f"{ms / total:.0%}") for n, (c, ms) in spent.items()]
        shown.append(table("by operator", ("operator", ">calls", ">ms", ">share"), parts))
    print_tables(*shown)


def _shown(title: str, timings: Sequence[Timing]) -> Any:
    ours = timings[0].median
    rows = [(t.name, f"{t.median:.2f}", f"{t.p90:.2f}", f"{ours / t.median:.2f}") for t in timings]
    return table(title, ("engine", ">median ms", ">p90 ms", ">likewise's time / its time"), rows)


_profile = profile  # `bench_model` has an option of that name
