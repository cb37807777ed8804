"""Operations, parameters and memory that a graph is estimated to cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from likewise.cost import estimate
from likewise.errors import InputError
from likewise.ir import DType, Expression, Graph, TensorType, Value, symbol
from likewise.ops.build import GraphBuilder


def graph(build: Any, *shape: Any) -> Graph:
    b = GraphBuilder()
    x = Value("x", TensorType(DType.FLOAT, shape))
    return b.graph("g", [x], [build(b, x)])


def zeros(b: GraphBuilder, *shape: int) -> Value:
    return b.constant(np.zeros(shape, np.float32))


COSTS = {
    "one an element": (lambda b, x: b.Add(x, x), (2, 3), 6),
    "a multiply-add is two": (lambda b, x: b.MatMul(x, zeros(b, 3, 5)), (2, 3), 2 * 2 * 3 * 5),
    "a window": (lambda b, x: b.Conv(x, zeros(b, 4, 2, 3, 3)), (1, 2, 5, 5), 2 * 36 * 18),
    "depthwise": (lambda b, x: b.Conv(x, zeros(b, 2, 1, 3, 3), group=2), (1, 2, 5, 5), 2 * 18 * 9),
    "a transposed window": (
        lambda b, x: b.ConvTranspose(x, zeros(b, 2, 4, 3, 3)),
        (1, 2, 5, 5),
        2 * 50 * 36,
    ),
    "steps": (
        lambda b, x: b.LSTM(x, zeros(b, 1, 16, 3), zeros(b, 1, 16, 4), hidden_size=4),
        (7, 1, 3),
        2 * 7 * (48 + 64),
    ),
    "an expansion's": (lambda b, x: b.Gemm(x, zeros(b, 3, 5)), (2, 3), 2 * 2 * 3 * 5),
}


@pytest.mark.parametrize("case", COSTS)
def test_operations(case: str) -> None:
    build, shape, expected = COSTS[case]
    assert estimate(graph(build, *shape)).flops == expected


def test_symbolic_sizes_give_an_expression_until_they_are_given() -> None:
    made = graph(lambda b, x: b.Relu(b.Neg(x)), symbol("n"), 3)
    cost = estimate(made)
    assert isinstance(cost.flops, Expression)
    assert cost.peak_bytes is None
    fixed = estimate(made, {"x": (5, 3)})
    assert (fixed.flops, fixed.peak_bytes) == (30, 2 * 15 * 4)


def test_weights_are_counted() -> None:
    cost = estimate(graph(lambda b, x: b.MatMul(x, zeros(b, 3, 5)), 2, 3))
    assert (cost.parameters, cost.weight_bytes) == (15, 60)


def test_a_shape_that_does_not_fit_is_refused() -> None:
    made = graph(lambda b, x: b.Neg(x), symbol("n"), 3)
    with pytest.raises(InputError, match="the shape for input 'x' does not fit; given: 5"):
        estimate(made, {"x": (5,)})
    with pytest.raises(InputError, match="the shape for input 'z' does not fit"):
        estimate(made, {"z": (5,)})
