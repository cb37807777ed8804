"""Inverse: of square matrices."""

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


class Inverse(Operator, versions=(1,)):
    """The inverse of each matrix in the last two axes; a singular one is an error."""

    def infer(self, x: TensorType) -> TensorType:
        check_float(x, "X")
        if x.rank < 2:
            raise InferenceError("X has no matrices", given=x, allowed="2 dims or more")
        unify(x.shape[-2], x.shape[-1], "the rows and columns of X")
        return x.with_shape(x.shape)

    def evaluate(self, x: Array) -> Array:
        wide = x.astype(np.float32) if x.dtype.itemsize == 2 else x
        try:
            return np.linalg.inv(wide).astype(x.dtype, copy=False)
        except np.linalg.LinAlgError:
            raise InferenceError("a matrix of X has no inverse") from None

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[2, 0], [0, 4]], [[0, 1], [1, 0]]])
        yield Case(cls(), [x], [f32([[[0.5, 0], [0, 0.25]], [[0, 1], [1, 0]]])])
        yield Case(cls(), [x[:0]], [x[:0]])
        yield Case(cls(), [x[:, :1]], error="the rows and columns of X differ")
        yield Case(cls(), [x * 0], error="has no inverse")
