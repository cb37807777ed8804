"""DynamicQuantizeMatMul: a matrix quantized on the spot, times a quantized one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ops.case import Case, f32, i8
from likewise.ops.com_microsoft.quantized import as_scalar, integer_product
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class DynamicQuantizeMatMul(Operator, versions=(1,)):
    """A, rounded to uint8 by DynamicQuantizeLinear, times b_scale * (B - b_zero_point), + bias.

    The scale and zero point of B may be one a column.
    """

    def infer(
        self,
        a: TensorType,
        b: TensorType,
        b_scale: TensorType,
        b_zero_point: TensorType | None = None,
        bias: TensorType | None = None,
    ) -> TensorType:
        made: TensorType = infer_expansion(self, a, b, b_scale, b_zero_point, bias)
        return made

    def expand(
        self,
        b: Builder[V],
        left: V,
        right: V,
        right_scale: V,
        right_zero: V | None = None,
        bias: V | None = None,
    ) -> V:
        rounded, scale, zero = b.DynamicQuantizeLinear(left, outputs=3)
        right_zero = None if right_zero is None else as_scalar(b, right_zero)
        made: V = integer_product(b, rounded, right, zero, right_zero)
        made = b.Mul(made, b.Mul(scale, right_scale))
        return made if bias is None else b.Add(made, bias)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = f32([[0, 255, 2]]), i8([[1, 2], [1, -1], [0, 4]])
        yield Case(cls(), [a, b, f32([0.5])], [f32([[127.5, -123.5]])])
        yield Case(cls(), [a, b, f32([0.5, 1]), i8([1, 0]), f32([1, 0])], [f32([[0, -247]])])
