"""LayerNormalization: the last dims by their mean and variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.ops.case import Case, f16, f32, f64
from likewise.ops.checks import broadcast, check_float, check_same_dtype, normalize_axis
from likewise.ops.normalization import standardize, stash_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder


class LayerNormalization(Operator, versions=(17,)):
    """(X - mean) / sqrt(variance + epsilon) * Scale + B over the dims from `axis` on.

    The first part is computed in `stash_type` (float; double stays double). The further outputs,
    the mean and 1 / sqrt(variance + epsilon), have that type.
    """

    axis: int = -1
    epsilon: float = 1e-5
    stash_type: DType = DType.FLOAT
    on_narrow = "expand"

    def infer(
        self, X: TensorType, Scale: TensorType, B: TensorType | None = None
    ) -> tuple[TensorType, TensorType, TensorType]:
        check_float(X, "X")
        check_same_dtype(X=X, Scale=Scale, B=B)
        axis = normalize_axis(self.axis, X.rank)
        broadcast(*(x.shape for x in (X, Scale, B) if x is not None))
        ones = (*X.shape[:axis], *[1] * (X.rank - axis))
        saved = X.with_shape(ones).with_dtype(self.stash_type)
        return X.with_shape(X.shape), saved, saved

    def evaluate(self, X: Array, Scale: Array, B: Array | None = None) -> Any:
        if self.stash_type.is_narrow:
            return super().evaluate(X, Scale, B)
        stash = stash_dtype(self.stash_type, DType.of(X.dtype)).numpy
        axes = tuple(range(self.axis % X.ndim, X.ndim))
        y, mean, inverse = standardize(X.astype(stash, copy=False), axes, self.epsilon)
        y = y.astype(X.dtype, copy=False)
        y *= Scale
        if B is not None:
            y += B
        if self.wanted == 1:
            return y
        saved = self.stash_type.numpy
        return y, mean.astype(saved, copy=False), inverse.astype(saved, copy=False)

    def expand(self, b: Builder[V], X: V, Scale: V, B: V | None = None) -> tuple[V, V, V]:
        given = b.type(X)
        stash = stash_dtype(self.stash_type, given.dtype)
        axes = b.ints(*range(normalize_axis(self.axis, given.rank), given.rank))
        x = X if stash is given.dtype else b.Cast(X, to=stash.value)
        mean = b.ReduceMean(x, axes)
        centred = b.Sub(x, mean)
        variance = b.ReduceMean(b.Mul(centred, centred), axes)
        inverse = b.Reciprocal(b.Sqrt(b.Add(variance, self.epsilon)))
        y = b.Mul(centred, inverse)
        y = b.Mul(y if stash is given.dtype else b.Cast(y, to=given.dtype.value), Scale)
        if stash is not self.stash_type:
            mean, inverse = (b.Cast(v, to=self.stash_type.value) for v in (mean, inverse))
        return (y if B is None else b.Add(y, B)), mean, inverse

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 3], [2, 10]])
        y, mean, inverse = f32([[-1, 1], [-1, 1]]), f32([[2], [6]]), f32([[1], [0.25]])
        norm = cls(epsilon=1e-12, wanted=3)
        yield Case(norm, [x, f32([1, 1])], [y, mean, inverse], rtol=1e-6)
        yield Case(norm, [x, f32([1, 2]), f32([0, 1])], [f32([[-1, 3], [-1, 3]])], rtol=1e-6)
        both = cls(axis=0, epsilon=0.0, wanted=3)
        outputs = [(x - 4) / f32(np.sqrt(12.5)), f32([[4]]), f32([[12.5**-0.5]])]
        yield Case(both, [x, f32([[1]])], outputs, rtol=1e-6)
        half = cls(epsilon=0.0, wanted=3)
        yield Case(half, [f16(x), f16([1, 1])], [f16(y), mean, inverse], rtol=1e-6)
        double = cls(epsilon=0.0, wanted=3)
        yield Case(double, [f64(x), f64([1, 1])], [f64(y), mean, inverse])
        yield Case(cls(axis=2), [x, f32([1, 1])], error="axis 2 is out of range")
        yield Case(cls(), [x, f32([1, 1, 1])], error="do not broadcast")
