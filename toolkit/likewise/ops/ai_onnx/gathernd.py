"""GatherND: slices of a tensor by tuples of indices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, i32, i64
from likewise.ops.checks import check_dtype, unify
from likewise.ops.indexing import index_at
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Index, Kernel, Lowering, TensorView


class GatherND(Operator, versions=(11, 12, 13)):
    """The last dim of `indices` is a tuple into the dims of `data` behind the `batch_dims`."""

    batch_dims: int = 0
    symbolic = True
    on_narrow = "take"

    def infer(self, data: TensorType, indices: TensorType) -> TensorType:
        check_dtype(indices, {DType.INT64}, "indices")
        batch, least = self.batch_dims, min(data.rank, indices.rank)
        if not 0 <= batch < least:
            raise InferenceError(
                "batch_dims is out of range", given=batch, allowed=f"0 to {least - 1}"
            )
        for axis, (a, b) in enumerate(zip(data.shape[:batch], indices.shape, strict=False)):
            unify(a, b, f"dims {axis}, which batch_dims takes in,")
        depth = indices.shape[-1]
        if not isinstance(depth, int):
            return TensorType(data.dtype, None)
        check_depth(depth, data.rank - batch)
        return data.with_shape(indices.shape[:-1] + data.shape[batch + depth :])

    def evaluate(self, data: Array, indices: Array) -> Array:
        depth = indices.shape[-1]
        grid = np.ogrid[tuple(slice(n) for n in indices.shape[:-1])]
        where = (*grid[: self.batch_dims], *np.moveaxis(indices, -1, 0))
        try:
            return np.asarray(data[where], data.dtype)
        except IndexError:
            raise outside(indices, data.shape[self.batch_dims :][:depth]) from None

    def lower(self, lowering: Lowering, data: TensorView, indices: TensorView) -> TensorView:
        data, indices = lowering.shared(data, 2), lowering.materialise(indices)
        batch, outer, depth = self.batch_dims, indices.rank - 1, indices.shape[-1]

        def back(k: Kernel, index: Index) -> Index:
            place = [
                index_at(k, indices, (*index[:outer], k.index(i)), data.shape[batch + i])
                for i in range(depth)
            ]
            return (*index[:batch], *place, *index[outer:])

        return data.viewed((*indices.shape[:-1], *data.shape[batch + depth :]), back)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = i32([[[0, 1], [2, 3]], [[4, 5], [6, 7]]])
        yield Case(cls(), [x, i64([[0, 1, 1], [-1, 0, -2]])], [i32([3, 4])])
        yield Case(cls(), [x, i64([[[0, 1]], [[1, 0]]])], [i32([[[2, 3]], [[4, 5]]])])
        yield Case(cls(batch_dims=1), [x, i64([[1], [0]])], [i32([[2, 3], [4, 5]])])
        yield Case(cls(), [x, i64([1, 1, 1])], [i32(7)])
        yield Case(cls(), [x, np.zeros((0, 2), np.int64)], [np.zeros((0, 2), np.int32)])
        yield Case(cls(), [x, i64([[2]])], error="an index is out of range; given: [2]")
        yield Case(
            cls(), [x, i64([[0, 0, 0, 0]])], error="indices are tuples of 4; allowed: 1 to 3"
        )
        yield Case(cls(batch_dims=2), [x, i64([[0], [0]])], error="batch_dims is out of range")


def check_depth(depth: int, rank: int, least: int = 1) -> None:
    """Refuse index tuples of `depth` into `rank` dims."""
    if not least <= depth <= rank:
        raise InferenceError(f"indices are tuples of {depth}", allowed=f"{least} to {rank}")


def outside(indices: Array, shape: tuple[int, ...]) -> LikewiseError:
    """The error that says which tuple of `indices` lies outside `shape`."""
    sizes = np.array(shape)
    bad = indices[((indices < -sizes) | (indices >= sizes)).any(-1)]
    return LikewiseError(
        "an index is out of range",
        given=bad[0].tolist() if bad.size else None,
        allowed=f"indices into the dims {list(shape)}",
    )
