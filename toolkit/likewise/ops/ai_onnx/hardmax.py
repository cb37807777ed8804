"""Hardmax: one for the first greatest element along an axis, zero for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ops.ai_onnx.softmax import over_flattened
from likewise.ops.case import Case, f16, f32, i32
from likewise.ops.checks import check_float, normalize_axis
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder, OldForm


class Hardmax(Operator, versions=(1, 11, 13)):
    """1 at the first maximum along `axis`, else 0.

    NaN counts as the greatest. Before opset 13 the axes from `axis` on (1 by default) were taken
    together.
    """

    axis: int = -1

    def infer(self, x: TensorType) -> TensorType:
        check_float(x, "input")
        normalize_axis(self.axis, x.rank)
        return x.with_shape(x.shape)

    def evaluate(self, x: Array) -> Array:
        y = np.zeros(x.shape, x.dtype)
        if x.size:
            first = np.expand_dims(x.argmax(self.axis), self.axis)
            np.put_along_axis(y, first, x.dtype.type(1), self.axis)
        return y

    def expand(self, b: Builder[V], x: V) -> V:
        kind = b.type(x)
        axis = normalize_axis(self.axis, kind.rank)
        if kind.shape[axis] == 0:
            return x
        size = b.Shape(x, start=axis, end=axis + 1)
        zero_or_one = b.constant([0, 1], kind.dtype)
        first = b.ArgMax(x, axis=axis, keepdims=0)
        made: V = b.OneHot(first, size, zero_or_one, axis=axis)
        return made

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        return over_flattened(old, cls.name)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[3, 0, 1, 3], [2, 5, 1, 0]])
        yield Case(cls(), [x], [f32([[1, 0, 0, 0], [0, 1, 0, 0]])])
        yield Case(cls(axis=0), [x], [f32([[1, 0, 1, 1], [0, 1, 0, 0]])])
        yield Case(cls(), [f16([-np.inf, -np.inf])], [f16([1, 0])])
        yield Case(cls(), [np.zeros((2, 0), np.float32)], [np.zeros((2, 0), np.float32)])
        yield Case(cls(axis=-3), [x], error="axis -3 is out of range")
        yield Case(cls(), [i32([1])], error="input has an element type")
