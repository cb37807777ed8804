"""ArgMax and ArgMin: where the largest and the smallest element along an axis stand."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.loop import I64
from likewise.ops.case import Case, f32, i64, u8
from likewise.ops.checks import NUMBERS, check_dtype, normalize_axis
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop import Value
    from likewise.lower import Lowering, TensorView


class ArgReduction(Operator):
    """Base of the two. Of equal elements the first counts, or the last: `select_last_index`.

    NaN beats every number, as NumPy has it.
    """

    axis: int = 0
    keepdims: bool = True
    select_last_index: bool = False

    def infer(self, data: TensorType) -> TensorType:
        check_dtype(data, NUMBERS, "data")
        axis = normalize_axis(self.axis, data.rank)
        if data.is_static:
            _check_wanted(data.shape, axis)
        return data.with_dtype(DType.INT64).with_shape(self._dims(data.shape, axis))

    def _dims(self, shape: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
        return (*shape[:axis], *((1,) if self.keepdims else ()), *shape[axis + 1 :])

    def evaluate(self, data: Array) -> Array:
        if data.size == 0:
            _check_wanted(data.shape, self.axis % data.ndim)
            return np.zeros(self._dims(data.shape, self.axis % data.ndim), np.int64)
        if not self.select_last_index:
            return self.first(data)
        back = self.first(np.flip(data, self.axis))
        return data.shape[self.axis] - 1 - back

    def first(self, data: Array) -> Array:
        """Where the first extreme stands."""
        raise NotImplementedError

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        axis = normalize_axis(self.axis, x.rank)
        x = lowering.settle(x)
        whole = lowering.empty(DType.INT64, [1 if i == axis else n for i, n in enumerate(x.shape)])
        with lowering.kernel(f"{x.storage}_{self.name.lower()}") as k, ExitStack() as loops:
            index = [loops.enter_context(k.loop(n)) for n in whole.shape]
            index[axis] = k.index(0)
            best = k.var(x.read(k, tuple(index)))
            found = k.var(k.index(0))
            with k.loop(1, x.shape[axis]) as at:
                value = x.read(k, (*index[:axis], at, *index[axis + 1 :]))
                with k.if_(self._better(value, best.get())):
                    best.set(value)
                    found.set(at)
            buffer, position = whole.address(k, tuple(index))
            k.write(buffer, position, found.get().cast(I64))
        return whole if self.keepdims else whole.reshape(self._dims(whole.shape, axis))

    def _better(self, value: Value, best: Value) -> Value:
        """Whether `value`, further on, takes the place of `best`; NaN is the extreme."""
        last = self.select_last_index
        if value.type.is_bool:
            more = value & ~best if self.name == "ArgMax" else ~value & best
            return more | value.eq(best) if last else more
        if self.name == "ArgMax":
            better = value >= best if last else value > best
        else:
            better = value <= best if last else value < best
        if not value.type.is_float:
            return better
        nan, known = value.ne(value), best.eq(best)
        return (better & known) | (nan if last else nan & known)


def _check_wanted(shape: tuple[Any, ...], axis: int) -> None:
    """Refuse an empty `axis` where there are places that want its extreme."""
    if shape[axis] == 0 and 0 not in (*shape[:axis], *shape[axis + 1 :]):
        raise InferenceError(f"dim {axis} is empty: it has no extreme", given=list(shape))


class ArgMax(ArgReduction, versions=(1, 11, 12, 13)):
    """The index of the largest element along `axis`."""

    def first(self, data: Array) -> Array:
        return np.asarray(np.argmax(data, self.axis, keepdims=self.keepdims), np.int64)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[2, 3, 3], [5, -1, 5]])
        yield Case(cls(), [x], [i64([[1, 0, 1]])])
        yield Case(cls(axis=-1, keepdims=False), [x], [i64([1, 0])])
        yield Case(cls(axis=1, select_last_index=True), [x], [i64([[2], [2]])])
        yield Case(cls(axis=1), [x[:0]], [np.zeros((0, 1), np.int64)])
        yield Case(cls(axis=0), [x[:0, :0]], [np.zeros((1, 0), np.int64)])
        yield Case(cls(), [u8([1, 255])], [i64([1])])
        yield Case(cls(), [f32([1, np.nan, np.inf])], [i64([1])])
        yield Case(cls(), [x[:0]], error="dim 0 is empty")
        yield Case(cls(axis=2), [x], error="axis 2 is out of range")


class ArgMin(ArgReduction, versions=(1, 11, 12, 13)):
    """The index of the smallest element along `axis`."""

    def first(self, data: Array) -> Array:
        return np.asarray(np.argmin(data, self.axis, keepdims=self.keepdims), np.int64)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[3, 2, 2], [-1, 5, -1]])
        yield Case(cls(axis=1), [x], [i64([[1], [0]])])
        yield Case(cls(axis=1, select_last_index=True, keepdims=False), [x], [i64([2, 2])])
