"""Flatten: two dims, those before an axis and those from it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import product
from likewise.ops.case import Case
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder


class Flatten(Operator, versions=(1, 9, 11, 13, 21, 23, 24, 25)):
    """The dims before `axis` as one, and the rest as the other; `axis` may equal the rank."""

    axis: int = 1

    def infer(self, x: TensorType) -> TensorType:
        axis = self._axis(x.rank)
        return x.with_shape((product(x.shape[:axis]), product(x.shape[axis:])))

    def _axis(self, rank: int) -> int:
        if not -rank <= self.axis <= rank:
            raise InferenceError(
                f"axis {self.axis} is out of range", allowed=f"{-rank} to {rank} for {rank} dims"
            )
        return self.axis + rank if self.axis < 0 else self.axis

    def evaluate(self, x: Array) -> Array:
        axis = self._axis(x.ndim)
        rows = int(np.prod(x.shape[:axis], dtype=np.int64))
        columns = int(np.prod(x.shape[axis:], dtype=np.int64))
        return x.reshape(rows, columns)

    def expand(self, b: Builder[V], x: V) -> V:
        axis = self._axis(b.type(x).rank)
        shape = b.Shape(x)
        sizes = [
            b.ReduceProd(b.Slice(shape, b.ints(start), b.ints(stop)), b.ints(0))
            for start, stop in ((0, axis), (axis, b.type(x).rank))
        ]
        return b.Reshape(x, b.Concat(*sizes, axis=0), allowzero=1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
        for axis, shape in ((0, (1, 24)), (1, (2, 12)), (-1, (6, 4)), (3, (24, 1))):
            yield Case(cls(axis=axis), [x], [x.reshape(shape)])
        yield Case(cls(axis=0), [x[0, 0, 0]], [x[0, :1, 0].reshape(1, 1)])
        yield Case(cls(), [x[:, :0]], [np.zeros((2, 0), np.float32)])
        yield Case(cls(axis=4), [x], error="axis 4 is out of range; allowed: -3 to 3")
