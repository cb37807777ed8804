"""Gather, GatherElements, GatherND: elements and slices picked by index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.ai_onnx.families.scatter import _counted
from likewise.ops.case import Case, f32, i32, i64
from likewise.ops.checks import check_dtype, check_rank, normalize_axis
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array

_INDICES = frozenset({DType.INT32, DType.INT64})


class Gather(Operator, versions=(1, 11, 13)):
    """The slices of `data` at `indices` along `axis`; negative ones count from the end."""

    axis: int = 0
    symbolic = True

    def infer(self, data: TensorType, indices: TensorType) -> TensorType:
        check_dtype(indices, _INDICES, "indices")
        axis = normalize_axis(self.axis, data.rank)
        return data.with_shape((*data.shape[:axis], *indices.shape, *data.shape[axis + 1 :]))

    def evaluate(self, data: Array, indices: Array) -> Array:
        size = data.shape[self.axis]
        return np.asarray(data.take(_counted(indices, size), self.axis))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2], [3, 4], [5, 6]])
        yield Case(cls(), [x, i64([[0, -1]])], [x[[[0, 2]]]])
        yield Case(cls(axis=1), [x, i32(1)], [x[:, 1]])
        yield Case(cls(), [x, i64([])], [x[:0]])
        yield Case(cls(), [x, i64([3])], error="index 3 is out of range; allowed: -3 to 2")
        yield Case(cls(axis=2), [x, i64([0])], error="axis 2 is out of range")


class GatherElements(Operator, versions=(11, 13)):
    """`output[i, j] = data[indices[i, j], j]`, for `axis` 0; the shape is that of indices."""

    axis: int = 0

    def infer(self, data: TensorType, indices: TensorType) -> TensorType:
        check_dtype(indices, _INDICES, "indices")
        check_rank(indices, data.rank, "indices")
        normalize_axis(self.axis, data.rank)
        return data.with_shape(indices.shape)

    def evaluate(self, data: Array, indices: Array) -> Array:
        axis = normalize_axis(self.axis, data.ndim)
        part = [slice(size) for size in indices.shape]
        part[axis] = slice(None)
        counted = _counted(indices, data.shape[axis])
        return np.take_along_axis(data[tuple(part)], counted, axis)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2], [3, 4], [5, 6]])
        yield Case(cls(), [x, i64([[2, -3]])], [f32([[5, 2]])])
        yield Case(cls(axis=1), [x, i64([[1], [0]])], [f32([[2], [3]])])
        yield Case(cls(), [x, i64([[3, 0]])], error="index 3 is out of range")
        yield Case(cls(), [x, i64([0])], error="indices has 1 dims")


class GatherND(Operator, versions=(11, 12, 13)):
    """`output[i] = data[indices[i]]`, an index naming an element or a slice.

    The first `batch_dims` axes are the same in both and are not indexed.
    """

    batch_dims: int = 0

    def infer(self, data: TensorType, indices: TensorType) -> TensorType:
        check_dtype(indices, {DType.INT64}, "indices")
        batch = self.batch_dims
        if not 0 <= batch < min(data.rank, indices.rank):
            raise InferenceError("batch_dims is out of range", given=batch)
        depth = indices.shape[-1]
        if not isinstance(depth, int):
            return TensorType(data.dtype, None)
        if batch + depth > data.rank:
            raise InferenceError(
                "an index names more axes than there are", given=depth, allowed=data.rank - batch
            )
        return data.with_shape((*indices.shape[:-1], *data.shape[batch + depth :]))

    def evaluate(self, data: Array, indices: Array) -> Array:
        batch = self.batch_dims
        columns = np.moveaxis(indices, -1, 0)
        sizes = data.shape[batch : batch + len(columns)]
        places = [_counted(one, size) for one, size in zip(columns, sizes, strict=True)]
        lead = np.ogrid[tuple(map(slice, indices.shape[:batch]))]
        rest = indices.ndim - 1 - batch
        spread = [one.reshape(one.shape + (1,) * rest) for one in lead]
        made = data[(*spread, *places)]
        # An index of no axes names all of the data for each of its places.
        whole = (*indices.shape[:-1], *data.shape[batch + len(columns) :])
        return np.broadcast_to(made, whole)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
        yield Case(cls(), [x, i64([[0, 1], [-1, 0]])], [x[[0, 1], [1, 0]]])
        yield Case(cls(batch_dims=1), [x, i64([[1], [0]])], [x[[0, 1], [1, 0]]])
        yield Case(cls(), [x, i64([[0, 0, 1]])], [f32([1])])
        yield Case(cls(), [x, i64([[2]])], error="index 2 is out of range")
        yield Case(cls(), [x, i64([[0, 0, 0, 0]])], error="more axes than there are")
