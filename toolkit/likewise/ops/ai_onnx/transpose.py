"""Transpose: the dims in another order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.case import Case, i32
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.lower import Lowering, TensorView


class Transpose(Operator, versions=(1, 13, 21, 23, 24, 25)):
    """Output dim i is input dim `perm[i]`; without `perm` the order is reversed."""

    perm: tuple[int, ...] | None = None
    symbolic = True
    keeps_extents = True
    on_narrow = "take"

    def infer(self, data: TensorType) -> TensorType:
        dims = data.shape
        if self.perm is None:
            return data.with_shape(dims[::-1])
        if sorted(self.perm) != list(range(len(dims))):
            raise InferenceError(
                "perm is no order of the dims",
                given=list(self.perm),
                allowed=f"each of 0 to {len(dims) - 1} once",
            )
        return data.with_shape(dims[axis] for axis in self.perm)

    def evaluate(self, data: Array) -> Array:
        return data.transpose(self.perm)

    def lower(self, _: Lowering, data: TensorView) -> TensorView:
        return data.transpose(self.perm or range(data.rank)[::-1])

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
        yield Case(cls(), [x], [x.T.copy()])
        yield Case(cls(perm=(0, 2, 1)), [x], [np.swapaxes(x, 1, 2).copy()])
        yield Case(cls(perm=(1, 0)), [i32([[1, 2]])], [i32([[1], [2]])])
        yield Case(cls(), [x[0, 0, 0]], [x[0, 0, 0]])
        yield Case(cls(perm=(0, 1, 1)), [x], error="given: [0, 1, 1]; allowed: each of 0 to 2 once")
        yield Case(cls(perm=(1, 0)), [x], error="perm is no order")
