"""GatherElements: single elements, each by its own index along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.ai_onnx.gather import out_of_bounds
from likewise.ops.case import Case, f32, i32, i64
from likewise.ops.checks import check_dtype, check_rank, normalize_axis
from likewise.ops.indexing import index_at
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Index, Kernel, Lowering, TensorView


class GatherElements(Operator, versions=(11, 13)):
    """output[i…] is data[i…] with the coordinate of `axis` replaced by indices[i…].

    `indices` has the rank of `data`; in the other dims it may be smaller.
    """

    axis: int = 0
    symbolic = True
    on_narrow = "take"

    def infer(self, data: TensorType, indices: TensorType) -> TensorType:
        check_dtype(indices, {DType.INT32, DType.INT64}, "indices")
        check_rank(indices, data.rank, "indices")
        check_covers(data, indices, normalize_axis(self.axis, data.rank))
        return data.with_shape(indices.shape)

    def evaluate(self, data: Array, indices: Array) -> Array:
        axis = self.axis % data.ndim
        covered = data[tuple(slice(None if i == axis else n) for i, n in enumerate(indices.shape))]
        try:
            return np.take_along_axis(covered, indices, axis)
        except IndexError:
            raise out_of_bounds(indices, data.shape[axis]) from None

    def lower(self, lowering: Lowering, data: TensorView, indices: TensorView) -> TensorView:
        axis = self.axis % data.rank
        data, indices = lowering.shared(data, 2), lowering.materialise(indices)

        def back(k: Kernel, index: Index) -> Index:
            at = index_at(k, indices, index, data.shape[axis])
            return (*index[:axis], at, *index[axis + 1 :])

        return data.viewed(indices.shape, back)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
        yield Case(cls(axis=1), [x, i64([[0, 0], [-1, 1]])], [f32([[1, 1], [6, 5]])])
        yield Case(cls(), [x, i32([[1, 2, 0], [2, 0, 0]])], [f32([[4, 8, 3], [7, 2, 3]])])
        yield Case(cls(), [x, np.zeros((0, 2), np.int64)], [np.zeros((0, 2), np.float32)])
        yield Case(cls(), [x, i64([[3]])], error="an index is out of range; given: 3")
        yield Case(cls(), [x, i64([0])], error="indices has 1 dims")
        yield Case(cls(), [x, i64([[0, 0, 0, 0]])], error="indices reaches beyond data in dim 1")


def check_covers(data: TensorType, indices: TensorType, axis: int) -> None:
    """Refuse `indices` larger than `data` in a dim other than `axis`."""
    for i, (limit, size) in enumerate(zip(data.shape, indices.shape, strict=True)):
        if i != axis and isinstance(limit, int) and isinstance(size, int) and size > limit:
            raise InferenceError(
                f"indices reaches beyond data in dim {i}", given=size, allowed=f"{limit} or less"
            )
