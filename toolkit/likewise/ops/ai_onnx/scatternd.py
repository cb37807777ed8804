"""ScatterND: slices written at places that tuples of indices name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.ai_onnx.gathernd import check_depth, outside
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_same_dtype, unify
from likewise.ops.indexing import index_at
from likewise.ops.operator import Operator
from likewise.ops.scattering import Reduction, check_reduction, scatter_flat, scatter_views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Index, Kernel, Lowering, TensorView


class ScatterND(Operator, versions=(11, 13, 16, 18)):
    """A copy of `data` with a slice of `updates` at each tuple in the last dim of `indices`.

    `reduction` combines it with what is there. Of several updates of one place without a
    reduction, which ONNX forbids, the last stays.
    """

    reduction: Reduction = "none"
    symbolic = True

    def infer(self, data: TensorType, indices: TensorType, updates: TensorType) -> TensorType:
        check_same_dtype(data=data, updates=updates)
        check_dtype(indices, {DType.INT64}, "indices")
        check_reduction(data, self.reduction)
        if indices.rank == 0:
            raise InferenceError("indices has no dims", allowed="1 dim or more")
        depth = indices.shape[-1]
        if isinstance(depth, int):
            check_depth(depth, data.rank, least=0)
            wanted = indices.shape[:-1] + data.shape[depth:]
            if len(wanted) != updates.rank:
                raise InferenceError(
                    "updates has a wrong rank", given=updates, allowed=f"{len(wanted)} dims"
                )
            for a, b in zip(wanted, updates.shape, strict=True):
                unify(a, b, "the dims of updates and those that indices name")
        return data.with_shape(data.shape)

    def evaluate(self, data: Array, indices: Array, updates: Array) -> Array:
        depth = indices.shape[-1]
        shape = data.shape[:depth]
        sizes = np.array(shape, np.int64)
        if ((indices < -sizes) | (indices >= sizes)).any():
            raise outside(indices, shape)
        run = math.prod(data.shape[depth:])
        steps = [math.prod(data.shape[axis + 1 :]) for axis in range(depth)]
        starts = np.where(indices < 0, indices + sizes, indices) @ np.array(steps, np.int64)
        where = starts.reshape(-1, 1) + np.arange(run)
        return scatter_flat(data, where, updates, self.reduction)

    def lower(
        self, lowering: Lowering, data: TensorView, indices: TensorView, updates: TensorView
    ) -> TensorView:
        indices = lowering.materialise(indices)
        outer, depth = indices.rank - 1, indices.shape[-1]

        def place(k: Kernel, index: Index) -> Index:
            starts = [
                index_at(k, indices, (*index[:outer], k.index(i)), data.shape[i])
                for i in range(depth)
            ]
            return (*starts, *index[outer:])

        return scatter_views(lowering, data, updates, place, self.reduction)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x, indices = f32([1, 2, 3, 4, 5]), i64([[4], [1], [-2], [1]])
        yield Case(cls(), [x, indices[:3], f32([9, 8, 7])], [f32([1, 8, 3, 7, 9])])
        updates = f32([9, 8, 7, 6])
        reduced: dict[Reduction, list[int]] = {
            "add": [1, 16, 3, 11, 14],
            "mul": [1, 96, 3, 28, 45],
            "max": [1, 8, 3, 7, 9],
            "min": [1, 2, 3, 4, 5],
        }
        for reduction, changed in reduced.items():
            yield Case(cls(reduction=reduction), [x, indices, updates], [f32(changed)])
        square = f32([[1, 2], [3, 4]])
        yield Case(cls(), [square, i64([[1]]), f32([[5, 6]])], [f32([[1, 2], [5, 6]])])
        yield Case(cls(), [square, i64([0, 1]), f32(7)], [f32([[1, 7], [3, 4]])])
        yield Case(cls(), [square, np.zeros((0, 1), np.int64), square[:0]], [square])
        # Tuples of no indices name all of the data.
        whole = np.zeros((1, 0), np.int64)
        yield Case(cls(reduction="add"), [square, whole, square[None]], [square * 2])
        yield Case(cls(), [square, i64([[2]]), square[:1]], error="an index is out of range")
        yield Case(cls(), [square, i64([[0]]), f32([1])], error="updates has a wrong rank")
        yield Case(cls(), [square, i64([[0]]), f32([[1]])], error="dims of updates and those")
