"""Size: the number of elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i64
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array


class Size(Operator, versions=(1, 13, 19, 21, 23, 24, 25)):
    """How many elements a tensor has, as an int64 scalar."""

    def infer(self, data: TensorType) -> TensorType:
        size = np.empty((), object)
        size[()] = data.size
        return TensorType(DType.INT64, ()).with_value(size)

    def evaluate(self, data: Array) -> Array:
        return np.array(data.size, np.int64)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([[1, 2, 3]])], [i64(3)])
        yield Case(cls(), [f32(1)], [i64(1)])
        yield Case(cls(), [f32([])], [i64(0)])
