"""Shapes given to a graph's inputs, and what they decide."""

from __future__ import annotations

import numpy as np
import pytest

from likewise.errors import InputError
from likewise.ir import DType, Graph, TensorType, Value, symbol, verify
from likewise.ops.build import GraphBuilder
from likewise.ops.case import f32
from likewise.passes.specialize import specialize
from likewise.targets.numpy.plan import Plan

X = TensorType(DType.FLOAT, (symbol("n"), 2))


def squeezed(x: Value, name: str) -> Graph:
    """A branch that only one row fits, under the names that the other branch has too."""
    b = GraphBuilder(f"{name}_")
    return b.graph(name, (), [b.Squeeze(x, b.ints(0))])


def flattened(x: Value, name: str) -> Graph:
    b = GraphBuilder(f"{name}_")
    return b.graph(name, (), [b.Reshape(b.Neg(x), b.ints(-1))])


def branching() -> Graph:
    """Its condition is whether there is one row."""
    b = GraphBuilder()
    x = Value("x", X)
    one = b.Equal(b.Shape(x, start=0, end=1), b.ints(1))
    made = b.If(one, then_branch=squeezed(x, "one"), else_branch=flattened(x, "more"))
    return b.graph("g", [x], [made])


@pytest.mark.parametrize("rows", [1, 3])
def test_the_branch_that_the_shapes_decide_stands_alone(rows: int) -> None:
    graph = branching()
    after = specialize(graph, {"x": (rows, 2)})
    verify(after)
    assert not any(node.operator.subgraphs for node in after.nodes)
    assert [value.name for value in after.outputs] == [value.name for value in graph.outputs]
    assert after.outputs[0].type == TensorType(DType.FLOAT, (2 * rows,))
    x = f32(np.arange(2 * rows).reshape(rows, 2))
    (made,), (expected,) = Plan(after).run([x]), Plan(graph).run([x])
    np.testing.assert_array_equal(made, expected)


def test_a_shape_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="the shape for input 'x' does not fit"):
        specialize(branching(), {"x": (1, 3)})
    with pytest.raises(InputError, match="there is no input 'y'"):
        specialize(branching(), {"y": (1,)})


def test_an_input_becomes_a_constant_and_decides_a_branch() -> None:
    b = GraphBuilder()
    x, rate = Value("x", X), Value("rate", TensorType(DType.INT64, ()))
    fast = b.Equal(rate, b.constant(np.array(16000)))
    made = b.If(fast, then_branch=squeezed(x, "one"), else_branch=flattened(x, "more"))
    graph = b.graph("g", [x, rate], [made])
    after = specialize(graph, {"x": (3, 2)}, {"rate": 8000})
    verify(after)
    assert [value.name for value in after.inputs] == ["x"]
    x_given = f32(np.ones((3, 2)))
    np.testing.assert_array_equal(Plan(after).run([x_given])[0], -np.ones(6, "f4"))


def test_a_constant_that_does_not_fit_is_refused() -> None:
    graph = branching()
    with pytest.raises(InputError, match="the shape for input 'x' does not fit"):
        specialize(graph, {}, {"x": 1.0})
    with pytest.raises(InputError, match="does not hold that value"):
        specialize(graph, {}, {"x": [[1e300, 0]]})
    with pytest.raises(InputError, match="there is no input 'y'"):
        specialize(graph, {}, {"y": 1})
