"""MeanVarianceNormalization: mean 0 and variance 1 over given axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ops.case import Case, f32
from likewise.ops.checks import check_float, normalize_axes
from likewise.ops.convolution import working_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder


class MeanVarianceNormalization(Operator, versions=(9, 13)):
    """(X - E X) / sqrt(E (X - E X)^2) over `axes`.

    The formula has no guard against a variance of 0; the function body of ONNX adds 1e-9 to the
    standard deviation, and so does this.
    """

    axes: tuple[int, ...] = (0, 2, 3)

    def infer(self, X: TensorType) -> TensorType:
        check_float(X, "X")
        normalize_axes(self.axes, X.rank)
        return X.with_shape(X.shape)

    def evaluate(self, X: Array) -> Array:
        wide = X.astype(working_dtype(X.dtype), copy=False)
        centred = wide - wide.mean(self.axes, keepdims=True)
        deviation = (centred * centred).mean(self.axes, keepdims=True) ** wide.dtype.type(0.5)
        centred /= deviation + wide.dtype.type(_GUARD)
        return centred.astype(X.dtype, copy=False)

    def expand(self, b: Builder[V], X: V) -> V:
        axes = b.ints(*self.axes)
        centred = b.Sub(X, b.ReduceMean(X, axes))
        deviation = b.Sqrt(b.ReduceMean(b.Mul(centred, centred), axes))
        return b.Div(centred, b.Add(deviation, _GUARD))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[[1, 3]], [[2, 2]]]])
        yield Case(cls(), [x], [f32([[[[-1, 1]], [[0, 0]]]])])
        yield Case(cls(axes=(-1,)), [f32([[1, 5]])], [f32([[-1, 1]])])
        yield Case(cls(), [f32([1, 2])], error="is out of range")


_GUARD = 1e-9
