"""NonZero: where the elements are that are not zero."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType, TensorType, fresh
from likewise.loop import I64
from likewise.ops.case import Case, boolean, f32, i64, strings
from likewise.ops.operator import Operator
from likewise.ops.selection import chosen, counting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView


class NonZero(Operator, versions=(9, 13)):
    """[rank, count]: a column of indices an element, in row-major order. "" counts as zero."""

    def infer(self, X: TensorType) -> TensorType:
        return TensorType(DType.INT64, (X.rank, fresh("nonzero")))

    def evaluate(self, X: Array) -> Array:
        if X.ndim == 0:
            return np.zeros((0, int(bool(X))), np.int64)
        return np.array(np.nonzero(X), np.int64)

    def lower(self, lowering: Lowering, X: TensorView) -> TensorView:
        y = lowering.empty(DType.INT64, (X.rank, X.size))
        with counting(lowering, f"{X.storage}_nonzero") as (k, number, count), ExitStack() as loops:
            index = tuple(loops.enter_context(k.loop(size)) for size in X.shape)
            with k.if_(chosen(X.read(k, index))):
                for axis, at in enumerate(index):
                    k.write(*y.address(k, (k.index(axis), number.get())), at.cast(I64))
                number.set(number.get() + 1)
        return y.ending(1, count)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [boolean([[True, False], [True, True]])], [i64([[0, 1, 1], [0, 0, 1]])])
        yield Case(cls(), [f32([0, -0.0, np.nan, 2])], [i64([[2, 3]])])
        yield Case(cls(), [f32(3)], [np.zeros((0, 1), np.int64)])
        yield Case(cls(), [np.zeros((2, 0), np.float32)], [np.zeros((2, 0), np.int64)])
        yield Case(cls(), [strings(["", "a"])], [i64([[1]])])
