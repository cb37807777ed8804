"""Det: the determinant of square matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.case import Case, f16, f32, f64
from likewise.ops.checks import check_float, unify
from likewise.ops.convolution import working_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType


class Det(Operator, versions=(11, 22)):
    """[..., M, M] to [...]; 1 for no rows."""

    def infer(self, X: TensorType) -> TensorType:
        check_float(X, "X")
        if X.rank < 2:
            raise InferenceError("X is no matrix", given=X, allowed="2 dims or more")
        unify(X.shape[-2], X.shape[-1], "the rows and columns")
        return X.with_shape(X.shape[:-2])

    def evaluate(self, X: Array) -> Array:
        made = np.linalg.det(X.astype(working_dtype(X.dtype), copy=False))
        return np.asarray(made).astype(X.dtype, copy=False)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f64([[3, 1], [2, 4]])
        yield Case(cls(), [x], [f64(10)], rtol=1e-15)
        yield Case(cls(), [f32([[[2, 0], [0, 3]], [[1, 2], [2, 4]]])], [f32([6, 0])])
        yield Case(cls(), [f16([[300, 0], [0, 200]])], [f16(60000)])
        yield Case(cls(), [np.zeros((2, 0, 0), np.float32)], [f32([1, 1])])
        yield Case(cls(), [x[:1]], error="the rows and columns differ; given: 1 and 2")
        yield Case(cls(), [x[0]], error="X is no matrix")
