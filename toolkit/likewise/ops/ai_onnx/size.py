"""Size: the number of elements of a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType, TensorType
from likewise.ops.case import Case, i64
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.ops.build import Builder


class Size(Operator, versions=(1, 13, 19, 21, 23, 24, 25)):
    """The product of the dims as a 0-d int64."""

    on_narrow = "take"

    def infer(self, data: TensorType) -> TensorType:
        if data.dims is None:
            return TensorType(DType.INT64, ())
        return TensorType(DType.INT64, ()).with_value(np.array(data.size, object))

    def evaluate(self, data: Array) -> Array:
        return np.array(data.size, np.int64)

    def expand(self, b: Builder[V], data: V) -> V:
        made: V = b.ReduceProd(b.Shape(data), b.ints(0), keepdims=0)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.zeros((2, 3, 4), np.float32)
        yield Case(cls(), [x], [i64(24)])
        yield Case(cls(), [x[:0]], [i64(0)])
        yield Case(cls(), [x[0, 0, 0]], [i64(1)])
