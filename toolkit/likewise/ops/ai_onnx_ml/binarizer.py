"""Binarizer: 1 above a threshold, else 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ir import DType
from likewise.ops.case import Case, f32, i64, u8
from likewise.ops.checks import check_dtype
from likewise.ops.operator import Operator
from likewise.ops.scores import FEATURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.lower import Lowering, TensorView


class Binarizer(Operator, versions=(1,)):
    """1 where X > `threshold`, 0 elsewhere and for NaN."""

    threshold: float = 0.0

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, FEATURES, "X")
        return x.with_shape(x.shape)

    def evaluate(self, x: Array) -> Array:
        return (x > self.threshold).astype(x.dtype)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        wide = x if x.dtype.is_float else lowering.cast(x, DType.DOUBLE)
        above = lowering.elementwise(lambda _, v: v > self.threshold, DType.BOOL, wide)
        return lowering.cast(above, x.dtype)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[-1, 0.5], [1, float("nan")]])
        yield Case(cls(), [x], [f32([[0, 1], [1, 0]])])
        yield Case(cls(threshold=0.5), [x], [f32([[0, 0], [1, 0]])])
        yield Case(cls(threshold=0.5), [i64([0, 1])], [i64([0, 1])])
        yield Case(cls(), [u8([1])], error="X has an element type")
