"""SplitToSequence: a tensor cut along an axis into a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import LikewiseError
from likewise.ir import DType, SequenceType, TensorType, fresh
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_rank, normalize_axis
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim


class SplitToSequence(Operator, versions=(11, 24)):
    """Pieces of one size (`split` 0-d, the last may be smaller) or of the sizes in `split`.

    Without `split` the pieces are slices of size 1, their axis dropped unless `keepdims`.
    """

    axis: int = 0
    keepdims: bool = True

    def infer(self, data: TensorType, split: TensorType | None = None) -> SequenceType:
        axis = normalize_axis(self.axis, data.rank)
        dims = list(data.shape)
        if split is None:
            dims[axis : axis + 1] = [1] if self.keepdims else []
            return SequenceType(data.with_shape(dims))
        check_dtype(split, {DType.INT32, DType.INT64}, "split")
        check_rank(split, {0, 1}, "split")
        dims[axis] = self._size(split, dims[axis])
        return SequenceType(data.with_shape(dims))

    @staticmethod
    def _size(split: TensorType, dim: Dim) -> Dim:
        """The size of every piece, where they all have one."""
        sizes = None if split.constant is None else {int(size) for size in split.constant.flat}
        if sizes is not None and len(sizes) == 1:
            (size,) = sizes
            if split.rank == 1 or (isinstance(dim, int) and size > 0 and dim % size == 0):
                return size
        return fresh("each")

    def evaluate(self, data: Array, split: Array | None = None) -> list[Array]:
        length = data.shape[self.axis]
        if split is None:
            pieces = [np.take(data, index, self.axis) for index in range(length)]
            return [np.expand_dims(x, self.axis) for x in pieces] if self.keepdims else pieces
        if split.ndim == 0:
            if split <= 0:
                raise LikewiseError("split is not positive", given=int(split))
            cuts = np.arange(int(split), length, int(split))
        else:
            if (split < 0).any() or split.sum() != length:
                raise LikewiseError(
                    "split does not fit the axis",
                    given=split.tolist(),
                    allowed=f"sizes that sum to {length}",
                )
            cuts = np.cumsum(split)[:-1]
        return np.split(data, cuts, self.axis) if length or split.ndim else []

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2, 3], [4, 5, 6]])
        yield Case(cls(axis=-1), [x, i64(2)], [[x[:, :2], x[:, 2:]]])
        yield Case(cls(), [x, i64([0, 2])], [[x[:0], x]])
        yield Case(cls(axis=1), [x], [[x[:, :1], x[:, 1:2], x[:, 2:]]])
        yield Case(cls(axis=1, keepdims=False), [x], [[x[:, 0], x[:, 1], x[:, 2]]])
        yield Case(cls(keepdims=False), [x, i64(1)], [[x[:1], x[1:]]])
        yield Case(cls(), [x[:0], i64(2)], [[]])
        yield Case(cls(), [x, i64([1, 2])], error="split does not fit the axis; given: [1, 2]")
        yield Case(cls(), [x, i64(0)], error="split is not positive")
        yield Case(cls(axis=2), [x], error="axis 2 is out of range")
