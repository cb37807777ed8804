"""NonZero: where the elements are that are not zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import UnsupportedError
from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, boolean, f32, i64, strings
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import TensorView


class NonZero(Operator, versions=(9, 13)):
    """[rank, count]: a column of indices an element, in row-major order. "" counts as zero."""

    def infer(self, X: TensorType) -> TensorType:
        return TensorType(DType.INT64, (X.rank, fresh("nonzero")))

    def evaluate(self, X: Array) -> Array:
        if X.ndim == 0:
            return np.zeros((0, int(bool(X))), np.int64)
        return np.array(np.nonzero(X), np.int64)

    def lower(self, *_: object) -> TensorView:
        raise UnsupportedError("the number of elements that are not zero depends on data")

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [boolean([[True, False], [True, True]])], [i64([[0, 1, 1], [0, 0, 1]])])
        yield Case(cls(), [f32([0, -0.0, np.nan, 2])], [i64([[2, 3]])])
        yield Case(cls(), [f32(3)], [np.zeros((0, 1), np.int64)])
        yield Case(cls(), [np.zeros((2, 0), np.float32)], [np.zeros((2, 0), np.int64)])
        yield Case(cls(), [strings(["", "a"])], [i64([[1]])])
