"""Products of quantized tensors: the way of exact sums of integers back to few bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.checks import unify
from likewise.ops.conversion import convert
from likewise.ops.quantization import limits

if TYPE_CHECKING:
    from likewise.ir import Array, Dim, TensorType
    from likewise.ops.build import Builder
    from likewise.ops.operator import V

__all__ = ["check_per_channel", "check_scalar", "requantize", "requantized"]


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
