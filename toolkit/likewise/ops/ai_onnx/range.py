"""Range: numbers at equal distances."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError, LikewiseError, UnsupportedError
from likewise.ir import DType, ceil_divide, fresh
from likewise.ops.case import Case, f16, f32, i32, i64
from likewise.ops.checks import FLOATS, check_dtype, check_rank, check_same_dtype
from likewise.ops.narrow import wide_dtype, widened
from likewise.ops.operator import Operator
from likewise.ops.sizes import known_dims, positive_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim, TensorType
    from likewise.lower import TensorView

_TYPES = FLOATS | {DType.INT16, DType.INT32, DType.INT64}


class Range(Operator, versions=(11, 27)):
    """start, start + delta, … up to `limit`, which is not among them.

    Element i is start + i * delta. float16 and bfloat16 are computed as `stash_type`.
    """

    stash_type: DType = DType.FLOAT

    def infer(self, start: TensorType, limit: TensorType, delta: TensorType) -> TensorType:
        for name, x in {"start": start, "limit": limit, "delta": delta}.items():
            check_dtype(x, _TYPES, name)
            check_rank(x, (0, 1), name)
        check_same_dtype(start=start, limit=limit, delta=delta)
        if start.constant is not None and limit.constant is not None and delta.constant is not None:
            return start.with_shape((self._count(start.constant, limit.constant, delta.constant),))
        return start.with_shape((_symbolic_count(start, limit, delta),))

    def _count(self, start: Array, limit: Array, delta: Array) -> int:
        if any(x.size != 1 for x in (start, limit, delta)):
            raise InferenceError("start, limit and delta are not single numbers")
        first, end, step = (widened(x).item() for x in (start, limit, delta))
        if step == 0:
            raise InferenceError("delta is 0", allowed="any other number")
        if start.dtype.kind == "i":
            return max(0, -((first - end) // step))
        count = (float(end) - float(first)) / float(step)
        if not math.isfinite(count):
            raise LikewiseError("the range has no end", given=f"{first} to {end} by {step}")
        return max(0, math.ceil(count))

    def evaluate(self, start: Array, limit: Array, delta: Array) -> Array:
        count = self._count(start, limit, delta)
        small = start.dtype.kind != "i" and start.dtype.itemsize < 4
        work = wide_dtype(self.stash_type) if small else start.dtype
        values = np.arange(count).astype(work, copy=False)
        values = values * delta.reshape(()).astype(work) + start.reshape(()).astype(work)
        return values.astype(start.dtype, copy=False)

    def lower(self, *_: object) -> TensorView:
        raise UnsupportedError("the length of the range depends on data")

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [i64(3), i64(9), i64(3)], [i64([3, 6])])
        yield Case(cls(), [i32(10), i32(4), i32(-2)], [i32([10, 8, 6])])
        yield Case(cls(), [f32(1), f32(2.1), f32(0.5)], [f32([1, 1.5, 2])])
        yield Case(cls(), [i64(3), i64(3), i64(1)], [np.zeros(0, np.int64)])
        yield Case(cls(), [i64(3), i64(9), i64(-1)], [np.zeros(0, np.int64)])
        halves = np.arange(2048, 2052, dtype=np.float32).astype(np.float16)
        yield Case(cls(), [f16(2048), f16(2052), f16(1)], [halves])
        yield Case(cls(), [i64(0), i64(9), i64(0)], error="delta is 0")
        yield Case(cls(), [f32(0), f32(np.inf), f32(1)], error="the range has no end")
        yield Case(cls(), [i64(0), i32(1), i64(1)], error="types differ")


def _symbolic_count(start: TensorType, limit: TensorType, delta: TensorType) -> Dim:
    first, end, step = known_dims(start), known_dims(limit), known_dims(delta)
    if not first or not end or not step or start.dtype in FLOATS:
        return fresh("range")
    by = step[0]
    if not isinstance(by, int):
        return fresh("range")
    if by == 0:
        raise InferenceError("delta is 0", allowed="any other number")
    span = end[0] - first[0] if by > 0 else first[0] - end[0]
    return ceil_divide(positive_part(span), abs(by))
