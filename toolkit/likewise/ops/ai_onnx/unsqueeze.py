"""Unsqueeze: dims of size 1 put in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType, TensorType, checked_rank, fresh_dims
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_rank, normalize_axes
from likewise.ops.operator import Operator
from likewise.ops.static import output_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView
    from likewise.ops.build import OldForm


class Unsqueeze(Operator, versions=(1, 11, 13, 21, 23, 24, 25)):
    """Puts in dims of size 1, so that they are the dims `axes` of the output.

    `axes` with one number may be 0-d, as onnxruntime has it.
    """

    symbolic = True
    on_narrow = "take"

    def infer(self, data: TensorType, axes: TensorType) -> TensorType:
        check_dtype(axes, {DType.INT64}, "axes")
        check_rank(axes, (0, 1), "axes")
        if axes.constant is None:
            count = axes.size
            if not isinstance(count, int):
                return TensorType(data.dtype, None)
            return data.with_shape(fresh_dims("unsqueeze", data.rank + count))
        rest = iter(data.shape)
        rank = checked_rank(data.rank + axes.constant.size)
        put_in = normalize_axes(axes.constant.flat, rank)
        return data.with_shape(1 if axis in put_in else next(rest) for axis in range(rank))

    def evaluate(self, data: Array, axes: Array) -> Array:
        return np.expand_dims(data, tuple(axes.ravel().tolist()))

    def lower(self, _: Lowering, data: TensorView, axes: TensorView) -> TensorView:
        return data.reshape(output_shape(self, data, axes))

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        old.to_input("axes", 1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2, 3]])
        yield Case(cls(), [x, i64([0])], [x[None]])
        yield Case(cls(), [x, i64([4, 1, -3])], [x.reshape(1, 1, 1, 3, 1)])
        yield Case(cls(), [f32(1), i64([0])], [f32([1])])
        yield Case(cls(), [f32(1), i64(-1)], [f32([1])])
        yield Case(cls(), [x, i64([3])], error="axes: 3 is out of range; allowed: -3 to 2")
        yield Case(cls(), [x, i64([0, -4])], error="an axis is named twice")
