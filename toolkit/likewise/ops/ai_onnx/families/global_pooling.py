"""GlobalAveragePool, GlobalMaxPool, GlobalLpPool: each channel as one number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.ai_onnx.lppool import lower_power, lower_root, power, root, whole_p
from likewise.ops.case import Case, f16, f32
from likewise.ops.checks import check_float
from likewise.ops.convolution import working_dtype
from likewise.ops.operator import Operator, V
from likewise.ops.pooling import lowest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.lower import Lowering, TensorView
    from likewise.ops.build import Builder, OldForm


class GlobalPool(Operator):
    """Base of the three: X [N, C, *spatial] is [N, C, 1, …, 1]."""

    def infer(self, X: TensorType) -> TensorType:
        check_float(X, "X")
        if X.rank < 2:
            raise InferenceError("X has no channels", given=X, allowed="N x C x D1 … Dn")
        return X.with_shape((*X.shape[:2], *[1] * (X.rank - 2)))


def _rows(x: Array) -> tuple[Array, tuple[int, ...]]:
    """`x` with the spatial dims as one, and the shape of the result."""
    size = int(np.prod(x.shape[2:], dtype=np.int64))
    return x.reshape(*x.shape[:2], size), (*x.shape[:2], *[1] * (x.ndim - 2))


def _spatial(b: Builder[V], x: V) -> V:
    return b.ints(*range(2, b.type(x).rank))


class GlobalAveragePool(GlobalPool, versions=(1, 22)):
    """The mean of each channel; NaN where there are no elements."""

    def evaluate(self, X: Array) -> Array:
        rows, shape = _rows(X)
        x = rows.astype(working_dtype(X.dtype), copy=False)
        mean = x.sum(2) / x.dtype.type(x.shape[2])
        return mean.reshape(shape).astype(X.dtype, copy=False)

    def expand(self, b: Builder[V], X: V) -> V:
        return b.ReduceMean(X, _spatial(b, X), noop_with_empty_axes=1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[[1, 2], [3, 6]], [[0, 0], [0, 1]]]])
        yield Case(cls(), [x], [f32([[[[3]], [[0.25]]]])])
        yield Case(cls(), [f16([[[60000, 60000]]])], [f16([[[60000]]])])
        yield Case(cls(), [f32([1])], error="X has no channels")


class GlobalMaxPool(GlobalPool, versions=(1, 22)):
    """The maximum of each channel; minus infinity where there are no elements."""

    def evaluate(self, X: Array) -> Array:
        rows, shape = _rows(X)
        return rows.max(2, initial=lowest(X.dtype)).reshape(shape)

    def expand(self, b: Builder[V], X: V) -> V:
        return b.ReduceMax(X, _spatial(b, X), noop_with_empty_axes=1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[[-1, -2], [-3, -6]], [[0, np.nan], [0, 1]]]])
        yield Case(cls(), [x], [f32([[[[-1]], [[np.nan]]]])])


class GlobalLpPool(GlobalPool, versions=(1, 2, 22)):
    """The p-norm of each channel."""

    p: int = 2

    def evaluate(self, X: Array) -> Array:
        rows, shape = _rows(X)
        x = rows.astype(working_dtype(X.dtype), copy=False)
        norm = root(power(x, self.p).sum(2), self.p)
        return norm.reshape(shape).astype(X.dtype, copy=False)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        powers = lower_power(lowering, x, self.p)
        total = lowering.reduce(powers, range(2, x.rank), 0, lambda _, a, b: a + b, name="lppool")
        return lower_root(lowering, total, self.p, x.dtype)

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        whole_p(old)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[3, -4], [0, -2]]])
        yield Case(cls(), [x], [f32([[[5], [2]]])])
        yield Case(cls(p=1), [x], [f32([[[7], [2]]])])
