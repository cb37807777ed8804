"""QuantizeLinear: numbers as small integers, or narrow floats, in steps of a scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.build import Evaluator
from likewise.ops.case import Case, f16, f32, f64, i8, i32, u8
from likewise.ops.checks import FLOATS, check_dtype
from likewise.ops.conversion import convert
from likewise.ops.quantization import (
    NARROW_FLOATS,
    NARROW_INTEGERS,
    LinearQuantization,
    cast,
    given_dtype,
    limits,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder
    from likewise.ops.operator import V

_NUMBERS = (FLOATS | {DType.INT32}) - {DType.DOUBLE}


class QuantizeLinear(LinearQuantization, versions=(10, 13, 19, 21, 23, 24, 25, 28)):
    """saturate(round(x / y_scale) + y_zero_point), ties to even.

    The quotient has the element type that `precision` names, or that of y_scale: float32 for a
    float8e8m0 scale, and exact for integers. Narrow floats round and saturate as Cast does. What
    NaN becomes as an integer is not defined.
    """

    output_dtype: int = 0
    precision: int = 0
    saturate: bool = True
    on_narrow = "expand"

    def infer(
        self, x: TensorType, y_scale: TensorType, y_zero_point: TensorType | None = None
    ) -> TensorType:
        check_dtype(x, _NUMBERS, "x")
        check_dtype(y_scale, _NUMBERS | {DType.FLOAT8E8M0}, "y_scale")
        made = x.with_dtype(self._output(y_zero_point))
        check_dtype(made, NARROW_INTEGERS | NARROW_FLOATS, "y")
        self._precision(y_scale.dtype)
        self.check_scale(x, y_scale, y_zero_point)
        return made

    def _output(self, zero_point: TensorType | None) -> DType:
        asked = given_dtype(self.output_dtype, "output_dtype")
        if zero_point is None:
            return asked or DType.UINT8
        if asked not in (None, zero_point.dtype):
            raise InferenceError(
                "output_dtype is not the element type of y_zero_point",
                given=asked,
                allowed=zero_point.dtype,
            )
        return zero_point.dtype

    def _precision(self, scale: DType) -> DType:
        asked = given_dtype(self.precision, "precision")
        if asked not in (None, *FLOATS):
            raise InferenceError("precision is no floating-point type", given=asked)
        exact = {DType.INT32: DType.DOUBLE, DType.FLOAT8E8M0: DType.FLOAT}
        return asked or exact.get(scale, scale)

    def evaluate(self, x: Array, y_scale: Array, y_zero_point: Array | None = None) -> Array:
        b = Evaluator()
        to = self._output(None if y_zero_point is None else b.type(y_zero_point))
        if self._precision(DType.of(y_scale.dtype)) is not DType.FLOAT or not to.is_integer:
            return self.expand(b, x, y_scale, y_zero_point)
        scale = self.spread(b, y_scale.astype(np.float32), x)
        y = np.divide(x.astype(np.float32, copy=False), scale, out=np.empty(x.shape, np.float32))
        np.rint(y, out=y)
        if y_zero_point is not None:
            y += self.spread(b, y_zero_point.astype(np.float32), x)
        return convert(np.clip(y, *limits(to), out=y), to)

    def expand(self, b: Builder[V], x: V, y_scale: V, y_zero_point: V | None = None) -> V:
        to = self._output(None if y_zero_point is None else b.type(y_zero_point))
        precision = self._precision(b.type(y_scale).dtype)
        made: V = b.Div(cast(b, x, precision), self.spread(b, cast(b, y_scale, precision), x))
        wide = DType.DOUBLE if precision is DType.DOUBLE else DType.FLOAT
        made = cast(b, made, wide)
        if to.is_integer:
            made = b.Round(made)
        if y_zero_point is not None:
            made = b.Add(made, self.spread(b, cast(b, y_zero_point, wide), x))
        if to.is_integer:
            made = b.Clip(made, *limits(to))
        narrow: V = b.Cast(made, to=to, saturate=self.saturate)
        return narrow

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[0, 1, 3], [5, 1000, -1000]])
        yield Case(cls(), [x, f32(2), u8(10)], [u8([[10, 10, 12], [12, 255, 0]])])
        yield Case(cls(), [x, f32([2])], [u8([[0, 0, 2], [2, 255, 0]])])
        yield Case(cls(axis=0), [x, f32([2, 4]), i8([0, 1])], [i8([[0, 0, 2], [2, 127, -128]])])
        blocks = cls(axis=-1, block_size=2, output_dtype=DType.INT8.value)
        yield Case(blocks, [x, f32([[1, 2], [5, 10]])], [i8([[0, 1, 2], [1, 127, -100]])])
        yield Case(cls(), [f32(7.5), f32(1)], [u8(8)])
        yield Case(cls(), [i32([[5, -5]]), f32(2), i8(0)], [i8([[2, -2]])])
        # 2049 / 2 in float16 is 1024: the precision of the scale decides.
        words = DType.UINT16.numpy
        yield Case(cls(), [f32([2051]), f16(2), np.array(0, words)], [np.array([1026], words)])
        exact = cls(precision=DType.FLOAT.value, output_dtype=DType.UINT16.value)
        yield Case(exact, [f32([2053]), f16(2)], [np.array([1026], words)])
        yield Case(cls(output_dtype=DType.INT8.value), [i32([7, 5]), i32(2)], [i8([4, 2])])
        one = convert(np.array(1), DType.INT4)
        made = convert(i8([[1, 1, 3], [3, 7, -8]]), DType.INT4)
        yield Case(cls(), [x, f32(2), one], [made])
        for dtype, values in (
            (DType.FLOAT8E4M3FN, [[0, 1, 3], [5, 448, -448]]),
            (DType.FLOAT4E2M1, [[0, 1, 3], [4, 6, -6]]),
        ):
            yield Case(cls(output_dtype=dtype.value), [x, f32(1)], [convert(f32(values), dtype)])
        yield Case(cls(), [x, f32([1, 2])], error="the sizes of the scale and of axis 1 differ")
        yield Case(cls(output_dtype=3), [x, f32(1), u8(0)], error="output_dtype is not")
        yield Case(cls(block_size=4), [x, f32([[1, 1]] * 2)], error="the blocks in axis 1 differ")
        yield Case(cls(block_size=-1), [x, f32([[1]] * 2)], error="block_size is negative")
        yield Case(cls(), [f64([1]), f32(1)], error="x has an element type")
