"""Transpose: the axes in another order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.case import Case, f32
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType


class Transpose(Operator, versions=(1, 13, 21, 23, 24, 25)):
    """Axis i of the output is axis `perm[i]` of the input; reversed by default. A view."""

    perm: tuple[int, ...] | None = None

    def infer(self, data: TensorType) -> TensorType:
        order = tuple(reversed(range(data.rank))) if self.perm is None else self.perm
        if sorted(order) != list(range(data.rank)):
            raise InferenceError(
                "perm is not an order of the axes",
                given=list(order),
                allowed=f"each of 0 to {data.rank - 1} once",
            )
        return data.with_shape(data.shape[axis] for axis in order)

    def evaluate(self, data: Array) -> Array:
        return data.transpose(self.perm)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
        yield Case(cls(), [x], [x.T])
        yield Case(cls(perm=(1, 0, 2)), [x], [x.reshape(2, 1, 3)])
        yield Case(cls(), [f32(1)], [f32(1)])
        yield Case(cls(perm=(0, 0, 1)), [x], error="perm is not an order of the axes")
