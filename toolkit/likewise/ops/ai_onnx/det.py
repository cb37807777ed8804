"""Det: the determinant of the last two axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.case import Case, f32
from likewise.ops.checks import check_float, unify
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType


class Det(Operator, versions=(11, 22)):
    """The determinant of each square matrix in the last two axes."""

    def infer(self, x: TensorType) -> TensorType:
        check_float(x, "X")
        if x.rank < 2:  # noqa: PLR2004 — a matrix
            raise InferenceError("X is not a matrix", given=x, allowed="2 dims or more")
        unify(x.shape[-2], x.shape[-1], "the last two dims")
        return x.with_shape(x.shape[:-2])

    def evaluate(self, x: Array) -> Array:
        wide = x if x.dtype.itemsize > 2 else x.astype(np.float32)  # noqa: PLR2004 — bytes
        return np.asarray(np.linalg.det(wide), x.dtype)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([[1, 2], [3, 4]])], [f32(-2)], rtol=1e-6)
        yield Case(cls(), [f32([[[1, 2], [3, 4]], [[1, 0], [0, 1]]])], [f32([-2, 1])], rtol=1e-6)
        yield Case(cls(), [f32([[1, 2]])], error="the last two dims differ")
