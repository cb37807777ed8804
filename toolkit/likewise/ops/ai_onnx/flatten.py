"""Flatten: a matrix of the dims before an axis and those from it on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import product
from likewise.ops.case import Case, f32
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder


class Flatten(Operator, versions=(1, 9, 11, 13, 21, 23, 24, 25)):
    """[d0 … dn] as [d0 * … * d(axis-1), d(axis) * … * dn]; no dims at all make a 1."""

    axis: int = 1
    symbolic = True
    on_narrow = "take"

    def infer(self, input: TensorType) -> TensorType:  # noqa: A002 — ONNX's name
        axis = self._axis(input.rank)
        return input.with_shape((product(input.shape[:axis]), product(input.shape[axis:])))

    def _axis(self, rank: int) -> int:
        if not -rank <= self.axis <= rank:
            raise InferenceError(
                f"axis {self.axis} is out of range", allowed=f"{-rank} to {rank} for {rank} dims"
            )
        return self.axis + rank if self.axis < 0 else self.axis

    def evaluate(self, x: Array) -> Array:
        axis = self._axis(x.ndim)
        return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))

    def expand(self, b: Builder[V], x: V) -> V:
        axis = self._axis(b.type(x).rank)
        sides = [
            b.ReduceProd(b.Shape(x, start=start, end=end), b.ints(0))
            for start, end in ((0, axis), (axis, b.type(x).rank))
        ]
        made: V = b.Reshape(x, b.Concat(*sides, axis=0), allowzero=1)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
        yield Case(cls(), [x], [x.reshape(2, 12)])
        yield Case(cls(axis=0), [x], [x.reshape(1, 24)])
        yield Case(cls(axis=3), [x], [x.reshape(24, 1)])
        yield Case(cls(axis=-1), [x], [x.reshape(6, 4)])
        yield Case(cls(axis=1), [x[:0]], [np.zeros((0, 12), np.float32)])
        yield Case(cls(axis=0), [f32(5)], [f32([[5]])])
        yield Case(cls(axis=4), [x], error="axis 4 is out of range; allowed: -3 to 3 for 3 dims")
