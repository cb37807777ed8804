"""LogSoftmax: the logarithms of what Softmax gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.ops.ai_onnx.softmax import over_flattened
from likewise.ops.case import Case, f16, f32, i32
from likewise.ops.checks import check_float, normalize_axis
from likewise.ops.convolution import working_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder, OldForm


class LogSoftmax(Operator, versions=(1, 11, 13)):
    """x - max - log(sum(exp(x - max))) along `axis`.

    float16 and bfloat16 are computed in float32 and rounded once. Before opset 13 the axes from
    `axis` on (1 by default) were taken together.
    """

    axis: int = -1

    def infer(self, x: TensorType) -> TensorType:
        check_float(x, "input")
        normalize_axis(self.axis, x.rank)
        return x.with_shape(x.shape)

    def evaluate(self, x: Array) -> Array:
        if x.size == 0:
            return x
        wide = x.astype(working_dtype(x.dtype), copy=False)
        y = np.subtract(wide, wide.max(self.axis, keepdims=True))
        y -= np.log(np.exp(y).sum(self.axis, keepdims=True))
        return y.astype(x.dtype, copy=False)

    def expand(self, b: Builder[V], x: V) -> V:
        axis, kind = b.ints(self.axis), b.type(x).dtype
        narrow = kind in {DType.FLOAT16, DType.BFLOAT16}
        wide = b.Cast(x, to=DType.FLOAT.value) if narrow else x
        lowered = b.Sub(wide, b.ReduceMax(wide, axis))
        made: V = b.Sub(lowered, b.Log(b.ReduceSum(b.Exp(lowered), axis)))
        return b.Cast(made, to=kind.value) if narrow else made

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        return over_flattened(old, cls.name)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        shares = f32([[0.25, 0.5, 0.25], [0.25, 0.25, 0.5]])
        x, y = np.log(shares) + 3, np.log(shares)
        yield Case(cls(), [x], [y], rtol=1e-6)
        yield Case(cls(axis=0), [x.T.copy()], [y.T.copy()], rtol=1e-6)
        yield Case(cls(), [f32([[1000, 1000], [0, 1000]])], [f32([[-0.6931472] * 2, [-1000, 0]])])
        yield Case(cls(), [f16([0, 0])], [f16([-0.6931472] * 2)])
        yield Case(cls(), [np.zeros((0, 4), np.float32)], [np.zeros((0, 4), np.float32)])
        yield Case(cls(axis=2), [x], error="axis 2 is out of range; allowed: -2 to 1 for 2 dims")
        yield Case(cls(), [i32([1])], error="input has an element type")
