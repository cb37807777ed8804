"""Between numbers and their quantized form, as the fused quantized operators need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ir import DType

if TYPE_CHECKING:
    from likewise.ops.build import Builder
    from likewise.ops.operator import V

__all__ = ["as_scalar", "dequantized", "integer_product", "quantized"]


def as_scalar(b: Builder[V], x: V) -> V:
    """`x`, or its one element where it is a tensor of shape [1], as exporters also write it."""
    made: V = b.Squeeze(x, b.ints(0)) if b.type(x).shape == (1,) else x
    return made


def dequantized(b: Builder[V], x: V | None, scale: V | None, zero: V | None) -> V:
    """(x - zero) * scale, for a scalar scale; `zero` of None is 0."""
    given = None if zero is None else as_scalar(b, zero)
    made: V = b.DequantizeLinear(x, None if scale is None else as_scalar(b, scale), given)
    return made


def quantized(b: Builder[V], x: V, scale: V | None, zero: V | None, dtype: DType) -> V:
    """Numbers as x / scale + zero, rounded and saturated; `zero` of None is 0 of type `dtype`."""
    given = b.constant(0, dtype) if zero is None else as_scalar(b, zero)
    made: V = b.QuantizeLinear(x, None if scale is None else as_scalar(b, scale), given)
    return made


def integer_product(
    b: Builder[V], left: V, right: V, left_zero: V | None, right_zero: V | None
) -> V:
    """(left - left_zero) (right - right_zero) as float32."""
    made: V = b.Cast(b.MatMulInteger(left, right, left_zero, right_zero), to=DType.FLOAT.value)
    return made
