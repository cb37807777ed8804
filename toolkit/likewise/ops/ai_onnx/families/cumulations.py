"""CumSum and CumProd: sums and products of everything up to each element along an axis."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from likewise.errors import InferenceError, UnsupportedError
from likewise.ir import DType
from likewise.ops.case import Case, f16, f32, i32, i64
from likewise.ops.checks import FLOATS, check_dtype, check_rank, normalize_axis
from likewise.ops.convolution import working_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop.values import Value
    from likewise.lower import Lowering, TensorView

_TYPES: Final = FLOATS | {DType.INT32, DType.INT64, DType.UINT32, DType.UINT64}


class Cumulation(Operator):
    """Base of the two: along `axis`, from its end with `reverse`, `exclusive` of the element.

    float16 and bfloat16 are computed in float32 and rounded once; integers wrap.
    """

    exclusive: bool = False
    reverse: bool = False

    combine: ClassVar[np.ufunc]

    def infer(self, x: TensorType, axis: TensorType) -> TensorType:
        check_dtype(x, _TYPES, "x")
        check_dtype(axis, {DType.INT32, DType.INT64}, "axis")
        check_rank(axis, (0, 1), "axis")
        if axis.constant is not None:
            if axis.constant.size != 1:
                raise InferenceError("axis is not one number", given=axis)
            normalize_axis(axis.constant.item(), x.rank)
        return x.with_shape(x.shape)

    def evaluate(self, x: Array, axis: Array) -> Array:
        along = normalize_axis(int(axis.item()), x.ndim)
        work = x.dtype if x.dtype.kind in "iu" else working_dtype(x.dtype)
        given = np.flip(x, along) if self.reverse else x
        if not self.exclusive:
            made: Array = self.combine.accumulate(given, along, work)
        else:
            made = np.full(x.shape, self.combine.identity, work)
            ahead: tuple[Any, ...] = (slice(None),) * along
            upto, behind = (*ahead, slice(-1)), (*ahead, slice(1, None))
            self.combine.accumulate(given[upto], along, work, out=made[behind])
        made = np.flip(made, along) if self.reverse else made
        return made.astype(x.dtype, copy=False)

    def lower(self, lowering: Lowering, x: TensorView, axis: TensorView) -> TensorView:
        if axis.data is None:
            raise UnsupportedError("axis is not known at compile time")
        along = normalize_axis(int(axis.data.item()), x.rank)
        made = lowering.empty(x.dtype, x.shape)
        length = x.shape[along]
        if x.size == 0:
            return made
        with lowering.kernel(self.name.lower()) as k, ExitStack() as loops:
            index = [
                k.index(0) if at == along else loops.enter_context(k.loop(size))
                for at, size in enumerate(x.shape)
            ]
            total = k.var(self.combine.identity, x.storage.value)
            with k.loop(length) as step:
                index[along] = length - 1 - step if self.reverse else step
                buffer, position = made.address(k, tuple(index))
                before = total.get()
                after = self.scalar(before, x.read(k, tuple(index)))
                total.set(after)
                k.write(buffer, position, before if self.exclusive else after)
        return made

    @staticmethod
    def scalar(total: Value, element: Value) -> Value:
        """The total with one element more."""
        raise NotImplementedError


class CumSum(Cumulation, versions=(11, 14)):
    """The sum up to each element."""

    combine = np.add

    @staticmethod
    def scalar(total: Value, element: Value) -> Value:
        return total + element

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x, zero = f32([[1, 2, 3], [4, 5, 6]]), i64(0)
        yield Case(cls(), [x, zero], [f32([[1, 2, 3], [5, 7, 9]])])
        yield Case(cls(exclusive=True), [x, i32([-1])], [f32([[0, 1, 3], [0, 4, 9]])])
        yield Case(cls(reverse=True), [x, i64(1)], [f32([[6, 5, 3], [15, 11, 6]])])
        both = cls(reverse=True, exclusive=True)
        yield Case(both, [x, i64(1)], [f32([[5, 3, 0], [11, 6, 0]])])
        yield Case(both, [x[:, :0], i64(1)], [x[:, :0]])
        yield Case(cls(), [i32([2**31 - 1, 1]), zero], [i32([2**31 - 1, -(2**31)])])
        yield Case(cls(), [f16([2048, 1, 1]), zero], [f16([2048, 2048, 2050])])
        yield Case(cls(), [x, i64(2)], error="axis 2 is out of range")


class CumProd(Cumulation, versions=(26,)):
    """The product up to each element."""

    combine = np.multiply

    @staticmethod
    def scalar(total: Value, element: Value) -> Value:
        return total * element

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x, zero = f32([1, 2, 3]), i64(0)
        yield Case(cls(), [x, zero], [f32([1, 2, 6])])
        yield Case(cls(exclusive=True), [x, zero], [f32([1, 1, 2])])
        yield Case(cls(reverse=True, exclusive=True), [x, zero], [f32([6, 3, 1])])
