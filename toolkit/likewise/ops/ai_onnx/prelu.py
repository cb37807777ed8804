"""PRelu: a rectifier whose slope below zero is an input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.case import Case, f32, i32
from likewise.ops.checks import FLOATS, broadcast, check_dtype, check_same_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder, OldForm

_TYPES = FLOATS | {DType.INT32, DType.INT64, DType.UINT32, DType.UINT64}


class PRelu(Operator, versions=(1, 6, 7, 9, 16)):
    """x, below zero slope * x; the slope broadcasts to x."""

    def infer(self, x: TensorType, slope: TensorType) -> TensorType:
        check_dtype(x, _TYPES, "X")
        check_same_dtype(X=x, slope=slope)
        shape = broadcast(x.shape, slope.shape)
        if len(shape) != x.rank or (x.is_static and shape != x.shape):
            raise InferenceError("the slope does not broadcast to X", given=f"{slope} and {x}")
        return x.with_shape(x.shape)

    def evaluate(self, x: Array, slope: Array) -> Array:
        if x.dtype.kind != "f" or x.ndim == 0 or not np.isfinite(slope).all():
            return np.where(x < 0, x * slope, x)
        made = np.minimum(x, x.dtype.type(0))
        made *= slope
        made += np.maximum(x, x.dtype.type(0))  # to choose by a mask is slower
        return made

    def expand(self, b: Builder[V], x: V, slope: V) -> V:
        return b.Where(b.Less(x, 0), b.Mul(x, slope), x)

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        """Before opset 7 a slope of one dim goes along axis 1."""
        old.attributes.pop("consumed_inputs", None)
        x, slope = old.type(0), old.type(1)
        if old.opset < 7 and x is not None and slope is not None and slope.rank == 1:
            behind = x.rank - 2
            if behind > 0 and slope.shape != (1,):
                axes = old.builder.ints(*range(1, behind + 1))
                old.inputs[1] = old.builder.Unsqueeze(old.inputs[1], axes)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[-1, 2], [-3, -4]])
        yield Case(cls(), [x, f32([0.5, 2])], [f32([[-0.5, 2], [-1.5, -8]])])
        yield Case(cls(), [i32([-2, 2]), i32([3])], [i32([-6, 2])])
        yield Case(cls(), [x, f32([1, 2, 3])], error="broadcast")
