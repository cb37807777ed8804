"""ScatterElements: single elements written, each at its own index along an axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType, TensorType
from likewise.ops.ai_onnx.gather import out_of_bounds
from likewise.ops.ai_onnx.gatherelements import check_covers
from likewise.ops.case import Case, boolean, f32, i8, i32, i64
from likewise.ops.checks import check_dtype, check_rank, check_same_dtype, normalize_axis, unify
from likewise.ops.indexing import index_at
from likewise.ops.operator import Operator
from likewise.ops.scattering import Reduction, check_reduction, scatter_flat, scatter_views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Index, Kernel, Lowering, TensorView


class ScatterElements(Operator, versions=(11, 13, 16, 18)):
    """A copy of `data` where updates[i…] is put at i… with `axis` replaced by indices[i…].

    `reduction` combines it with what is there. Of several updates of one place without a
    reduction, which ONNX forbids, the last stays.
    """

    axis: int = 0
    reduction: Reduction = "none"
    symbolic = True

    def infer(self, data: TensorType, indices: TensorType, updates: TensorType) -> TensorType:
        check_same_dtype(data=data, updates=updates)
        check_dtype(indices, {DType.INT32, DType.INT64}, "indices")
        check_reduction(data, self.reduction)
        check_rank(indices, data.rank, "indices")
        check_rank(updates, data.rank, "updates")
        check_covers(data, indices, normalize_axis(self.axis, data.rank))
        for a, b in zip(indices.shape, updates.shape, strict=True):
            unify(a, b, "the dims of indices and updates")
        return data.with_shape(data.shape)

    def evaluate(self, data: Array, indices: Array, updates: Array) -> Array:
        axis = self.axis % data.ndim
        size = data.shape[axis]
        if ((indices < -size) | (indices >= size)).any():
            raise out_of_bounds(indices, size)
        where: Array = np.where(indices < 0, indices + size, indices).astype(np.intp)
        where *= math.prod(data.shape[axis + 1 :])
        for i, grid in enumerate(np.ogrid[tuple(slice(n) for n in indices.shape)]):
            if i != axis:
                where += grid * math.prod(data.shape[i + 1 :])
        return scatter_flat(data, where, updates, self.reduction)

    def lower(
        self, lowering: Lowering, data: TensorView, indices: TensorView, updates: TensorView
    ) -> TensorView:
        axis = self.axis % data.rank
        indices = lowering.materialise(indices)

        def place(k: Kernel, index: Index) -> Index:
            at = index_at(k, indices, index, data.shape[axis])
            return (*index[:axis], at, *index[axis + 1 :])

        return scatter_views(lowering, data, updates, place, self.reduction)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        zero, x = np.zeros((3, 3), np.float32), f32([[1, 2, 3, 4, 5]])
        indices, updates = i64([[1, 0, 2], [0, 2, 1]]), f32([[1, 1.5, 2], [3, 4, 5]])
        put = f32([[3, 1.5, 0], [1, 0, 5], [0, 4, 2]])
        yield Case(cls(), [zero, indices, updates], [put])
        yield Case(cls(axis=-1), [x, i32([[1, -2]]), f32([[7, 8]])], [f32([[1, 7, 3, 8, 5]])])
        twice = i64([[1, 1, 1]]), f32([[3, 9, -4]])
        reduced: dict[Reduction, int] = {"add": 10, "mul": -216, "max": 9, "min": -4}
        for reduction, expected in reduced.items():
            y = f32([[1, expected, 3, 4, 5]])
            yield Case(cls(axis=1, reduction=reduction), [x, *twice], [y])
        wraps = [i8([100, 0]), i64([0, 0]), i8([100, 100])]
        yield Case(cls(reduction="add"), wraps, [i8([44, 0])])
        yield Case(cls(), [boolean([True]), i64([0]), boolean([False])], [boolean([False])])
        yield Case(cls(), [x, i64([[1]]), f32([[2]])], error="an index is out of range; given: 1")
        yield Case(cls(), [x, i64([[0]]), f32([[2, 3]])], error="dims of indices and updates")
