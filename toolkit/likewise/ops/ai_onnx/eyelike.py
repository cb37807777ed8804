"""EyeLike: ones on one diagonal of a matrix, zeros elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.case import Case, f32, f64, i32, strings
from likewise.ops.checks import NUMBERS, check_dtype, check_rank
from likewise.ops.conversion import convert
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.lower import Lowering, TensorView

_TYPES = NUMBERS | {DType.BOOL}


class EyeLike(Operator, versions=(9, 22)):
    """A matrix of the input's shape (and element type, unless `dtype` is given).

    `k` is the diagonal: 0 the main one, above it positive, below it negative.
    """

    dtype: DType | None = None
    k: int = 0

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, _TYPES, "input")
        check_rank(x, 2, "input")
        made = x.with_dtype(self.dtype or x.dtype)
        if made.dtype not in _TYPES:
            raise InferenceError(
                "dtype is none that the operator makes",
                given=made.dtype,
                allowed=", ".join(sorted(map(str, _TYPES))),
            )
        return made

    def evaluate(self, x: Array) -> Array:
        made = np.zeros(x.shape, np.uint8)
        rows, columns = x.shape
        count = min(rows + min(self.k, 0), columns - max(self.k, 0))
        if count > 0:
            diagonal = np.arange(count)
            made[diagonal - min(self.k, 0), diagonal + max(self.k, 0)] = 1
        return convert(made, self.dtype or DType.of(x.dtype))

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        return lowering.constant(self.evaluate(np.empty(x.shape, x.dtype.numpy)))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [i32([[5, 6, 7], [8, 9, 0]])], [i32([[1, 0, 0], [0, 1, 0]])])
        yield Case(cls(k=1, dtype=DType.DOUBLE), [i32([[5, 6], [7, 8]])], [f64([[0, 1], [0, 0]])])
        yield Case(cls(k=-1), [f32([[5, 6], [7, 8]])], [f32([[0, 0], [1, 0]])])
        yield Case(cls(k=-9), [f32([[5, 6]])], [f32([[0, 0]])])
        yield Case(cls(), [np.zeros((0, 2), bool)], [np.zeros((0, 2), bool)])
        yield Case(cls(), [f32([1, 2])], error="input has 1 dims")
        yield Case(cls(), [strings([["a"]])], error="input has an element type")
        yield Case(cls(dtype=DType.STRING), [f32([[1]])], error="dtype is none that")
