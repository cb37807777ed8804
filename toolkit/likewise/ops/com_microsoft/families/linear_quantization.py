"""QuantizeLinear, DequantizeLinear: with the element types that onnxruntime had before ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ops.case import Case, f32, i16, u16
from likewise.ops.com_microsoft.quantized import as_scalar
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class QuantizeLinear(Operator, versions=(1,)):
    """x / y_scale + y_zero_point, rounded and saturated to the type of the zero point (uint8)."""

    axis: int = 1

    def infer(
        self, x: TensorType, y_scale: TensorType, y_zero_point: TensorType | None = None
    ) -> TensorType:
        made: TensorType = infer_expansion(self, x, y_scale, y_zero_point)
        return made

    def expand(self, b: Builder[V], x: V, y_scale: V, y_zero_point: V | None = None) -> V:
        zero = None if y_zero_point is None else as_scalar(b, y_zero_point)
        made: V = b.QuantizeLinear(x, as_scalar(b, y_scale), zero, axis=self.axis)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([0, 1.25, 1e9]), f32(0.5), u16(7)], [u16([7, 9, 65535])])
        yield Case(cls(), [f32([[-1, 3]]), f32([1, 2]), i16([0, 1])], [i16([[-1, 3]])])


class DequantizeLinear(Operator, versions=(1,)):
    """(x - x_zero_point) * x_scale."""

    axis: int = 1

    def infer(
        self, x: TensorType, x_scale: TensorType, x_zero_point: TensorType | None = None
    ) -> TensorType:
        made: TensorType = infer_expansion(self, x, x_scale, x_zero_point)
        return made

    def expand(self, b: Builder[V], x: V, x_scale: V, x_zero_point: V | None = None) -> V:
        zero = None if x_zero_point is None else as_scalar(b, x_zero_point)
        made: V = b.DequantizeLinear(x, as_scalar(b, x_scale), zero, axis=self.axis)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [u16([7, 9]), f32([0.5]), u16([7])], [f32([0, 1])])
        yield Case(cls(axis=0), [i16([[2], [4]]), f32([1, 2])], [f32([[2], [8]])])
