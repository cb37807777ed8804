"""Shape: the dims of a tensor as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType, TensorType
from likewise.ops.case import Case, i64
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView


class Shape(Operator, versions=(1, 13, 15, 19, 21, 23, 24, 25)):
    """The dims from `start` to `end` (clamped to the rank, negative from the back) as int64."""

    start: int = 0
    end: int | None = None
    on_narrow = "take"

    def infer(self, data: TensorType) -> TensorType:
        dims = data.shape[self.start : self.end]
        return TensorType(DType.INT64, (len(dims),)).with_value(np.array(dims, object))

    def evaluate(self, data: Array) -> Array:
        return np.array(data.shape[self.start : self.end], np.int64)

    def lower(self, lowering: Lowering, data: TensorView) -> TensorView:
        return lowering.constant(np.array(data.shape[self.start : self.end], np.int64))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.zeros((2, 3, 4), np.float32)
        yield Case(cls(), [x], [i64([2, 3, 4])])
        yield Case(cls(start=-2, end=-1), [x], [i64([3])])
        yield Case(cls(start=-9, end=9), [x], [i64([2, 3, 4])])
        yield Case(cls(), [x[0, 0, 0]], [np.zeros(0, np.int64)])
