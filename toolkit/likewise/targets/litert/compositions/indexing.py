"""Positions along one axis as positions in the whole tensor, and constants that shapes tell."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.targets.litert.compositions import composed

if TYPE_CHECKING:
    from likewise.ir import Value
    from likewise.ops.build import GraphBuilder


def _sizes(b: GraphBuilder, x: Value) -> list[int]:
    return [int(size) for size in b.type(x).shape]  # type: ignore[arg-type]  # static by now


def _flat(b: GraphBuilder, x: Value, indices: Value, axis: int) -> Value:
    """Where, in `x` laid out flat, each of the positions along an axis is."""
    sizes, kind = _sizes(b, x), b.type(indices).dtype
    axis %= len(sizes)
    step = prod(sizes[axis + 1 :])
    grid = np.indices(_sizes(b, indices))
    other = sum(grid[at] * prod(sizes[at + 1 :]) for at in range(len(sizes)) if at != axis)
    zero, length = b.constant(0, kind), b.constant(sizes[axis], kind)
    along = b.Where(b.Less(indices, zero), b.Add(indices, length), indices)
    made: Value = b.Add(b.Mul(along, b.constant(step, kind)), b.constant(np.asarray(other), kind))
    return made


@composed("GatherElements")
def gather_elements(b: GraphBuilder, operator: Any, x: Value, indices: Value) -> Value:
    """Gather from the tensor laid out flat."""
    flat = b.Reshape(x, b.ints(-1))
    made: Value = b.Gather(flat, _flat(b, x, indices, operator.axis), axis=0)
    return made


@composed("ScatterElements")
def scatter_elements(
    b: GraphBuilder, operator: Any, x: Value, indices: Value, updates: Value
) -> Value:
    """ScatterND into the tensor laid out flat."""
    flat = b.Reshape(x, b.ints(-1))
    rows = b.Reshape(_flat(b, x, indices, operator.axis), b.ints(-1, 1))
    made = b.ScatterND(flat, rows, b.Reshape(updates, b.ints(-1)), reduction=operator.reduction)
    whole: Value = b.Reshape(made, b.ints(*_sizes(b, x)))
    return whole


@composed("DepthToSpace", "SpaceToDepth")
def blocks(b: GraphBuilder, operator: Any, x: Value) -> Value | None:
    """The order CRD by Reshape and Transpose."""
    if operator.mode == "DCR":
        return None
    made: Value = operator.expand(b, x)
    return made


@composed("ArgMax", "ArgMin")
def last_place(b: GraphBuilder, operator: Any, x: Value) -> Value | None:
    """The last of equal ones is the first from the other end."""
    if not operator.select_last_index:
        return None
    axis = operator.axis % len(_sizes(b, x))
    size = _sizes(b, x)[axis]
    turned = b.Slice(x, b.ints(-1), b.ints(-size - 1), b.ints(axis), b.ints(-1))
    found = b.op(operator.name, turned, axis=axis, keepdims=operator.keepdims)
    made: Value = b.Sub(b.constant(size - 1, b.type(found).dtype), found)
    return made


@composed("EyeLike")
def eye_like(b: GraphBuilder, operator: Any, x: Value) -> Value:
    """A constant: its shape is all that counts."""
    rows, columns = _sizes(b, x)
    dtype = operator.dtype or b.type(x).dtype
    return b.constant(np.eye(rows, columns, operator.k), dtype)


@composed("TopK")
def top_k(b: GraphBuilder, operator: Any, x: Value, k: Value) -> tuple[Value, Value] | None:
    """The smallest are the largest the other way round; an order nobody asks for does no harm."""
    if operator.largest and operator.sorted:
        return None
    if operator.largest:
        found = b.op("TopK", x, k, axis=operator.axis, outputs=2)
        return found[0], found[1]
    values, places = b.op("TopK", _turned(b, x), k, axis=operator.axis, outputs=2)
    return _turned(b, values), places


def _turned(b: GraphBuilder, x: Value) -> Value:
    """Numbers in the opposite order, and back: -x, or -1 - x where -x may not be there."""
    kind = b.type(x).dtype
    if kind.is_float:
        made: Value = b.Neg(x)
    elif kind is DType.INT64:  # BITWISE_XOR does not take it
        made = b.Sub(b.constant(np.array(-1, np.int64)), x)
    else:
        made = b.BitwiseNot(x)
    return made


@composed("BitwiseNot")
def bitwise_not(b: GraphBuilder, _: Any, x: Value) -> Value:
    """All bits turned by BITWISE_XOR with all ones."""
    kind = b.type(x).dtype
    ones = np.invert(np.zeros((), kind.numpy))
    made: Value = b.BitwiseXor(x, b.constant(ones))
    return made


@composed("IsNaN")
def is_nan(b: GraphBuilder, _: Any, x: Value) -> Value:
    """What does not equal itself."""
    made: Value = b.Not(b.Equal(x, x))
    return made


@composed("IsInf")
def is_inf(b: GraphBuilder, operator: Any, x: Value) -> Value:
    """What equals one of the infinities that are asked for."""
    kind = b.type(x).dtype
    above = b.Equal(x, b.constant(np.inf, kind))
    below = b.Equal(x, b.constant(-np.inf, kind))
    if operator.detect_positive and operator.detect_negative:
        made: Value = b.Or(above, below)
        return made
    if not operator.detect_positive and not operator.detect_negative:
        return b.Xor(above, above)
    return above if operator.detect_positive else below
