"""ArgMax and ArgMin: where along an axis the extreme stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from likewise.ir import DType
from likewise.ops.case import Case, f32, i32, i64
from likewise.ops.checks import NUMBERS, check_dtype, normalize_axis
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim, TensorType


class _ExtremeIndex(Operator):
    """Base: of equal extremes the first, or the last with `select_last_index`."""

    axis: int = 0
    keepdims: bool = True
    select_last_index: bool = False
    greatest: ClassVar[bool]

    def infer(self, data: TensorType) -> TensorType:
        check_dtype(data, NUMBERS, "data")
        axis = normalize_axis(self.axis, data.rank)
        shape: list[Dim] = list(data.shape)
        shape[axis : axis + 1] = [1] if self.keepdims else []
        return data.with_dtype(DType.INT64).with_shape(shape)

    def evaluate(self, data: Array) -> Array:
        find = np.argmax if self.greatest else np.argmin
        if self.select_last_index:
            size = data.shape[self.axis]
            found = size - 1 - find(np.flip(data, self.axis), self.axis, keepdims=self.keepdims)
        else:
            found = find(data, self.axis, keepdims=self.keepdims)
        return np.asarray(found, np.int64)


class ArgMax(_ExtremeIndex, versions=(1, 11, 12, 13)):
    """The index of the greatest element."""

    greatest = True

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[2, 1, 2], [3, 3, 0]])
        yield Case(cls(axis=1), [x], [i64([[0], [0]])])
        yield Case(cls(axis=-1, keepdims=False, select_last_index=True), [x], [i64([2, 1])])
        yield Case(cls(axis=2), [x], error="axis 2 is out of range")


class ArgMin(_ExtremeIndex, versions=(1, 11, 12, 13)):
    """The index of the least element."""

    greatest = False

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [i32([[2, 1], [1, 1]])], [i64([[1, 0]])])
        yield Case(cls(select_last_index=True), [i32([[2, 1], [1, 1]])], [i64([[1, 1]])])
