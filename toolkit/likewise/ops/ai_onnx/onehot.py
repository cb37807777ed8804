"""OneHot: a new dim that is on at one index and off elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType, fresh
from likewise.ops.case import Case, f32, i32, i64
from likewise.ops.checks import NUMBERS, check_dtype, check_rank, normalize_axis, unify
from likewise.ops.narrow import widened
from likewise.ops.operator import Operator, V
from likewise.ops.sizes import as_dim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim, TensorType
    from likewise.ops.build import Builder


class OneHot(Operator, versions=(9, 11, 28)):
    """`values` is [off, on]; the new dim of size `depth` becomes dim `axis` of the output.

    Negative indices count from the back; those outside [-depth, depth) leave everything off.
    Numbers that are no integers are truncated.
    """

    axis: int = -1

    def infer(self, indices: TensorType, depth: TensorType, values: TensorType) -> TensorType:
        check_dtype(indices, NUMBERS, "indices")
        check_dtype(depth, NUMBERS, "depth")
        check_rank(depth, (0, 1), "depth")
        check_rank(values, 1, "values")
        unify(values.shape[0], 2, "values, which are [off_value, on_value],")
        axis = normalize_axis(self.axis, indices.rank + 1)
        size: Dim = fresh("depth")
        if depth.value is not None:
            size = as_dim(widened(depth.value).reshape(-1)[0])
        if isinstance(size, int) and size < 0:
            raise InferenceError("depth is negative", given=size)
        return values.with_shape((*indices.shape[:axis], size, *indices.shape[axis:]))

    def evaluate(self, indices: Array, depth: Array, values: Array) -> Array:
        axis = self.axis % (indices.ndim + 1)
        size = int(depth.item())
        if size < 0:
            raise LikewiseError("depth is negative", given=size)
        where = indices.astype(np.int64, copy=False)
        where = np.expand_dims(np.where(where < 0, where + size, where), axis)
        classes = np.arange(size).reshape(-1, *[1] * (indices.ndim - axis))
        return np.where(where == classes, values[1], values[0]).astype(values.dtype, copy=False)

    def expand(self, b: Builder[V], indices: V, depth: V, values: V) -> V:
        rank = b.type(indices).rank
        axis = self.axis % (rank + 1)
        zero, one = b.constant(0, DType.INT64), b.constant(1, DType.INT64)
        size = b.Reshape(b.Cast(depth, to=DType.INT64.value), b.ints())
        where = b.Cast(indices, to=DType.INT64.value)
        where = b.Unsqueeze(b.Where(b.Less(where, 0), b.Add(where, size), where), b.ints(axis))
        classes = b.Reshape(b.Range(zero, size, one), b.ints(-1, *[1] * (rank - axis)))
        made: V = b.Where(b.Equal(where, classes), b.Gather(values, one), b.Gather(values, zero))
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        onoff = f32([2, 5])
        indices = i64([0, -1, 3, -4])
        y = f32([[5, 2, 2], [2, 2, 5], [2, 2, 2], [2, 2, 2]])
        yield Case(cls(), [indices, i64(3), onoff], [y])
        yield Case(cls(axis=0), [indices, i64([3]), onoff], [y.T.copy()])
        yield Case(cls(axis=-2), [f32(1.9), f32(2), i32([0, 1])], [], error="axis -2 is out of")
        yield Case(cls(), [f32(1.9), f32(2.5), i32([0, 1])], [i32([0, 1])])
        yield Case(cls(), [i64([[1]]), i64(0), onoff], [np.zeros((1, 1, 0), np.float32)])
        yield Case(cls(), [indices, i64(3), f32([1])], error="values, which are")
        yield Case(cls(), [indices, i64(-1), onoff], error="depth is negative")
