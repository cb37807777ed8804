"""Products of quantized tensors: what zero points apply to, and the way back to few bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.loop import I32
from likewise.loop.types import scalar_or_vector
from likewise.ops.checks import check_rank, unify
from likewise.ops.conversion import convert
from likewise.ops.quantization import limits

if TYPE_CHECKING:
    from likewise.ir import Array, Dim, TensorType
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView
    from likewise.ops.build import Builder
    from likewise.ops.operator import V

__all__ = [
    "BYTES",
    "check_lines",
    "check_per_channel",
    "check_scalar",
    "of_columns",
    "of_rows",
    "requantize",
    "requantized",
    "shifted",
]

BYTES: Final = frozenset({DType.INT8, DType.UINT8})


def check_scalar(parameter: TensorType | None, name: str) -> None:
    """Refuse a scale or zero point that is not one number."""
    if parameter is not None and parameter.shape not in ((), (1,)):
        raise InferenceError(f"{name} is not a scalar", given=parameter)


def check_per_channel(parameter: TensorType | None, channels: Dim, name: str) -> None:
    """Refuse a scale or zero point that is neither one number nor one an output channel."""
    if parameter is None or parameter.shape in ((), (1,)):
        return
    if parameter.rank != 1:
        raise InferenceError(f"{name} has {parameter.rank} dims", given=parameter, allowed="0 or 1")
    unify(parameter.shape[0], channels, f"the size of {name} and the output channels")


def check_lines(x: TensorType, parameter: TensorType | None, axis: int, name: str) -> None:
    """Refuse `parameter` unless it holds one number, or one a row (`axis` -2) or column (-1).

    One a line is 1-d, or of the rank of the matrices `x` with a 1 for the dim that is summed.
    """
    if parameter is None or parameter.shape in ((), (1,)):
        return
    check_rank(parameter, {0, 1, x.rank}, name)
    if x.rank > 1:
        at = 0 if parameter.rank == 1 else axis
        unify(parameter.shape[at], x.shape[axis], f"the sizes of {name} and of axis {axis}")


def of_columns(b: Builder[V], parameter: V) -> V:
    """Numbers, one a column of a matrix or one for all, in a shape that broadcasts to it."""
    made: V = b.Reshape(parameter, b.ints()) if b.type(parameter).shape == (1,) else parameter
    return made


def of_rows(b: Builder[V], parameter: V) -> V:
    """Numbers, one a row of a matrix or one for all, in a shape that broadcasts to it."""
    if b.type(parameter).rank == 1 and b.type(parameter).shape != (1,):
        made: V = b.Reshape(parameter, b.ints(-1, 1))
        return made
    return of_columns(b, parameter)


def requantize(total: Array, multiplier: Array, zero_point: Array) -> Array:
    """`total` * `multiplier` + `zero_point`, of the dtype of the zero point, saturated.

    Computed in float32. For integers the product is rounded before the zero point is added, ties
    to even. `total` is changed in place where it is float32.
    """
    y = total.astype(np.float32, copy=False)
    y *= multiplier
    to = DType.of(zero_point.dtype)
    if to.is_integer:
        np.rint(y, out=y)
    y += zero_point.astype(np.float32)
    return convert(np.clip(y, *limits(to), out=y) if to.is_integer else y, to)


def requantized(b: Builder[V], total: V, multiplier: V, zero_point: V) -> V:
    """`requantize` as a graph."""
    to = b.type(zero_point).dtype
    made: V = b.Mul(b.Cast(total, to=DType.FLOAT), multiplier)
    if to.is_integer:
        made = b.Round(made)
    made = b.Add(made, b.Cast(zero_point, to=DType.FLOAT))
    if to.is_integer:
        made = b.Clip(made, *limits(to))
    narrow: V = b.Cast(made, to=to)
    return narrow


def shifted(lowering: Lowering, x: TensorView, zero: TensorView | None) -> TensorView:
    """Bytes less their zero point, as int32."""
    if x.data is not None and (zero is None or zero.data is not None):
        found = x.data.astype(np.int32)
        if zero is not None and zero.data is not None:
            found = found - zero.data.astype(np.int32)
        return lowering.constant(found)

    def wide(k: Kernel, value: Value) -> Value:
        return value.cast(scalar_or_vector(I32, k.lanes))

    found_view = lowering.elementwise(wide, DType.INT32, x, exact=True)
    if zero is None:
        return found_view
    shift = lowering.elementwise(wide, DType.INT32, zero, exact=True)
    return lowering.elementwise(lambda _, a, b: a - b, DType.INT32, found_view, shift, exact=True)
