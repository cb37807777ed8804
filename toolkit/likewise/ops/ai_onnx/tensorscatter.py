"""TensorScatter: an update written into a cache, each sample at its own place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_rank, check_same_dtype, normalize_axis, unify
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.ops.build import Builder


class TensorScatter(Operator, versions=(24,)):
    """`past_cache` with `update` put along `axis`, in sample n from write_indices[n] (0) on.

    Beyond the end, "circular" goes on at the beginning, and "linear" is an error.
    """

    axis: int = -2
    mode: Literal["linear", "circular"] = "linear"
    on_narrow = "take"

    def infer(
        self, past_cache: TensorType, update: TensorType, write_indices: TensorType | None = None
    ) -> TensorType:
        check_same_dtype(past_cache=past_cache, update=update)
        check_rank(update, past_cache.rank, "update")
        axis = normalize_axis(self.axis, past_cache.rank)
        if axis == 0:
            raise InferenceError("axis is the batch", given=self.axis, allowed="any other axis")
        for i, (a, b) in enumerate(zip(past_cache.shape, update.shape, strict=True)):
            if i != axis:
                unify(a, b, f"dims {i} of past_cache and update")
            elif isinstance(a, int) and isinstance(b, int) and b > a:
                raise InferenceError("update is longer than the cache", given=f"{b} and {a}")
        if write_indices is not None:
            check_dtype(write_indices, {DType.INT64}, "write_indices")
            check_rank(write_indices, 1, "write_indices")
            unify(write_indices.shape[0], past_cache.shape[0], "the batch sizes")
        return past_cache.with_shape(past_cache.shape)

    def evaluate(self, past: Array, update: Array, write_indices: Array | None = None) -> Array:
        size, length = past.shape[self.axis], update.shape[self.axis]
        first = np.zeros(past.shape[0], np.int64) if write_indices is None else write_indices
        where = first[:, None] + np.arange(length)
        if self.mode == "circular":
            where %= max(size, 1)
        elif where.size and (where.min() < 0 or where.max() >= size):
            raise LikewiseError(
                "the update does not fit into the cache",
                given=f"write_indices {first.tolist()} and {length} elements",
                allowed=f"0 to {size - length}, or mode 'circular'",
            )
        present = past.copy()
        samples = np.arange(past.shape[0])[:, None]
        np.moveaxis(present, self.axis, 1)[samples, where] = np.moveaxis(update, self.axis, 1)
        return present

    def expand(self, b: Builder[V], past: V, update: V, write_indices: V | None = None) -> V:
        axis = normalize_axis(self.axis, b.type(past).rank)
        zero, one = b.constant(0, DType.INT64), b.constant(1, DType.INT64)
        length = b.Squeeze(b.Shape(update, start=axis, end=axis + 1), b.ints(0))
        rank = b.type(past).rank
        where = b.Unsqueeze(
            b.Range(zero, length, one), b.ints(*(i for i in range(rank) if i != axis))
        )
        if write_indices is not None:
            where = b.Add(where, b.Unsqueeze(write_indices, b.ints(*range(1, rank))))
        if self.mode == "circular":
            where = b.Mod(where, b.Shape(past, start=axis, end=axis + 1))
        where = b.Expand(where, b.Shape(update))
        made: V = b.ScatterElements(past, where, update, axis=axis)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        past = np.zeros((2, 3, 2), np.float32)
        update = f32([[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
        first = f32([[[1, 2], [3, 4], [0, 0]], [[0, 0], [5, 6], [7, 8]]])
        yield Case(cls(), [past, update, i64([0, 1])], [first])
        around = f32([[[3, 4], [0, 0], [1, 2]], [[0, 0], [5, 6], [7, 8]]])
        yield Case(cls(mode="circular"), [past, update, i64([2, 4])], [around])
        yield Case(
            cls(axis=2),
            [past[:, :2, :], update[:, :, :1]],
            [f32([[[1, 0], [3, 0]], [[5, 0], [7, 0]]])],
        )
        yield Case(cls(), [past, update, i64([0, 2])], error="does not fit into the cache")
        yield Case(cls(axis=0), [past, update], error="axis is the batch")
