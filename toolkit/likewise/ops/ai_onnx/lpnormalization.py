"""LpNormalization: vectors of norm 1 along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.ir import DType
from likewise.ops.case import Case, f16, f32
from likewise.ops.checks import check_float, normalize_axis
from likewise.ops.convolution import working_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder


class LpNormalization(Operator, versions=(1, 22)):
    """X / norm along `axis`, the norm being sum(|x|) or sqrt(sum(x * x)); 0 where that is 0."""

    axis: int = -1
    p: Literal[1, 2] = 2

    def infer(self, input: TensorType) -> TensorType:  # noqa: A002 — ONNX's name
        check_float(input, "input")
        normalize_axis(self.axis, input.rank)
        return input.with_shape(input.shape)

    def evaluate(self, x: Array) -> Array:
        wide = x.astype(working_dtype(x.dtype), copy=False)
        if self.p == 1:
            norm = np.abs(wide).sum(self.axis, keepdims=True)
        else:
            norm = np.sqrt((wide * wide).sum(self.axis, keepdims=True))
        y = np.where(norm == 0, wide.dtype.type(0), wide / norm)
        return y.astype(x.dtype, copy=False)

    def expand(self, b: Builder[V], x: V) -> V:
        dtype = b.type(x).dtype
        half = dtype in {DType.FLOAT16, DType.BFLOAT16}
        wide = b.Cast(x, to=DType.FLOAT.value) if half else x
        norm = (b.ReduceL1 if self.p == 1 else b.ReduceL2)(wide, b.ints(self.axis))
        zero = b.constant(0, b.type(wide).dtype)
        y = b.Where(b.Equal(norm, zero), zero, b.Div(wide, norm))
        return b.Cast(y, to=dtype.value) if half else y

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[3, -4], [0, 0]])
        yield Case(cls(), [x], [f32([[0.6, -0.8], [0, 0]])], rtol=1e-6)
        yield Case(cls(p=1), [x], [f32([[3 / 7, -4 / 7], [0, 0]])], rtol=1e-6)
        yield Case(cls(axis=0), [x], [f32([[1, -1], [0, 0]])])
        yield Case(cls(p=1), [f16([60000, 60000])], [f16([0.5, 0.5])])
        yield Case(cls(axis=2), [x], error="axis 2 is out of range")
