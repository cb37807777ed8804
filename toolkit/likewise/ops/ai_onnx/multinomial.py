"""Multinomial: classes drawn by their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from likewise.errors import InferenceError, UnsupportedError
from likewise.ir import DType
from likewise.ops.case import Case, f32, i32, i64
from likewise.ops.checks import check_float, check_rank
from likewise.ops.operator import Operator
from likewise.ops.random_numbers import generator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.lower import Lowering, TensorView


class Multinomial(Operator, versions=(7, 22)):
    """[batch, classes] of unnormalised log-probabilities: [batch, `sample_size`] drawn classes."""

    dtype: DType = DType.INT32
    sample_size: int = 1
    seed: float | None = None
    deterministic = False

    def infer(self, x: TensorType) -> TensorType:
        check_float(x, "input")
        check_rank(x, 2, "input")
        if x.shape[1] == 0:
            raise InferenceError("there are no classes to draw from", given=x)
        if self.sample_size < 1:
            raise InferenceError(
                "sample_size is not positive", given=self.sample_size, allowed="1 or more"
            )
        if self.dtype not in {DType.INT32, DType.INT64}:
            raise InferenceError(
                "dtype is none that the operator makes", given=self.dtype, allowed="int32, int64"
            )
        return x.with_dtype(self.dtype).with_shape((x.shape[0], self.sample_size))

    def evaluate(self, x: Array) -> Array:
        batch, classes = x.shape
        if classes == 0:
            raise InferenceError("there are no classes to draw from")
        weights = x.astype(np.float64)
        weights = np.exp(weights - weights.max(1, keepdims=True))
        bounds = weights.cumsum(1)
        bounds /= bounds[:, -1:]
        drawn = generator(self.seed).random((batch, self.sample_size))
        # Row i lies between i and i + 1, so that one search finds the classes of all rows.
        rows = np.arange(batch)[:, None]
        found = np.searchsorted((bounds + rows).ravel(), drawn + rows, side="right")
        found -= rows * classes
        return np.minimum(found, classes - 1).astype(self.dtype.numpy)

    def lower(self, lowering: Lowering, x: TensorView) -> NoReturn:  # noqa: ARG002
        raise UnsupportedError("random numbers are not compiled")

    @classmethod
    def cases(cls) -> Iterator[Case]:
        sure = f32([[0, -np.inf, -np.inf], [-np.inf, -np.inf, 5], [-np.inf, 2, -np.inf]])
        three = cls(sample_size=3)
        yield Case(three, [sure], [i32([[0, 0, 0], [2, 2, 2], [1, 1, 1]])])
        yield Case(cls(dtype=DType.INT64, seed=1.0), [f32([[1]])], [i64([[0]])])
        yield Case(cls(), [f32([1, 2])], error="input has 1 dims")
        yield Case(cls(), [np.zeros((2, 0), np.float32)], error="there are no classes")
        yield Case(cls(sample_size=0), [f32([[1]])], error="sample_size is not positive")
        yield Case(cls(dtype=DType.FLOAT), [f32([[1]])], error="dtype is none that")
