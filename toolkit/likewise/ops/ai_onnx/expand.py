"""Expand: a tensor repeated by broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import broadcast, check_dtype, check_rank
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array


class Expand(Operator, versions=(8, 13)):
    """The input broadcast together with `shape`, both ways: dims of 1 there change nothing."""

    symbolic = True

    def infer(self, input: TensorType, shape: TensorType) -> TensorType:  # noqa: A002 — ONNX's name
        check_dtype(shape, {DType.INT64}, "shape")
        check_rank(shape, 1, "shape")
        if shape.value is not None:
            wanted = tuple(int(n) if isinstance(n, np.integer) else n for n in shape.value)
            return input.with_shape(broadcast(input.shape, wanted))
        rank = shape.shape[0]
        if not isinstance(rank, int):
            return TensorType(input.dtype, None)
        return input.with_shape(fresh("expand") for _ in range(max(rank, input.rank)))

    def evaluate(self, input: Array, shape: Array) -> Array:  # noqa: A002 — ONNX's name
        return np.broadcast_to(input, np.broadcast_shapes(input.shape, tuple(shape.tolist())))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1], [2]])
        yield Case(cls(), [x, i64([2, 3])], [f32([[1, 1, 1], [2, 2, 2]])])
        yield Case(cls(), [x, i64([3, 1, 1])], [f32([[[1], [2]]] * 3)])
        yield Case(cls(), [x, i64([])], [x])
        yield Case(cls(), [f32(1), i64([2, 0])], [np.zeros((2, 0), np.float32)])
        yield Case(cls(), [x, i64([3, 1])], error="do not broadcast")
