"""Gelu and HardSwish as exporters write them out are found, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np
import pytest

from likewise.ir import DType, Graph, TensorType, Value
from likewise.ops.build import GraphBuilder
from likewise.passes.recognise import recognise
from likewise.targets.numpy.plan import Plan

Written = Callable[[Any, Any], Any]
CUBIC, SLOPE = 0.044715, sqrt(2 / pi)


def by_erf(b: Any, x: Any) -> Any:
    return b.Mul(b.Mul(x, b.Add(b.Erf(b.Div(x, sqrt(2))), 1)), 0.5)


def by_erf_halved_first(b: Any, x: Any) -> Any:
    return b.Mul(b.Mul(0.5, x), b.Add(1, b.Erf(b.Mul(x, sqrt(0.5)))))


def by_cube(b: Any, x: Any) -> Any:
    cube = b.Mul(b.Mul(x, b.Mul(x, x)), CUBIC)
    return b.Mul(x, b.Mul(0.5, b.Add(1, b.Tanh(b.Mul(b.Add(x, cube), SLOPE)))))


def by_power(b: Any, x: Any) -> Any:
    inner = b.Mul(b.Add(b.Mul(b.Pow(x, 3), CUBIC), x), SLOPE)
    return b.Mul(b.Mul(0.5, x), b.Add(b.Tanh(inner), 1))


def by_slope(b: Any, x: Any) -> Any:
    inner = b.Mul(b.Mul(b.Add(b.Mul(b.Mul(x, x), CUBIC), 1), x), SLOPE)
    return b.Mul(b.Mul(b.Add(b.Tanh(inner), 1), x), 0.5)


def hard_swish(b: Any, x: Any) -> Any:
    return b.Div(b.Mul(x, b.Clip(b.Add(x, 3), 0, 6)), 6)


FORMS: list[tuple[Written, tuple[str, str | None]]] = [
    (by_erf, ("Gelu", "none")),
    (by_erf_halved_first, ("Gelu", "none")),
    (by_cube, ("Gelu", "tanh")),
    (by_power, ("Gelu", "tanh")),
    (by_slope, ("Gelu", "tanh")),
    (hard_swish, ("HardSwish", None)),
]


def graph_of(written: Written) -> Graph:
    builder = GraphBuilder()
    x = Value("x", TensorType(DType.FLOAT, (3, 5)))
    return builder.graph("g", [x], [written(builder, x)])


@pytest.mark.parametrize(("written", "found"), FORMS, ids=lambda one: getattr(one, "__name__", ""))
def test_what_is_written_out_becomes_one_operator(
    written: Written, found: tuple[str, str | None]
) -> None:
    graph = graph_of(written)
    made = recognise(graph)
    operators = [node.operator for node in made.nodes if node.operator.name != "Identity"]
    assert [(one.name, getattr(one, "approximate", None)) for one in operators] == [found]
    x = np.random.default_rng(3).normal(0, 3, (3, 5)).astype(np.float32)
    (one,), (other,) = (Plan(each).run([x]) for each in (graph, made))
    np.testing.assert_allclose(one, other, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize(
    "written",
    [
        lambda b, x: b.Mul(b.Mul(x, b.Add(b.Erf(b.Div(x, 1.5)), 1)), 0.5),
        lambda b, x: b.Mul(b.Mul(x, b.Add(b.Erf(b.Div(x, sqrt(2))), 1)), 0.6),
        lambda b, x: b.Mul(b.Mul(b.Neg(x), b.Add(b.Erf(b.Div(x, sqrt(2))), 1)), 0.5),
        lambda b, x: b.Mul(b.Mul(x, b.Add(b.Tanh(b.Mul(b.Add(x, b.Pow(x, 3)), SLOPE)), 1)), 0.5),
        lambda b, x: b.Mul(b.Mul(x, b.Add(b.Tanh(b.Mul(x, SLOPE)), 1)), 0.5),
        lambda b, x: b.Div(b.Mul(x, b.Clip(b.Add(x, 3), 0, 5)), 6),
    ],
    ids=["another scale", "another factor", "another argument", "another cube", "no cube", "clip"],
)
def test_what_is_nearly_so_stays(written: Written) -> None:
    graph = graph_of(written)
    assert [one.operator.name for one in recognise(graph).nodes] == [
        one.operator.name for one in graph.nodes
    ]
