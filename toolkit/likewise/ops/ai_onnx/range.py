"""Range: numbers from a start, by a step, up to a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, Expression, TensorType, ceil_divide, fresh
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_same_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim

_TYPES = frozenset(
    {
        *(DType.FLOAT, DType.DOUBLE, DType.FLOAT16, DType.BFLOAT16),
        *(DType.INT16, DType.INT32, DType.INT64),
    }
)


class Range(Operator, versions=(11, 27)):
    """start + i * delta for i from 0, max(ceil((limit - start) / delta), 0) numbers."""

    def infer(self, start: TensorType, limit: TensorType, delta: TensorType) -> TensorType:
        check_dtype(start, _TYPES, "start")
        check_same_dtype(start=start, limit=limit, delta=delta)
        return TensorType(start.dtype, (self._length(start, limit, delta),))

    def _length(self, start: TensorType, limit: TensorType, delta: TensorType) -> Dim:
        values = [None if x.value is None else x.value.item() for x in (start, limit, delta)]
        first, last, step = values
        if first is None or last is None or step is None:
            return fresh("range")
        if not any(isinstance(value, Expression) for value in values):
            return _count(np.asarray(first), np.asarray(last), np.asarray(step))
        if isinstance(step, int) and step > 0:
            return ceil_divide(last - first, step)
        return fresh("range")

    def evaluate(self, start: Array, limit: Array, delta: Array) -> Array:
        start, limit, delta = (x.reshape(()) for x in (start, limit, delta))
        count = _count(start, limit, delta)
        if start.dtype.kind == "V":
            made = start.astype(np.float32) + np.arange(count) * delta.astype(np.float32)
            return made.astype(start.dtype)
        return start + np.arange(count).astype(start.dtype) * delta

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [i64(1), i64(8), i64(3)], [i64([1, 4, 7])])
        yield Case(cls(), [f32(5), f32(0), f32(-2)], [f32([5, 3, 1])])
        yield Case(cls(), [i64(3), i64(1), i64(1)], [i64([])])
        yield Case(cls(), [i64(3), i64(1), i64(0)], error="the step is 0")
        yield Case(cls(), [i64(3), f32(1), i64(1)], error="the element types differ")


def _count(start: Array, limit: Array, delta: Array) -> int:
    if delta == 0:
        raise InferenceError("the step is 0")
    if start.dtype.kind in "iu":
        return len(range(int(start), int(limit), int(delta)))
    span = limit.astype(np.float64) - start.astype(np.float64)
    return max(int(np.ceil(span / delta.astype(np.float64))), 0)
