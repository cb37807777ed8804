"""QGemm: a general product of quantized matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ir import DType
from likewise.ops.case import Case, f32, i32, u8
from likewise.ops.com_microsoft.quantized import as_scalar, integer_product, quantized
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class QGemm(Operator, versions=(1,)):
    """alpha * a_scale * b_scale * ((A - a_zero_point) (B - b_zero_point) + C), C being int32.

    The scale and zero point of B may be one a column. Quantized to the type of `y_zero_point`
    with `y_scale`, float32 without.
    """

    alpha: float = 1.0
    transA: bool = False  # noqa: N815 — ONNX's spelling
    transB: bool = False  # noqa: N815

    def infer(
        self,
        a: TensorType,
        a_scale: TensorType,
        a_zero_point: TensorType,
        b: TensorType,
        b_scale: TensorType,
        b_zero_point: TensorType,
        c: TensorType | None = None,
        y_scale: TensorType | None = None,
        y_zero_point: TensorType | None = None,
    ) -> TensorType:
        made: TensorType = infer_expansion(
            self, a, a_scale, a_zero_point, b, b_scale, b_zero_point, c, y_scale, y_zero_point
        )
        return made

    def expand(
        self,
        b: Builder[V],
        left: V,
        left_scale: V,
        left_zero: V,
        right: V,
        right_scale: V,
        right_zero: V,
        c: V | None = None,
        y_scale: V | None = None,
        y_zero: V | None = None,
    ) -> V:
        left = b.Transpose(left, perm=(1, 0)) if self.transA else left
        right = b.Transpose(right, perm=(1, 0)) if self.transB else right
        left_zero, right_zero = as_scalar(b, left_zero), as_scalar(b, right_zero)
        made = integer_product(b, left, right, left_zero, right_zero)
        if c is not None:
            made = b.Add(made, b.Cast(c, to=DType.FLOAT.value))
        scale = b.Mul(b.Mul(as_scalar(b, left_scale), right_scale), self.alpha)
        made = b.Mul(made, scale)
        return made if y_scale is None else quantized(b, made, y_scale, y_zero, b.type(left).dtype)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = u8([[1, 2]]), u8([[3, 1], [4, 2]])
        scales = [f32(0.5), u8(1), b, f32(2), u8(1)]
        yield Case(cls(), [a, *scales], [f32([[3, 1]])])
        yield Case(cls(transB=True), [a, *scales, i32([1, 0])], [f32([[1, 1]])])
        yield Case(cls(alpha=2.0), [a, *scales, None, f32(0.5), u8(10)], [u8([[22, 14]])])
        columns = [f32(0.5), u8(1), b, f32([2, 4]), u8([1, 0])]
        yield Case(cls(), [a, *columns], [f32([[3, 4]])])
