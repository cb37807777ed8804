"""Squeeze: leave out axes of size 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import Expression, TensorType
from likewise.ops.case import Case, i64
from likewise.ops.checks import normalize_axes
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.ops.build import OldForm


class Squeeze(Operator, versions=(1, 11, 13, 21, 23, 24, 25)):
    """Leaves out `axes`, or every axis of size 1 where none are given. A view."""

    symbolic = True

    def infer(self, data: TensorType, axes: TensorType | None = None) -> TensorType:
        if axes is None:
            if any(isinstance(dim, Expression) for dim in data.shape):
                return TensorType(data.dtype, None)
            return data.with_shape(dim for dim in data.shape if dim != 1)
        if axes.constant is None:
            return TensorType(data.dtype, None)
        chosen = normalize_axes(axes.constant.reshape(-1).tolist(), data.rank)
        for axis in chosen:
            if isinstance(data.shape[axis], int) and data.shape[axis] != 1:
                raise InferenceError(
                    f"axis {axis} cannot be left out", given=data, allowed="an axis of size 1"
                )
        return data.with_shape(dim for axis, dim in enumerate(data.shape) if axis not in chosen)

    def evaluate(self, data: Array, axes: Array | None = None) -> Array:
        return np.squeeze(data, None if axes is None else tuple(axes.reshape(-1).tolist()))

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        old.to_input("axes", 1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(3, dtype=np.float32).reshape(1, 3, 1)
        yield Case(cls(), [x], [x.reshape(3)])
        yield Case(cls(), [x, i64([-1])], [x.reshape(1, 3)])
        yield Case(cls(), [x, i64([0, 2])], [x.reshape(3)])
        yield Case(cls(), [x, i64([1])], error="axis 1 cannot be left out")
        yield Case(cls(), [x, i64([3])], error="axes: 3 is out of range")
