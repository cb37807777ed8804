"""Trilu: the upper or lower triangle of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder


class Trilu(Operator, versions=(14,)):
    """Zero below (`upper`) or above diagonal `k` (0, the main one) of the last two dims."""

    upper: bool = True
    on_narrow = "take"

    def infer(self, input: TensorType, k: TensorType | None = None) -> TensorType:  # noqa: A002 — ONNX's name
        if input.rank < 2:
            raise InferenceError("input is no matrix", given=input, allowed="2 dims or more")
        if k is not None:
            check_dtype(k, {DType.INT64}, "k")
            if k.constant is not None and k.constant.size != 1:
                raise InferenceError("k is not one number", given=k)
        return input.with_shape(input.shape)

    def evaluate(self, x: Array, k: Array | None = None) -> Array:
        rows, columns = x.shape[-2:]
        diagonal = 0 if k is None else max(-rows, min(int(k.item()), columns))
        below = np.tri(rows, columns, diagonal - 1 if self.upper else diagonal, dtype=bool)
        nothing = np.zeros((), x.dtype)
        return np.where(below, nothing, x) if self.upper else np.where(below, x, nothing)

    def expand(self, b: Builder[V], x: V, k: V | None = None) -> V:
        rank = b.type(x).rank
        zero, one = b.constant(0, DType.INT64), b.constant(1, DType.INT64)
        rows, columns = (
            b.Range(zero, b.Squeeze(b.Shape(x, start=axis, end=axis + 1), b.ints(0)), one)
            for axis in (rank - 2, rank - 1)
        )
        distance = b.Sub(columns, b.Unsqueeze(rows, b.ints(1)))
        diagonal = zero if k is None else b.Reshape(k, b.ints())
        compare = b.GreaterOrEqual if self.upper else b.LessOrEqual
        made: V = b.Where(compare(distance, diagonal), x, b.constant(0, b.type(x).dtype))
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2, 3], [4, 5, 6]])
        yield Case(cls(), [x], [f32([[1, 2, 3], [0, 5, 6]])])
        yield Case(cls(), [x, i64(1)], [f32([[0, 2, 3], [0, 0, 6]])])
        yield Case(cls(upper=False), [x, i64([-1])], [f32([[0, 0, 0], [4, 0, 0]])])
        yield Case(cls(upper=False), [np.stack([x, x]), i64(9)], [np.stack([x, x])])
        yield Case(cls(), [x, i64(2**62)], [np.zeros((2, 3), np.float32)])
        yield Case(cls(), [np.zeros((2, 0), np.float32)], [np.zeros((2, 0), np.float32)])
        yield Case(cls(), [x[0]], error="input is no matrix")
