"""Branches and loops, lowered: NumPy, the interpreter and wasmtime agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.errors import UnsupportedError
from likewise.ir import DType, Graph, TensorType, Value
from likewise.loop import interpret
from likewise.lower.graph import lower_graph
from likewise.ops.build import GraphBuilder
from likewise.ops.case import boolean, f32, i64
from likewise.targets.numpy.plan import Plan
from likewise.targets.wasm import emit_lowered, load

if TYPE_CHECKING:
    from collections.abc import Sequence

X = Value("x", TensorType(DType.FLOAT, (3, 4)))
FLAG = Value("flag", TensorType(DType.BOOL, ()))
COUNT = Value("count", TensorType(DType.INT64, ()))
ROUND = (Value("number", TensorType(DType.INT64, ())), Value("going", TensorType(DType.BOOL, ())))


def check(graph: Graph, *feeds: Sequence[Any]) -> None:
    """Every set of inputs, one after the other on one instance."""
    lowered = lower_graph(graph)
    runner = load(emit_lowered(lowered, numerics="strict"))
    names = [value.name for value in graph.inputs]
    for given in feeds:
        made = runner.run(dict(zip(names, given, strict=True)))
        flat = {f"in.{name}": array for name, array in zip(names, given, strict=True)}
        interpreted = interpret(lowered.program, flat)
        expected = Plan(graph).run(given)
        for value, want in zip(graph.outputs, expected, strict=True):
            np.testing.assert_array_equal(made[value.name], want)
            np.testing.assert_array_equal(
                interpreted[f"out.{value.name}"].reshape(want.shape), want
            )


def branch(name: str, read: Value, **options: Any) -> Graph:
    b = GraphBuilder(f"{name}_")
    made = getattr(b, name)(read, **options)
    return b.graph(name, (), [made, b.Reshape(read, b.ints(12))])


def array(seed: int) -> Any:
    return np.random.default_rng(seed).standard_normal((3, 4)).astype("f4")


def test_both_branches_write_where_their_readers_look() -> None:
    b = GraphBuilder()
    doubled = b.Mul(X, 2)  # read inside only: it must be there before either branch
    made = b.If(
        FLAG,
        outputs=2,
        then_branch=branch("Neg", doubled),
        else_branch=branch("Transpose", b.Reshape(doubled, b.ints(4, 3)), perm=(1, 0)),
    )
    graph = b.graph("g", [X, FLAG], [b.Sub(made[0], 1), made[1], doubled])
    check(graph, *([array(seed), boolean(flag)] for seed, flag in enumerate((True, False, True))))


def test_branches_of_different_shapes_are_refused() -> None:
    b = GraphBuilder()
    other = b.Reshape(X, b.ints(2, 6))
    made = b.If(FLAG, outputs=2, then_branch=branch("Neg", X), else_branch=branch("Neg", other))
    with pytest.raises(UnsupportedError, match="the branches make different shapes"):
        lower_graph(b.graph("g", [X, FLAG], [made[0]]))


def swapping() -> Graph:
    """Of two states each becomes what the other was, a third counts; the first is collected."""
    b = GraphBuilder("swap_")
    one, other = (Value(name, X.type) for name in ("one", "other"))
    total = Value("total", TensorType(DType.INT64, ()))
    more = b.Less(total, b.constant(np.array(40)))
    made = [more, b.Neg(other), one, b.Add(total, b.Add(ROUND[0], 3)), b.Add(one, X)]
    return b.graph("swapping", [*ROUND, one, other, total], made)


def looping(trips: Any, going: Any, outputs: int) -> Graph:
    b = GraphBuilder()
    body = swapping()
    if outputs == 3:
        body = Graph(body.name, body.inputs, body.outputs[:-1], body.nodes, body.constants)
    given = [
        one if one is None or isinstance(one, Value) else b.constant(one) for one in (trips, going)
    ]
    start = b.Mul(X, 3)
    made = b.Loop(*given, X, start, b.constant(np.array(0)), outputs=outputs, body=body)
    inputs = [X, *(one for one in (trips, going) if isinstance(one, Value))]
    return b.graph("g", inputs, made)


@pytest.mark.parametrize("trips", [0, 1, 2, 5])
def test_states_change_together_and_rounds_are_collected(trips: int) -> None:
    check(looping(i64(trips), None, 4), [array(1)], [array(2)])


def test_trips_and_conditions_that_only_a_run_can_tell() -> None:
    check(looping(COUNT, None, 3), *([array(5), i64(n)] for n in (0, 1, 4, -1)))
    check(looping(None, FLAG, 3), [array(1), boolean(True)], [array(2), boolean(False)])
    check(looping(i64(20), FLAG, 3), [array(1), boolean(True)])
    with pytest.raises(UnsupportedError, match="known only when it has run"):
        lower_graph(looping(COUNT, None, 4))


def test_a_loop_whose_state_grows_is_written_out() -> None:
    b = GraphBuilder("grow_")
    state = Value("state", TensorType(DType.FLOAT, None))
    grown = b.Concat(state, b.Neg(X), axis=0)
    body = b.graph("growing", [*ROUND, state], [ROUND[1], grown])
    outer = GraphBuilder()
    made = outer.Loop(outer.constant(i64(3)), None, X, body=body)
    check(outer.graph("g", [X], [made]), [array(3)])


def test_scans_within_loops() -> None:
    inner = GraphBuilder("inner_")
    total, row = (Value(name, TensorType(DType.FLOAT, (4,))) for name in ("total", "row"))
    added = inner.Add(total, row)
    scan = inner.graph("adding", [total, row], [added, inner.Sub(row, total)])
    b = GraphBuilder("outer_")
    state = Value("state", X.type)
    first = b.Squeeze(b.Slice(state, b.ints(0), b.ints(1), b.ints(0)), b.ints(0))
    last, rows = b.Scan(
        first, state, outputs=2, body=scan, num_scan_inputs=1, scan_input_directions=(1,)
    )
    body = b.graph("scanning", [*ROUND, state], [ROUND[1], rows, last])
    outer = GraphBuilder()
    made = outer.Loop(outer.constant(i64(3)), None, X, outputs=2, body=body)
    check(outer.graph("g", [X], made), [f32(np.arange(12).reshape(3, 4))], [array(1)])
