"""Graphs of a few nodes through the TFLite target, beside NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType, Graph, TensorType, Value
from likewise.ops.build import GraphBuilder
from likewise.passes import simplify
from likewise.targets.litert import compile_graph
from likewise.targets.numpy.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["built", "drawn", "outputs_of", "reference"]


def built(
    shapes: Mapping[str, tuple[int, ...]],
    write: Callable[..., Any],
    dtype: DType = DType.FLOAT,
) -> Graph:
    """The graph that `write(builder, *inputs)` makes; its outputs are y, or y0, y1 ….

    Each is an Identity, so that one value may be several outputs.
    """
    builder = GraphBuilder()
    inputs = [Value(name, TensorType(dtype, shape)) for name, shape in shapes.items()]
    made = write(builder, *inputs)
    several = isinstance(made, tuple)
    outputs = [
        builder.op_named("Identity", [one], f"y{at}" if several else "y")
        for at, one in enumerate(made if several else (made,))
    ]
    return simplify(builder.graph("test", inputs, outputs))


def drawn(graph: Graph, seed: int = 3) -> dict[str, np.ndarray]:
    """Feeds of the graph's inputs."""
    rng = np.random.default_rng(seed)
    feeds = {}
    for value in graph.inputs:
        kind: Any = value.type
        numbers = rng.standard_normal(kind.shape)
        scaled = numbers if kind.dtype.is_float else numbers * 10
        feeds[value.name] = scaled.astype(kind.dtype.numpy)
    return feeds


def reference(graph: Graph, feeds: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What NumPy gives."""
    made = Plan(graph).run([feeds[value.name] for value in graph.inputs])
    return {value.name: one for value, one in zip(graph.outputs, made, strict=True)}


def outputs_of(graph: Graph, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the interpreter gives."""
    return compile_graph(graph).load().run(feeds)
