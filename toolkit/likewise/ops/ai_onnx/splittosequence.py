"""SplitToSequence: a tensor cut along an axis into a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import LikewiseError, UnsupportedError
from likewise.ir import DType, SequenceType, TensorType, fresh
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_rank, normalize_axis
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim
    from likewise.lower import Lowering, TensorView


class SplitToSequence(Operator, versions=(11, 24)):
    """Pieces of one size (`split` 0-d, the last may be smaller) or of the sizes in `split`.

    Without `split` the pieces are slices of size 1, their axis dropped unless `keepdims`.
    """

    axis: int = 0
    keepdims: bool = True
    on_narrow = "take"

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
        sizes = _sizes(data.shape[self.axis], split)
        pieces = np.split(data, np.cumsum(sizes)[:-1], self.axis) if sizes else []
        if split is None and not self.keepdims:
            return [x.squeeze(self.axis) for x in pieces]
        return pieces

    def lower(
        self, lowering: Lowering, data: TensorView, split: TensorView | None = None
    ) -> list[TensorView]:
        if split is not None and split.data is None:
            raise UnsupportedError("the sizes of the pieces depend on data")
        axis, data = self.axis % data.rank, lowering.shared(data, 2)
        pieces, start = [], 0
        for size in _sizes(data.shape[axis], None if split is None else split.data):
            shape = [*data.shape[:axis], size, *data.shape[axis + 1 :]]
            starts = [start if at == axis else 0 for at in range(data.rank)]
            piece = data.slice(starts, [1] * data.rank, shape)
            dropped = split is None and not self.keepdims
            pieces.append(piece.reshape(shape[:axis] + shape[axis + 1 :]) if dropped else piece)
            start += size
        return pieces

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


def _sizes(length: int, split: Array | None) -> list[int]:
    """How long each piece of an axis of `length` is; raises for a `split` that does not fit."""
    if split is not None and split.ndim:
        if (split < 0).any() or split.sum() != length:
            raise LikewiseError(
                "split does not fit the axis",
                given=split.tolist(),
                allowed=f"sizes that sum to {length}",
            )
        return [int(size) for size in split]
    each = 1 if split is None else int(split)
    if each <= 0:
        raise LikewiseError("split is not positive", given=each)
    return [min(each, length - start) for start in range(0, length, each)]
