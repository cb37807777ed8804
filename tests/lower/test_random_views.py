"""Random graphs of real operators that move data: NumPy and wasmtime agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.ir import DType, TensorType, Value
from likewise.lower.graph import lower_graph
from likewise.ops.build import GraphBuilder
from likewise.targets.numpy.plan import Plan
from likewise.targets.wasm import emit_lowered, load

if TYPE_CHECKING:
    from collections.abc import Callable

Draw = Any
SIZES = (1, 2, 3, 4, 6, 8, 12)
LARGEST = 4000


def shape_of(x: Value) -> tuple[int, ...]:
    assert isinstance(x.type, TensorType)
    return tuple(int(str(dim)) for dim in x.type.shape)


def integer(draw: Draw, low: int, high: int) -> int:
    found: int = draw(st.integers(low, high))
    return found


def transpose(b: GraphBuilder, x: Value, draw: Draw) -> Any:
    return b.Transpose(x, perm=draw(st.permutations(range(len(shape_of(x))))))


def reshape(b: GraphBuilder, x: Value, draw: Draw) -> Any:
    """Every dim is cut into two factors, and some neighbours are joined."""
    parts: list[int] = []
    for size in shape_of(x):
        factor = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
        parts += [factor, size // factor]
    while len(parts) > 5 or (len(parts) > 1 and draw(st.booleans())):
        at = integer(draw, 0, len(parts) - 2)
        parts[at : at + 2] = [parts[at] * parts[at + 1]]
    return b.Reshape(x, b.ints(*parts))


def cut(b: GraphBuilder, x: Value, draw: Draw) -> Any:
    axis = integer(draw, 0, len(shape_of(x)) - 1)
    size, step = shape_of(x)[axis], draw(st.sampled_from([-2, -1, 1, 2, 3]))
    start, end = integer(draw, 0, size - 1), (99 if step > 0 else -99)
    return b.Slice(x, b.ints(start), b.ints(end), b.ints(axis), b.ints(step))


def concat(b: GraphBuilder, x: Value, draw: Draw) -> Any:
    return b.Concat(x, b.Neg(x), x, axis=integer(draw, 0, len(shape_of(x)) - 1))


def gather(b: GraphBuilder, x: Value, draw: Draw) -> Any:
    axis = integer(draw, 0, len(shape_of(x)) - 1)
    size = shape_of(x)[axis]
    indices = draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=5))
    return b.Gather(x, b.ints(*indices), axis=axis)


def pad(b: GraphBuilder, x: Value, draw: Draw) -> Any:
    pads = [integer(draw, 0, 2) for _ in range(2 * len(shape_of(x)))]
    mode = draw(st.sampled_from(["constant", "edge", "reflect", "wrap"]))
    return b.Pad(x, b.ints(*pads), mode=mode)


def tile(b: GraphBuilder, x: Value, draw: Draw) -> Any:
    return b.Tile(x, b.ints(*(integer(draw, 1, 2) for _ in shape_of(x))))


def triple(b: GraphBuilder, x: Value, draw: Draw) -> Any:
    return b.Add(x, b.Mul(x, 2.0 if draw(st.booleans()) else -3.0))


def scatter(b: GraphBuilder, x: Value, draw: Draw) -> Any:
    """Some places are hit twice."""
    axis = integer(draw, 0, len(shape_of(x)) - 1)
    rng = np.random.default_rng(integer(draw, 0, 99))
    size = shape_of(x)[axis]
    indices = b.constant(rng.integers(-size, size, shape_of(x)))
    return b.ScatterElements(x, indices, b.Neg(x), axis=axis, reduction="add")


def largest(b: GraphBuilder, x: Value, draw: Draw) -> Any:
    return b.ReduceMax(x, b.ints(integer(draw, 0, len(shape_of(x)) - 1)))


STEPS: list[Callable[[GraphBuilder, Value, Draw], Any]] = [
    transpose,
    reshape,
    cut,
    concat,
    gather,
    pad,
    tile,
    triple,
    scatter,
    largest,
]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_random_views(data: Any) -> None:
    b = GraphBuilder()
    shape = tuple(data.draw(st.lists(st.sampled_from(SIZES), min_size=1, max_size=4)))
    values = [Value("x", TensorType(DType.FLOAT, shape))]
    for _ in range(data.draw(st.integers(1, 8))):
        source = values[-1] if data.draw(st.booleans()) else data.draw(st.sampled_from(values))
        made = data.draw(st.sampled_from(STEPS))(b, source, data.draw)
        if np.prod(shape_of(made)) <= LARGEST:
            values.append(made)
    outputs = list(dict.fromkeys([values[-1], data.draw(st.sampled_from(values))]))
    graph = b.graph("views", values[:1], outputs)
    x = np.random.default_rng(1).integers(-5, 6, shape).astype(np.float32)
    got = load(emit_lowered(lower_graph(graph), numerics="strict")).run({"x": x})
    for value, want in zip(outputs, Plan(graph).run([x]), strict=True):
        np.testing.assert_array_equal(got[value.name], want)
