"""QLinearMatMul: the product of two quantized matrices, quantized again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.ops.ai_onnx.matmul import product_shape
from likewise.ops.build import Evaluator
from likewise.ops.case import Case, f16, f32, i8, u8
from likewise.ops.checks import check_dtype, check_float, check_same_dtype
from likewise.ops.integer_products import (
    BYTES,
    check_lines,
    of_columns,
    of_rows,
    requantize,
    requantized,
)
from likewise.ops.matrix_product import matrix_product
from likewise.ops.operator import Operator, V
from likewise.ops.quantization import cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder

_FLOAT8 = frozenset(
    {DType.FLOAT8E4M3FN, DType.FLOAT8E4M3FNUZ, DType.FLOAT8E5M2, DType.FLOAT8E5M2FNUZ}
)


class QLinearMatMul(Operator, versions=(10, 21)):
    """saturate(round((a - a_zero_point) (b - b_zero_point) * scale) + y_zero_point), ties to even.

    scale is a_scale * b_scale / y_scale, computed in float32. Scales and zero points are scalars,
    or one a row of a and of y ([M] or […, M, 1]), one a column of b ([N] or […, 1, N]). The
    product is exact, as MatMulInteger's; that of float8 is summed in float32.
    """

    def infer(
        self,
        a: TensorType,
        a_scale: TensorType,
        a_zero_point: TensorType,
        b: TensorType,
        b_scale: TensorType,
        b_zero_point: TensorType,
        y_scale: TensorType,
        y_zero_point: TensorType,
    ) -> TensorType:
        for name, x, zero in (("a", a, a_zero_point), ("b", b, b_zero_point)):
            check_dtype(x, BYTES | _FLOAT8, name)
            check_same_dtype(**{name: x, f"{name}_zero_point": zero})
        check_dtype(y_zero_point, BYTES | _FLOAT8, "y_zero_point")
        check_float(a_scale, "a_scale")
        check_same_dtype(a_scale=a_scale, b_scale=b_scale, y_scale=y_scale)
        check_lines(a, a_scale, -2, "a_scale")
        check_lines(a, a_zero_point, -2, "a_zero_point")
        check_lines(b, b_scale, -1, "b_scale")
        check_lines(b, b_zero_point, -1, "b_zero_point")
        check_lines(a, y_scale, -2, "y_scale")
        check_lines(a, y_zero_point, -2, "y_zero_point")
        return a.with_dtype(y_zero_point.dtype).with_shape(product_shape(a.shape, b.shape))

    def evaluate(
        self,
        a: Array,
        a_scale: Array,
        a_zero_point: Array,
        b: Array,
        b_scale: Array,
        b_zero_point: Array,
        y_scale: Array,
        y_zero_point: Array,
    ) -> Array:
        build = Evaluator()
        exact = np.int32 if {a.dtype.kind, b.dtype.kind} <= {"i", "u"} else np.float32
        left = a.astype(exact) - of_rows(build, a_zero_point.astype(exact))
        right = b.astype(exact) - of_columns(build, b_zero_point.astype(exact))
        multiplier = self._multiplier(build, a_scale, b_scale, y_scale)
        total = np.asarray(matrix_product(left, right))
        return requantize(total, multiplier, of_rows(build, y_zero_point))

    def expand(
        self,
        b: Builder[V],
        left: V,
        left_scale: V,
        left_zero: V,
        right: V,
        right_scale: V,
        right_zero: V,
        y_scale: V,
        y_zero: V,
    ) -> V:
        if {b.type(left).dtype, b.type(right).dtype} <= BYTES:
            total = b.MatMulInteger(left, right, left_zero, right_zero)
        else:
            total = b.MatMul(
                b.Sub(cast(b, left, DType.FLOAT), of_rows(b, cast(b, left_zero, DType.FLOAT))),
                b.Sub(cast(b, right, DType.FLOAT), of_columns(b, cast(b, right_zero, DType.FLOAT))),
            )
        multiplier = self._multiplier(b, left_scale, right_scale, y_scale)
        return requantized(b, total, multiplier, of_rows(b, y_zero))

    def _multiplier(self, b: Builder[V], a_scale: V, b_scale: V, y_scale: V) -> V:
        wide = [cast(b, scale, DType.FLOAT) for scale in (a_scale, b_scale, y_scale)]
        product = b.Mul(of_rows(b, wide[0]), of_columns(b, wide[1]))
        made: V = b.Div(product, of_rows(b, wide[2]))
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = u8([[1, 3], [5, 201]]), i8([[1, -2], [3, 4]])
        after: list[Any] = [b, f32(2), i8(0), f32(1), u8(7)]
        yield Case(cls(), [a, f32(0.25), u8(1), *after], [u8([[10, 11], [255, 255]])])
        rows: list[Any] = [a, f32([0.25, 0.0625]), u8([1, 201])]
        yield Case(cls(), [*rows, *after], [u8([[10, 11], [0, 56]])])
        columns: list[Any] = [b, f32([2, 4]), i8([1, 2]), f32(1), i8(0)]
        yield Case(cls(), [a, f32(0.25), u8(1), *columns], [i8([[2, 4], [127, 127]])])
        half: list[Any] = [b, f16(2), i8(0), f16(1), u8(7)]
        yield Case(cls(), [a[0], f16(0.25), u8(1), *half], [u8([10, 11])])
        yield Case(cls(), [a, f16(0.25), u8(1), *after], error="the element types differ")
        yield Case(cls(), [a, f32(0.25), i8(1), *after], error="a uint8, a_zero_point int8")
