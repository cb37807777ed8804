"""Unsqueeze: new axes of size 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import TensorType, fresh
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import normalize_axes
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.ops.build import OldForm


class Unsqueeze(Operator, versions=(1, 11, 13, 21, 23, 24, 25)):
    """Puts axes of size 1 at the places `axes` of the output. A view."""

    symbolic = True

    def infer(self, data: TensorType, axes: TensorType) -> TensorType:
        if axes.constant is None:
            count = axes.size
            if not isinstance(count, int):
                return TensorType(data.dtype, None)
            return data.with_shape(fresh("unsqueeze") for _ in range(data.rank + count))
        rank = data.rank + axes.constant.size
        places = normalize_axes(axes.constant.reshape(-1).tolist(), rank)
        dims = iter(data.shape)
        return data.with_shape(1 if axis in places else next(dims) for axis in range(rank))

    def evaluate(self, data: Array, axes: Array) -> Array:
        return np.expand_dims(data, tuple(axes.reshape(-1).tolist()))

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        old.to_input("axes", 1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([1, 2, 3])
        yield Case(cls(), [x, i64([0, -1])], [x.reshape(1, 3, 1)])
        yield Case(cls(), [x, i64([2, 0])], [x.reshape(1, 3, 1)])
        yield Case(cls(), [x[0], i64([0])], [x[:1]])
        yield Case(cls(), [x, i64([0, 0])], error="an axis is named twice")
        yield Case(cls(), [x, i64([2])], error="axes: 2 is out of range")
