"""MatMulInteger: the exact matrix product of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType, TensorType
from likewise.ops.ai_onnx.matmul import lower_product, product_shape
from likewise.ops.build import Evaluator
from likewise.ops.case import Case, i8, i16, i32, u8
from likewise.ops.checks import check_dtype, check_same_dtype
from likewise.ops.integer_products import BYTES, check_lines, of_columns, of_rows, shifted
from likewise.ops.matrix_product import matrix_product
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim
    from likewise.lower import Lowering, TensorView


class MatMulInteger(Operator, versions=(10,)):
    """(A - a_zero_point) @ (B - b_zero_point) as int32, which wraps.

    A zero point is one number, or one a row of A (1-d, or N-d with a last dim of 1), one a column
    of B.
    """

    def infer(
        self,
        a: TensorType,
        b: TensorType,
        a_zero_point: TensorType | None = None,
        b_zero_point: TensorType | None = None,
    ) -> TensorType:
        check_dtype(a, BYTES, "A")
        check_dtype(b, BYTES, "B")
        check_same_dtype(A=a, a_zero_point=a_zero_point)
        check_same_dtype(B=b, b_zero_point=b_zero_point)
        check_lines(a, a_zero_point, -2, "a_zero_point")
        check_lines(b, b_zero_point, -1, "b_zero_point")
        return TensorType(DType.INT32, product_shape(a.shape, b.shape))

    def evaluate(
        self,
        a: Array,
        b: Array,
        a_zero_point: Array | None = None,
        b_zero_point: Array | None = None,
    ) -> Array:
        left, right = a.astype(np.int32), b.astype(np.int32)
        if a_zero_point is not None:
            left -= of_rows(Evaluator(), a_zero_point.astype(np.int32))
        if b_zero_point is not None:
            right -= of_columns(Evaluator(), b_zero_point.astype(np.int32))
        return np.asarray(matrix_product(left, right))

    def lower(
        self,
        lowering: Lowering,
        a: TensorView,
        b: TensorView,
        a_zero_point: TensorView | None = None,
        b_zero_point: TensorView | None = None,
    ) -> TensorView:
        if a_zero_point is not None and a_zero_point.rank == 1 and a_zero_point.size > 1:
            a_zero_point = a_zero_point.reshape((a_zero_point.size, 1))
        left, right = (
            shifted(lowering, x, zero if zero is None or zero.size > 1 else zero.reshape(()))
            for x, zero in ((a, a_zero_point), (b, b_zero_point))
        )
        return lower_product(lowering, left, right, small=True)

    def flops(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType | None]
    ) -> Dim:
        a, made = inputs[0], outputs[0]
        if a is None or made is None or a.dims is None or made.dims is None:
            return 0
        return made.size * a.shape[-1] * 2

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = u8([[11, 7], [255, 0]]), i8([[1, -4, 5], [2, 0, -128]])
        yield Case(cls(), [a, b], [i32([[25, -44, -841], [255, -1020, 1275]])])
        yield Case(cls(), [a, b, u8(10), i8(1)], [i32([[-3, -2, 391], [-10, -1215, 2270]])])
        rows, columns = u8([10, 255]), i8([1, 2, 3])
        yield Case(cls(), [a, b, rows, columns], [i32([[-3, 0, 395], [-255, 510, 33405]])])
        deep = i32([[[-5, -4, 389], [-510, 0, 32640]]])
        yield Case(cls(), [a[None], b, u8([[[10], [255]]])], [deep])
        yield Case(cls(), [a[0], b[:, 0], u8([1])], [i32(22)])
        large = np.full((1, 70000), 255, np.uint8)  # 70000 * 255 * 255 wraps
        yield Case(cls(), [large, large.T.copy()], [i32([[256782704]])])
        yield Case(cls(), [a[:, :0], b[:0]], [np.zeros((2, 3), np.int32)])
        yield Case(cls(), [a, b, i8(1)], error="the element types differ")
        yield Case(cls(), [i16([[1]]), i8([[1]])], error="A has an element type")
        yield Case(
            cls(), [a, b, u8([1, 2, 3])], error="the sizes of a_zero_point and of axis -2 differ"
        )
