"""Softmax: exponentials that sum to one along an axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.loop import S
from likewise.loop import math as loop_math
from likewise.ops.case import Case, f32, i32
from likewise.ops.checks import check_float, normalize_axis
from likewise.ops.conversion import convert
from likewise.ops.dot_product import rounded, sum_rows
from likewise.ops.narrow import is_narrow, widened
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.lower import Lowering, TensorView
    from likewise.ops.build import OldForm


class Softmax(Operator, versions=(1, 11, 13)):
    """exp(x - max) / sum(exp(x - max)) along `axis`.

    Before opset 13 the axes from `axis` on (1 by default) were taken together.
    """

    axis: int = -1
    on_narrow = "take"

    def infer(self, x: TensorType) -> TensorType:
        check_float(x, "input")
        normalize_axis(self.axis, x.rank)
        return x.with_shape(x.shape)

    def evaluate(self, x: Array) -> Array:
        if x.size == 0:
            return x
        if is_narrow(x):
            return self._by_steps(x)
        y = np.subtract(x, x.max(self.axis, keepdims=True))
        np.exp(y, out=y)
        y /= y.sum(self.axis, keepdims=True)
        return y

    def _by_steps(self, x: Array) -> Array:
        """Of bfloat16: each step is rounded, as those of float16 are."""
        dtype, wide = DType.of(x.dtype), np.moveaxis(widened(x), self.axis, -1)
        y = rounded(wide - wide.max(-1, keepdims=True), dtype)
        y = rounded(np.exp(y), dtype)
        y /= sum_rows(y, dtype)
        return convert(np.moveaxis(y, -1, self.axis), dtype)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        axis = (normalize_axis(self.axis, x.rank),)
        if axis[0] == x.rank - 1 > 0 and x.storage is S.f32 and x.size:
            return lowering.softmax(x)
        x = lowering.settle(x) if x.cost > 1 or x.stem is not None else x
        top = lowering.reduce(x, axis, -math.inf, lambda k, a, b: k.max(a, b), name="softmax_max")
        low = lowering.elementwise(lambda _, a, b: a - b, x.dtype, x, top)
        e = lowering.settle(lowering.elementwise(loop_math.exp, x.dtype, low, cost=20))
        total = lowering.reduce(e, axis, 0, lambda _, a, b: a + b, name="softmax_sum")
        return lowering.elementwise(lambda _, a, b: a / b, x.dtype, e, total)

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        return over_flattened(old, cls.name)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.log(f32([[1, 2, 1], [3, 3, 6]]))
        half = f32([[0.25, 0.5, 0.25], [0.25, 0.25, 0.5]])
        yield Case(cls(), [x], [half], rtol=1e-6)
        yield Case(cls(axis=0), [x.T.copy()], [half.T.copy()], rtol=1e-6)
        yield Case(cls(), [f32([[1000, 1000], [-1000, -1000]])], [f32([[0.5, 0.5], [0.5, 0.5]])])
        yield Case(cls(), [np.zeros((0, 4), np.float32)], [np.zeros((0, 4), np.float32)])
        yield Case(cls(axis=2), [x], error="axis 2 is out of range; allowed: -2 to 1 for 2 dims")
        yield Case(cls(), [i32([1])], error="input has an element type")


def over_flattened(old: OldForm, name: str) -> Any:
    """The forms before opset 13: flatten to two dims at `axis`, apply `name`, restore the shape."""
    x, x_type = old.inputs[0], old.type(0)
    axis = old.attributes.get("axis", 1)
    if x_type is None or axis in (-1, x_type.rank - 1):
        old.attributes["axis"] = -1
        return None
    b = old.builder
    flat = b.op(name, b.Flatten(x, axis=axis), axis=-1)
    return b.Reshape(flat, b.Shape(x))
