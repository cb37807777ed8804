"""The first node where two targets part, and the smallest model that shows it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.conform.compare import Difference, compare, judge
from likewise.conform.cut import around, comparable, prefix, with_outputs
from likewise.conform.subject import Subject
from likewise.errors import InputError, LikewiseError
from likewise.onnx.exporter import save

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from likewise.conform.engines import Engine
    from likewise.conform.subject import Feeds, Outputs
    from likewise.ir import Graph, Node

__all__ = ["TIMES", "Parting", "Side", "bisect"]

TIMES: Final = 8.0
"""How many times as far apart two targets may be as rounding leads: each may be 4 times as far from
the oracle as the reference."""
DEPTHS: Final = (1, 2, 4)
"""Steps back from a suspect that are run alone: fused code may fail only in company."""


@dataclass(frozen=True, slots=True)
class Side:
    """An engine in one of its modes."""

    engine: Engine
    mode: str = ""

    def __str__(self) -> str:
        return f"{self.engine.name} {self.mode}".strip()

    def outputs(self, subject: Subject, feeds: Feeds) -> Outputs:
        """What it answers."""
        (made,) = self.engine.answer(subject, [feeds], self.mode).outputs
        return made


@dataclass(frozen=True)
class Parting:
    """Where two sides part. `node` is None where they do not.

    `before` and `after` are the largest differences of the sides relative to the scale of a value:
    of what the node reads, and of what it makes. `alone` says whether `graph`, the node with as
    few of its neighbours as it takes, parts on `feeds`, the same for both; where it does not,
    `before` explains `after`: rounding that the node enlarges.
    """

    sides: tuple[str, str]
    runs: int
    nodes: int
    node: Node | None = None
    position: int = 0
    before: float = 0.0
    after: float = 0.0
    reason: str = ""
    alone: bool = False
    graph: Graph | None = None
    feeds: Feeds = field(default_factory=dict)
    outputs: Outputs = field(default_factory=dict)

    def save(self, path: str | os.PathLike[str]) -> tuple[Path, Path]:
        """Write the smallest model to `path`, and beside it its inputs and both answers (.npz)."""
        if self.graph is None:
            raise InputError("there is nothing to write: the targets do not part")
        where = Path(path)
        beside = where.with_suffix(".npz")
        try:
            save(self.graph, where)
            np.savez(beside, allow_pickle=False, **self.feeds, **self.outputs)
        except OSError as error:
            raise InputError(f"cannot write {str(where)!r}: {error.strerror}") from None
        return where, beside


def bisect(
    subject: Subject,
    feeds: Feeds,
    sides: tuple[Side, Side],
    *,
    times: float = TIMES,
    progress: Callable[[str], None] = lambda _: None,
) -> Parting:
    """Search the subject's nodes, in topological order, for the first where the sides part.

    Both run what comes before a node, for ever smaller parts of the graph, as many times as it
    takes to halve it to one node. A part's values may be `times` as far apart as rounding leads:
    the error of the same part in NumPy, and of its noisy runs. Then the node runs alone on the
    same inputs.

    Raises `LikewiseError` where a side cannot run a part of the graph.
    """
    search = _Search(subject.graph, feeds, sides, times, progress)
    count = len(subject.graph.nodes)
    worst = search.apart(count)
    if worst is None:
        return Parting(tuple(map(str, sides)), search.runs, count)  # type: ignore[arg-type]
    good, bad = 0, count
    while bad - good > 1:
        middle = (good + bad) // 2
        found = search.apart(middle)
        if found is None:
            good = middle
        else:
            bad, worst = middle, found
    return search.parting(bad, worst)


@dataclass(frozen=True, slots=True)
class _Worst:
    """The value of a part that is furthest apart, relative to its scale, and why that is wrong."""

    name: str
    relative: float
    reason: str


class _Search:
    def __init__(
        self,
        graph: Graph,
        feeds: Feeds,
        sides: tuple[Side, Side],
        times: float,
        progress: Callable[[str], None],
    ) -> None:
        self.graph = graph
        self.feeds = feeds
        self.sides = sides
        self.times = times
        self.progress = progress
        self.runs = 0

    def apart(self, count: int) -> _Worst | None:
        """What is too far apart after the first `count` nodes, if anything is."""
        self.progress(f"the first {count} of {len(self.graph.nodes)} nodes")
        first, second, limits = self._run(prefix(self.graph, count), self.feeds)
        return self._worst(first, second, limits)

    def parting(self, position: int, worst: _Worst) -> Parting:
        """What is known of the node that ends the first part whose values are apart."""
        node = self.graph.nodes[position - 1]
        inputs, before = self._inputs(position)
        found = Parting(
            (str(self.sides[0]), str(self.sides[1])),
            self.runs,
            len(self.graph.nodes),
            node,
            position,
            before,
            worst.relative,
            worst.reason,
        )
        for depth in DEPTHS:
            small = around(self.graph, node, depth)
            given = self._values(small, inputs)
            if given is None or not small.outputs:
                break
            self.progress(
                f"{node.label} alone" if depth == 1 else f"{node.label} and {depth - 1} before"
            )
            first, second, limits = self._run(small, given)
            alone = self._worst(first, second, limits)
            outputs = _labelled(self.sides, first, second)
            if alone is not None or depth == DEPTHS[0]:
                found = replace(found, graph=small, feeds=given, outputs=outputs)
            if alone is not None:
                found = replace(found, alone=True, reason=alone.reason, after=alone.relative)
                break
        return replace(found, runs=self.runs)

    def _inputs(self, position: int) -> tuple[Outputs, float]:
        """What the first side has before a node, and how far the second is from that."""
        before = prefix(self.graph, position - 1)
        if not before.outputs:
            return dict(self.feeds), 0.0
        first, second, _ = self._run(before, self.feeds)
        read = {value.name for value in self.graph.nodes[position - 1].reads}
        gaps = [
            compare(second[name], first[name]).relative
            for name in first
            if name in read and first[name].size and first[name].shape == second[name].shape
        ]
        return {**self.feeds, **first}, max(gaps, default=0.0)

    def _values(self, small: Graph, known: Mapping[str, Any]) -> Feeds | None:
        """The inputs of a small graph: those known, and others as NumPy makes them."""
        wanted = [value for value in small.inputs if value.name not in known]
        given = {value.name: known[value.name] for value in small.inputs if value.name in known}
        if not all(map(comparable, small.inputs)):
            return None
        if wanted:
            made = _whole(with_outputs(self.graph, wanted))
            live = {value.name: self.feeds[value.name] for value in made.graph.inputs}
            given |= {name: np.asarray(one) for name, one in made.reference(live).items()}
        return given

    def _run(self, graph: Graph, feeds: Feeds) -> tuple[Outputs, Outputs, dict[str, Difference]]:
        """Both sides' answers, and the error of NumPy's that says how far they may be apart."""
        whole = _whole(graph)
        live = {value.name: feeds[value.name] for value in whole.graph.inputs}
        self.runs += 1
        try:
            first, second = (side.outputs(whole, live) for side in self.sides)
        except LikewiseError as error:
            raise error.at(f"the part up to {graph.nodes[-1].label}") from None
        limits = whole.limits(live, whole.oracle(live))
        return first, second, limits

    def _worst(
        self, first: Outputs, second: Outputs, limits: Mapping[str, Difference]
    ) -> _Worst | None:
        found: list[_Worst] = []
        for name, limit in limits.items():
            one, other = first[name], second[name]
            if one.shape != other.shape or one.dtype != other.dtype:
                given = " and ".join(f"{made.dtype}{list(made.shape)}" for made in (one, other))
                found.append(_Worst(name, float("inf"), f"{name!r} is {given}"))
                continue
            gap = compare(other, one)
            verdict = judge(gap, limit, self.times)
            if not verdict.good:
                found.append(_Worst(name, gap.relative, f"{name!r}: {verdict.reason}"))
        return max(found, key=lambda one: one.relative, default=None)


def _whole(graph: Graph) -> Subject:
    return Subject.of_graph(graph)


def _labelled(sides: tuple[Side, Side], first: Outputs, second: Outputs) -> Outputs:
    """Both answers under names of their own."""
    return {
        f"{name}@{side}": value
        for side, made in zip(sides, (first, second), strict=True)
        for name, value in made.items()
    }
