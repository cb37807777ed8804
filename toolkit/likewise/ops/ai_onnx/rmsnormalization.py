"""RMSNormalization: the last dims by their root mean square."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType
from likewise.ops.case import Case, f16, f32
from likewise.ops.checks import broadcast, check_float, normalize_axis
from likewise.ops.normalization import stash_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder


class RMSNormalization(Operator, versions=(23,)):
    """X / sqrt(mean(X * X) + epsilon) * scale over the dims from `axis` on.

    The quotient is computed in `stash_type` (float; double stays double). The output has the type
    of `scale`.
    """

    axis: int = -1
    epsilon: float = 1e-5
    stash_type: DType = DType.FLOAT
    on_narrow = "expand"

    def infer(self, X: TensorType, scale: TensorType) -> TensorType:
        check_float(X, "X")
        check_float(scale, "scale")
        normalize_axis(self.axis, X.rank)
        broadcast(X.shape, scale.shape)
        return X.with_shape(X.shape).with_dtype(scale.dtype)

    def evaluate(self, X: Array, scale: Array) -> Array:
        if self.stash_type.is_narrow:
            return super().evaluate(X, scale)
        stash = stash_dtype(self.stash_type, DType.of(X.dtype)).numpy
        x = X.astype(stash, copy=False)
        axes = tuple(range(self.axis % X.ndim, X.ndim))
        square = np.square(x).mean(axes, keepdims=True, dtype=stash)
        y = x / np.sqrt(square + square.dtype.type(self.epsilon))
        return y.astype(X.dtype, copy=False).astype(scale.dtype, copy=False) * scale

    def expand(self, b: Builder[V], X: V, scale: V) -> V:
        given, made = b.type(X), b.type(scale).dtype
        stash = stash_dtype(self.stash_type, given.dtype)
        axes = b.ints(*range(normalize_axis(self.axis, given.rank), given.rank))
        x = X if stash is given.dtype else b.Cast(X, to=stash.value)
        square = b.ReduceMean(b.Mul(x, x), axes)
        y = b.Div(x, b.Sqrt(b.Add(square, self.epsilon)))
        y = y if stash is given.dtype else b.Cast(y, to=given.dtype.value)
        return b.Mul(y if made is given.dtype else b.Cast(y, to=made.value), scale)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, -7], [5, 5]])
        norm = cls(epsilon=0.0)
        yield Case(norm, [x, f32([1, 2])], [f32([[0.2, -2.8], [1, 2]])], rtol=1e-6)
        yield Case(cls(axis=0, epsilon=0.0), [x, f32(5)], [x], rtol=1e-6)
        large = f16([[60000, 60000]])
        yield Case(norm, [large, f16([1, 1])], [f16([[1, 1]])])
        yield Case(norm, [large, f32([1, 1])], [f32([[1, 1]])])
        yield Case(cls(axis=-3), [x, f32([1, 1])], error="axis -3 is out of range")
