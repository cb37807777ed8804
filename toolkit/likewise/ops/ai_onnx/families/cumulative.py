"""CumSum and CumProd: running sums and products along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from likewise.ir import DType
from likewise.ops.case import Case, f32, i32, i64
from likewise.ops.checks import FLOATS, check_dtype, normalize_axis
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType

_TYPES = FLOATS | {DType.INT32, DType.INT64, DType.UINT32, DType.UINT64}


class _Cumulative(Operator):
    """Base: `exclusive` leaves each element out of its own result, `reverse` goes backwards."""

    exclusive: bool = False
    reverse: bool = False
    compute: ClassVar[np.ufunc]

    def infer(self, x: TensorType, axis: TensorType) -> TensorType:
        check_dtype(x, _TYPES, "x")
        check_dtype(axis, {DType.INT32, DType.INT64}, "axis")
        if axis.constant is not None:
            normalize_axis(int(axis.constant.item()), x.rank)
        return x.with_shape(x.shape)

    def evaluate(self, x: Array, axis: Array) -> Array:
        at = int(axis.item())
        source = np.flip(x, at) if self.reverse else x
        wide = source.astype(np.float32) if x.dtype.itemsize == 2 else source
        made = self.compute.accumulate(wide, at, dtype=wide.dtype)
        if self.exclusive:
            made = np.roll(made, 1, at)
            first = [slice(None)] * x.ndim
            first[at] = slice(0, 1)
            made[tuple(first)] = self.compute.identity
        made = np.flip(made, at) if self.reverse else made
        return made.astype(x.dtype, copy=False)


class CumSum(_Cumulative, versions=(11, 14)):
    """The sum of the elements up to each."""

    compute = np.add

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2, 3], [4, 5, 6]])
        yield Case(cls(), [x, i64(0)], [f32([[1, 2, 3], [5, 7, 9]])])
        yield Case(cls(exclusive=True), [x, i32(-1)], [f32([[0, 1, 3], [0, 4, 9]])])
        yield Case(cls(reverse=True), [x, i64([1])], [f32([[6, 5, 3], [15, 11, 6]])])
        both = cls(reverse=True, exclusive=True)
        yield Case(both, [x, i64(1)], [f32([[5, 3, 0], [11, 6, 0]])])
        yield Case(cls(), [x, i64(2)], error="axis 2 is out of range")


class CumProd(_Cumulative, versions=(26,)):
    """The product of the elements up to each."""

    compute = np.multiply

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = i64([1, 2, 3])
        yield Case(cls(), [x, i64(0)], [i64([1, 2, 6])])
        yield Case(cls(exclusive=True), [x, i64(0)], [i64([1, 1, 2])])
        yield Case(cls(exclusive=True, reverse=True), [x, i64(0)], [i64([6, 3, 1])])
