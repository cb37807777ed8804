"""DynamicQuantizeLinear: bytes in steps that the range of the numbers decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f16, f32, u8
from likewise.ops.checks import check_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ops.build import Builder


class DynamicQuantizeLinear(Operator, versions=(11,)):
    """x as uint8, with the scale and zero point that map its range, 0 included, to 0 … 255.

    Where everything is 0 the scale would be 0: it is 1, as onnxruntime has it.
    """

    def infer(self, x: TensorType) -> tuple[TensorType, TensorType, TensorType]:
        check_dtype(x, {DType.FLOAT}, "x")
        return (
            x.with_dtype(DType.UINT8),
            TensorType(DType.FLOAT, ()),
            TensorType(DType.UINT8, ()),
        )

    def expand(self, b: Builder[V], x: V) -> tuple[V, V, V]:
        low = b.Min(b.ReduceMin(x, keepdims=0), 0.0)
        high = b.Max(b.ReduceMax(x, keepdims=0), 0.0)
        step = b.Div(b.Sub(high, low), 255.0)
        scale = b.Where(b.Equal(step, 0.0), b.constant(1, DType.FLOAT), step)
        zero = b.Clip(b.Round(b.Div(b.Neg(low), scale)), 0.0, 255.0)
        zero = b.Cast(zero, to=DType.UINT8)
        return b.QuantizeLinear(x, scale, zero), scale, zero

    @classmethod
    def cases(cls) -> Iterator[Case]:
        every = cls(wanted=3)
        yield Case(every, [f32([[-1, 0, 254]])], [u8([[0, 1, 255]]), f32(1), u8(1)])
        yield Case(every, [f32([510, 255])], [u8([255, 128]), f32(2), u8(0)])
        yield Case(every, [f32([-510, -4])], [u8([0, 253]), f32(2), u8(255)])
        yield Case(every, [f32([0, 0])], [u8([0, 0]), f32(1), u8(0)])
        yield Case(every, [f32([]).reshape(2, 0)], [u8([]).reshape(2, 0), f32(1), u8(0)])
        yield Case(cls(), [f16([1])], error="x has an element type")
