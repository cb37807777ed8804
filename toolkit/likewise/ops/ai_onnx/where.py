"""Where: elements of one tensor or another, by a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType
from likewise.ops.case import Case, boolean, f32, i64, strings
from likewise.ops.checks import broadcast, check_dtype, check_same_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.lower import Lowering, TensorView


class Where(Operator, versions=(9, 16)):
    """X where the condition holds, else Y; all three are broadcast."""

    symbolic = True
    on_narrow = "take"

    def infer(self, condition: TensorType, x: TensorType, y: TensorType) -> TensorType:
        check_dtype(condition, {DType.BOOL}, "condition")
        check_same_dtype(X=x, Y=y)
        return x.with_shape(broadcast(condition.shape, x.shape, y.shape))

    def evaluate(self, condition: Array, x: Array, y: Array) -> Array:
        return np.where(condition, x, y)

    def lower(
        self, lowering: Lowering, condition: TensorView, x: TensorView, y: TensorView
    ) -> TensorView:
        return lowering.elementwise(
            lambda k, c, a, b: k.select(c, a, b), x.dtype, condition, x, y, exact=True
        )

    @classmethod
    def cases(cls) -> Iterator[Case]:
        condition = boolean([[True], [False]])
        yield Case(cls(), [condition, i64([1, 2]), i64(9)], [i64([[1, 2], [9, 9]])])
        yield Case(cls(), [boolean(True), f32(np.nan), f32([])], [f32([])])
        words = strings(["a", "bcd"])
        yield Case(cls(), [boolean([True, False]), words, strings("z")], [strings(["a", "z"])])
        yield Case(cls(), [i64([1]), i64([1]), i64([2])], error="condition has an element type")
        yield Case(cls(), [condition, f32([1]), i64([2])], error="the element types differ")
        yield Case(cls(), [condition, i64([1, 2]), i64([1, 2, 3])], error="do not broadcast")
