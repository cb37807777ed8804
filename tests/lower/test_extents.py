"""Outputs whose sizes depend on data: a capacity, and a length that the host reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.errors import UnsupportedError
from likewise.ir import DType, TensorType, Value
from likewise.loop import interpret
from likewise.lower.graph import lower_graph
from likewise.ops.build import GraphBuilder
from likewise.targets.numpy.plan import Plan
from likewise.targets.wasm import compile_graph
from tests.conformance.compiling import interpreted

if TYPE_CHECKING:
    from likewise.ir import Graph

X = Value("x", TensorType(DType.FLOAT, (5, 6)))


def check(graph: Graph, *feeds: list[Any]) -> None:
    """Every set of inputs, one after the other on one instance."""
    runner = compile_graph(graph, numerics="strict").load()
    lowered = lower_graph(graph)
    names = [value.name for value in graph.inputs]
    for given in feeds:
        made = runner.run(dict(zip(names, given, strict=True)))
        flat = {f"in.{name}": array for name, array in zip(names, given, strict=True)}
        again = interpreted(lowered, interpret(lowered.program, flat))
        for value, want in zip(graph.outputs, Plan(graph).run(given), strict=True):
            for found in (made[value.name], again[value.name]):
                assert found.dtype == want.dtype
                np.testing.assert_array_equal(found, want)


def integers(seed: int, most: int, shape: tuple[int, ...] = (5, 6)) -> Any:
    return np.random.default_rng(seed).integers(-most, most + 1, shape).astype(np.float32)


def test_what_is_not_zero_and_views_of_it() -> None:
    b = GraphBuilder()
    found = b.NonZero(b.Abs(X))
    rows = b.Transpose(found, perm=(1, 0))
    graph = b.graph("g", [X], [found, rows, b.Cast(b.Identity(rows), to=DType.INT32.value)])
    check(graph, [integers(1, 1)], [np.zeros((5, 6), np.float32)], [np.ones((5, 6), np.float32)])
    runner = compile_graph(graph).load()
    assert [str(port.type).split("[")[0] for port in runner.outputs] == ["int64", "int64", "int32"]
    assert runner.outputs[1].shape is not None
    assert runner.outputs[1].shape[1] == 2
    assert not isinstance(runner.outputs[1].shape[0], int)


@pytest.mark.parametrize("by_value", [0, 1])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_different_elements_and_slices(axis: int | None, by_value: int) -> None:
    b = GraphBuilder()
    given = {} if axis is None else {"axis": axis}
    made = b.Unique(X, outputs=4, sorted=by_value, **given)
    odd = integers(3, 1)
    odd[odd == 1], odd[0] = np.nan, odd[2]
    odd[:, 4] = odd[:, 1]
    graph = b.graph("g", [X], made)
    check(graph, [integers(1, 1)], [integers(2, 40)], [odd], [np.zeros((5, 6), np.float32)])


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_slices_for_which_a_condition_holds(axis: int | None) -> None:
    b = GraphBuilder()
    condition = Value("condition", TensorType(DType.BOOL, (4,)))
    given = {} if axis is None else {"axis": axis}
    graph = b.graph("g", [X, condition], [b.Compress(X, condition, **given)])
    for flags in ([1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]):
        check(graph, [integers(1, 9), np.array(flags, bool)])


@pytest.mark.parametrize("center", [0, 1])
def test_boxes_kept_for_live_limits(center: int) -> None:
    boxes = Value("boxes", TensorType(DType.FLOAT, (2, 30, 4)))
    scores = Value("scores", TensorType(DType.FLOAT, (2, 3, 30)))
    most = Value("most", TensorType(DType.INT64, (1,)))
    overlap, least = (Value(name, TensorType(DType.FLOAT, ())) for name in ("overlap", "least"))
    b = GraphBuilder()
    inputs = [boxes, scores, most, overlap, least]
    graph = b.graph("g", inputs, [b.NonMaxSuppression(*inputs, center_point_box=center)])
    random = np.random.default_rng(5)
    for limit, threshold, lowest in ((5, 0.3, 0.1), (100, 0.1, 0.0), (0, 0.5, 0.5), (-1, 0, 0)):
        given = [
            random.uniform(0, 1, (2, 30, 4)).astype(np.float32),
            np.round(random.uniform(0, 1, (2, 3, 30)), 1).astype(np.float32),
            np.array([limit]),
            np.array(threshold, np.float32),
            np.array(lowest, np.float32),
        ]
        given[1][0, 0, 3] = np.nan
        check(graph, given)


def test_readers_that_need_the_size_are_refused() -> None:
    b = GraphBuilder()
    found = b.NonZero(X)
    with pytest.raises(UnsupportedError, match=r"\(Add\): it reads what has a size that depends"):
        lower_graph(b.graph("g", [X], [b.Add(found, found)]))
    inner = GraphBuilder()
    flag = Value("flag", TensorType(DType.BOOL, ()))
    branch = inner.graph("branch", (), [inner.NonZero(X)])
    b = GraphBuilder()
    made = b.If(flag, then_branch=branch, else_branch=branch)
    with pytest.raises(UnsupportedError, match="it gives a tensor whose size depends on data"):
        lower_graph(b.graph("g", [X, flag], [made]))
