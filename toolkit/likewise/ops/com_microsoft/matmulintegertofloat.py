"""MatMulIntegerToFloat: a product of quantized matrices, given as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ops.case import Case, f32, i8, u8
from likewise.ops.com_microsoft.quantized import as_scalar, integer_product
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class MatMulIntegerToFloat(Operator, versions=(1,)):
    """a_scale * b_scale * (A - a_zero_point) (B - b_zero_point) + bias, in float32.

    The scale and zero point of B may be one a column.
    """

    def infer(
        self,
        a: TensorType,
        b: TensorType,
        a_scale: TensorType,
        b_scale: TensorType,
        a_zero_point: TensorType | None = None,
        b_zero_point: TensorType | None = None,
        bias: TensorType | None = None,
    ) -> TensorType:
        made: TensorType = infer_expansion(
            self, a, b, a_scale, b_scale, a_zero_point, b_zero_point, bias
        )
        return made

    def expand(
        self,
        b: Builder[V],
        left: V,
        right: V,
        left_scale: V,
        right_scale: V,
        left_zero: V | None = None,
        right_zero: V | None = None,
        bias: V | None = None,
    ) -> V:
        zeros = [None if zero is None else as_scalar(b, zero) for zero in (left_zero, right_zero)]
        made: V = integer_product(b, left, right, *zeros)
        made = b.Mul(made, b.Mul(as_scalar(b, left_scale), right_scale))
        return made if bias is None else b.Add(made, bias)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = u8([[1, 2]]), i8([[3, -1], [4, 2]])
        yield Case(cls(), [a, b, f32(0.5), f32(2)], [f32([[11, 3]])])
        yield Case(
            cls(), [a, b, f32(0.5), f32([2, 4]), u8(1), i8([1, 0]), f32([0, 1])], [f32([[3, 5]])]
        )
