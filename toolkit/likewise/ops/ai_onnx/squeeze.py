"""Squeeze: dims of size 1 left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, i64
from likewise.ops.checks import check_dtype, check_rank, normalize_axes
from likewise.ops.operator import Operator
from likewise.ops.static import output_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView
    from likewise.ops.build import OldForm


class Squeeze(Operator, versions=(1, 11, 13, 21, 23, 24, 25)):
    """Leaves out the dims `axes`, which must be of size 1; without `axes` every dim of size 1."""

    symbolic = True
    on_narrow = "take"

    def infer(self, data: TensorType, axes: TensorType | None = None) -> TensorType:
        dims = data.shape
        if axes is None:
            if not data.is_static:  # a symbol may stand for 1
                return TensorType(data.dtype, None)
            return data.with_shape(dim for dim in dims if dim != 1)
        check_dtype(axes, {DType.INT64}, "axes")
        check_rank(axes, 1, "axes")
        if axes.constant is None:
            count = axes.shape[0]
            if not isinstance(count, int):
                return TensorType(data.dtype, None)
            return data.with_shape(fresh("squeeze") for _ in range(len(dims) - count))
        left_out = normalize_axes(axes.constant, len(dims))
        for axis in left_out:
            if isinstance(dims[axis], int) and dims[axis] != 1:
                raise InferenceError(
                    f"dim {axis} cannot be squeezed", given=data, allowed="a dim of size 1"
                )
        return data.with_shape(dim for axis, dim in enumerate(dims) if axis not in left_out)

    def evaluate(self, data: Array, axes: Array | None = None) -> Array:
        return data.squeeze(None if axes is None else tuple(axes.tolist()))

    def lower(self, _: Lowering, data: TensorView, axes: TensorView | None = None) -> TensorView:
        return data.reshape(output_shape(self, data, axes))

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        old.to_input("axes", 1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(6, dtype=np.float32).reshape(1, 3, 1, 2)
        yield Case(cls(), [x, i64([0])], [x[0]])
        yield Case(cls(), [x, i64([-2, 0])], [x[0, :, 0]])
        yield Case(cls(), [x], [x[0, :, 0]])
        yield Case(cls(), [x, i64(np.zeros(0))], [x])
        yield Case(cls(), [x, i64([1])], error="dim 1 cannot be squeezed")
        yield Case(cls(), [x, i64([4])], error="axes: 4 is out of range")
