"""Steps with graphs inside: branches, loops and scans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType, TensorType, Value
from likewise.ops.build import GraphBuilder
from tests.random_graphs.elementwise import SMOOTH
from tests.random_graphs.writer import Step, dtype_of, shape_of

if TYPE_CHECKING:
    from likewise.ir import Graph
    from tests.random_graphs.writer import Writer

__all__ = ["CONTROL"]

FLOATS = (DType.FLOAT, DType.DOUBLE)


def branches(w: Writer, x: Value) -> Any:
    """The condition is computed from exact numbers where there are such, else it is known."""
    names = f"b{len(w.b.nodes)}_"
    graphs = [_branch(w, x, f"{names}{side}_") for side in ("then", "else")]
    return w.b.If(_condition(w), then_branch=graphs[0], else_branch=graphs[1])


def _condition(w: Writer) -> Value:
    numbers = [v for v in w.values if w.is_exact(v) and dtype_of(v) is DType.FLOAT]
    if not numbers or w.special or w.whole(0, 3) == 0:
        known: Value = w.b.constant(np.array(w.flag()))
        return known
    total = w.b.ReduceMax(w.pick(numbers), keepdims=0)
    found: Value = w.b.Greater(total, float(w.whole(0, 4)))
    return found


def _branch(w: Writer, x: Value, prefix: str) -> Graph:
    b = GraphBuilder(prefix)
    made = x
    for _ in range(w.whole(1, 2)):
        made = _body_step(w, b, made, w.other(x))
    return b.graph(prefix, (), [made])


def _body_step(w: Writer, b: GraphBuilder, x: Value, other: Value) -> Value:
    """One operator that keeps the shape; `other` may come from outside."""
    kind = w.pick(["smooth", "Add", "Sub", "mixed", "turned"])
    if kind == "smooth":
        made: Value = b.op(w.pick(SMOOTH), x)
    elif kind == "mixed":
        made = b.Mul(b.Tanh(x), other)
    elif kind == "turned" and shape_of(x):
        rank = len(shape_of(x))
        back = list(range(rank))[::-1]
        made = b.Transpose(b.Tanh(b.Transpose(x, perm=back)), perm=back)
    else:
        made = b.op(kind if kind in ("Add", "Sub") else "Add", x, other)
    return made


def loop(w: Writer, x: Value) -> Any:
    """A state, and what every round leaves behind."""
    prefix = f"l{len(w.b.nodes)}_"
    number = Value(f"{prefix}number", TensorType(DType.INT64, ()))
    going = Value(f"{prefix}going", TensorType(DType.BOOL, ()))
    state = Value(f"{prefix}state", TensorType(dtype_of(x), shape_of(x)))
    b = GraphBuilder(prefix)
    outer = w.other(x)
    new = b.Tanh(_body_step(w, b, state, outer))
    ends = w.flag()
    more = b.Less(number, b.constant(np.array(w.whole(0, 3)))) if ends else going
    collects = w.flag() and not ends
    left = [b.Mul(new, 0.5)] if collects else []
    body = b.graph(prefix, [number, going, state], [more, new, *left])
    trips = w.b.constant(np.array(w.whole(1 if collects else 0, 4)))
    # Without a first condition ONNX ignores that of the body, and onnxruntime does not.
    first = w.b.constant(np.array(True)) if ends else None
    made = w.b.Loop(trips, first, x, body=body, outputs=1 + len(left))
    return made if collects else [made]


def scan(w: Writer, x: Value) -> Any:
    """Rows of `x`, from either end; the state is the first of them, or of another value."""
    prefix = f"s{len(w.b.nodes)}_"
    row_type = TensorType(dtype_of(x), shape_of(x)[1:])
    state, row = Value(f"{prefix}state", row_type), Value(f"{prefix}row", row_type)
    b = GraphBuilder(prefix)
    new = b.Add(b.Mul(state, 0.5), row)
    left = _body_step(w, b, b.Sub(new, row), new)
    body = b.graph(prefix, [state, row], [new, left])
    first = w.b.Gather(x, w.b.constant(np.array(0, np.int64)), axis=0)
    directions = {"scan_input_directions": (int(w.flag()),)}
    return w.b.Scan(first, x, body=body, num_scan_inputs=1, outputs=2, **directions)


CONTROL = (
    Step(branches, FLOATS, (0, 4)),
    Step(loop, FLOATS, (0, 4)),
    Step(scan, FLOATS, (1, 4)),
)
