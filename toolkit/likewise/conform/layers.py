"""How the error grows through a model: values inside it, on every engine, beside the oracle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likewise.conform.compare import compare
from likewise.conform.cut import with_outputs
from likewise.conform.subject import Subject
from likewise.errors import LikewiseError
from likewise.ir import TensorType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from likewise.conform.engines import Engine
    from likewise.conform.subject import Feeds
    from likewise.ir import Graph, Value

__all__ = ["Layer", "errors_by_layer"]


@dataclass(frozen=True, slots=True)
class Layer:
    """A node and how far its first output is from the oracle, relative to its scale, by engine."""

    position: int
    node: str
    operator: str
    errors: Mapping[str, float]


def errors_by_layer(
    subject: Subject,
    feeds: Feeds,
    engines: Sequence[Engine],
    count: int,
    progress: Callable[[str], None],
) -> list[Layer]:
    """The errors of about `count` float values, evenly spread over the nodes.

    Every engine runs the graph with these values as outputs: where it fuses nodes it fuses fewer.
    Engines that cannot do that are left out.
    """
    chosen = _chosen(subject.graph, count)
    if not chosen:
        return []
    tapped = Subject.of_graph(with_outputs(subject.graph, [value for _, value in chosen]))
    live = {value.name: feeds[value.name] for value in tapped.graph.inputs}
    truth = tapped.oracle(live)
    errors: dict[str, dict[str, float]] = {name: {} for name in truth}
    for engine in engines:
        progress(f"layer by layer: {engine.name}")
        try:
            (made,) = engine.answer(tapped, [live], engine.modes[0]).outputs
        except LikewiseError:
            continue
        for name, expected in truth.items():
            if made[name].size:
                errors[name][engine.name] = compare(made[name], expected).relative
    return [
        Layer(
            at, _label(subject.graph, at), subject.graph.nodes[at].operator.name, errors[one.name]
        )
        for at, one in chosen
        if one.name in errors
    ]


def _chosen(graph: Graph, count: int) -> list[tuple[int, Value]]:
    """Nodes by position and what they make, where that is a float."""
    found = []
    for at, node in enumerate(graph.nodes):
        value = next((one for one in node.outputs if one is not None), None)
        if value is not None and isinstance(value.type, TensorType) and value.type.dtype.is_float:
            found.append((at, value))
    picked = np.unique(np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int))
    return [found[at] for at in picked]


def _label(graph: Graph, at: int) -> str:
    node = graph.nodes[at]
    return node.name or next((one.name for one in node.outputs if one is not None), "")
