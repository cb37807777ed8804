"""DequantizeLinear: the numbers that small integers, or narrow floats, stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.build import Evaluator
from likewise.ops.case import Case, f16, f32, i8, i16, i32, u8
from likewise.ops.checks import FLOATS, check_dtype, check_same_dtype
from likewise.ops.conversion import convert
from likewise.ops.quantization import (
    NARROW_FLOATS,
    NARROW_INTEGERS,
    LinearQuantization,
    cast,
    given_dtype,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder
    from likewise.ops.operator import V

_FLOATS = FLOATS - {DType.DOUBLE}
_QUANTIZED = NARROW_INTEGERS | NARROW_FLOATS | {DType.INT32}


class DequantizeLinear(LinearQuantization, versions=(10, 13, 19, 21, 23, 24, 25, 28)):
    """(x - x_zero_point) * x_scale as `output_dtype`, or the element type of x_scale.

    The difference of integers is exact, the product one of float32, rounded once to the output:
    where ONNX asks for a product in the output's precision, onnxruntime decides. The numbers of a
    float8e8m0 scale are float32 unless `output_dtype` says otherwise.
    """

    output_dtype: int = 0

    def infer(
        self, x: TensorType, x_scale: TensorType, x_zero_point: TensorType | None = None
    ) -> TensorType:
        check_dtype(x, _QUANTIZED, "x")
        check_dtype(x_scale, _FLOATS | {DType.FLOAT8E8M0}, "x_scale")
        check_same_dtype(x=x, x_zero_point=x_zero_point)
        self.check_scale(x, x_scale, x_zero_point)
        return x.with_dtype(self._output(x_scale.dtype))

    def _output(self, scale: DType) -> DType:
        asked = given_dtype(self.output_dtype, "output_dtype")
        if asked not in (None, *_FLOATS):
            raise InferenceError("output_dtype is no floating-point type", given=asked)
        return asked or (DType.FLOAT if scale is DType.FLOAT8E8M0 else scale)

    def evaluate(self, x: Array, x_scale: Array, x_zero_point: Array | None = None) -> Array:
        b = Evaluator()
        if x.dtype == np.int32:
            return self.expand(b, x, x_scale, x_zero_point)
        y = x.astype(np.float32)
        if x_zero_point is not None:
            y -= self.spread(b, x_zero_point.astype(np.float32), x)
        y *= self.spread(b, x_scale.astype(np.float32), x)
        return convert(y, self._output(DType.of(x_scale.dtype)))

    def expand(self, b: Builder[V], x: V, x_scale: V, x_zero_point: V | None = None) -> V:
        made = x
        if x_zero_point is not None:
            exact = DType.INT32 if b.type(x).dtype.is_integer else DType.FLOAT
            zero = self.spread(b, cast(b, x_zero_point, exact), x)
            made = b.Sub(cast(b, x, exact), zero)
        scale = self.spread(b, cast(b, x_scale, DType.FLOAT), x)
        product = b.Mul(cast(b, made, DType.FLOAT), scale)
        return cast(b, product, self._output(b.type(x_scale).dtype))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = u8([[0, 128, 255]])
        yield Case(cls(), [x, f32(2), u8(128)], [f32([[-256, 0, 254]])])
        yield Case(cls(), [x, f32([2])], [f32([[0, 256, 510]])])
        scales, zeros = f32([1, 2, 4]), u8([0, 128, 254])
        yield Case(cls(), [x, scales, zeros], [f32([[0, 0, 4]])])
        yield Case(cls(axis=0), [i8([3, -4]), f32([2, 5]), i8([0, 1])], [f32([6, -25])])
        blocks = [f32([[2, 10]]), u8([[0, 55]])]
        yield Case(cls(axis=-1, block_size=2), [x, *blocks], [f32([[0, 256, 2000]])])
        yield Case(cls(), [i16([2049]), f16(3)], [f16([6147])])
        yield Case(cls(output_dtype=DType.FLOAT16.value), [i8(3), f32(0.5)], [f16(1.5)])
        yield Case(cls(), [i32([2**24, -7]), f32(2)], [f32([2**25, -14])])
        float8 = convert(f32([[0.5, -448]]), DType.FLOAT8E4M3FN)
        yield Case(cls(), [float8, f32(2)], [f32([[1, -896]])])
        scale = convert(f32([4]), DType.FLOAT8E8M0)
        yield Case(cls(), [convert(i8([[-3, 5]]), DType.INT4), scale], [f32([[-12, 20]])])
        yield Case(cls(), [x[:, :0], f32(2), u8(1)], [f32([[]])])
        yield Case(cls(), [x, f32(2), i8(1)], error="the element types differ")
        yield Case(cls(), [x, f32([1, 2])], error="the sizes of the scale and of axis 1 differ")
        yield Case(cls(axis=2), [x, scales], error="axis 2 is out of range")
        yield Case(cls(), [x, f32([[1, 2, 3]])], error="scale has 2 dims")
        yield Case(cls(), [x, scales, u8([1, 2])], error="the sizes of the zero point")
