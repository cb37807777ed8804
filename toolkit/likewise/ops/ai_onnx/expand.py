"""Expand: a tensor broadcast to a shape, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import LikewiseError
from likewise.ir import DType, TensorType, checked_rank, fresh
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import broadcast, check_dtype, check_rank
from likewise.ops.operator import Operator
from likewise.ops.sizes import known_dims
from likewise.ops.static import output_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim
    from likewise.lower import Lowering, TensorView


class Expand(Operator, versions=(8, 13)):
    """`input` broadcast with `shape`: where `shape` is 1 or lacks a dim, the input's dim stays.

    The result is a view that cannot be written to.
    """

    symbolic = True
    on_narrow = "take"

    def infer(self, input: TensorType, shape: TensorType) -> TensorType:  # noqa: A002 — ONNX's name
        check_dtype(shape, {DType.INT64}, "shape")
        check_rank(shape, 1, "shape")
        wanted = known_dims(shape)
        if wanted is not None:
            return input.with_shape(broadcast(input.shape, tuple(wanted)))
        rank = shape.shape[0]
        if not isinstance(rank, int):
            return TensorType(input.dtype, None)
        dims: tuple[Dim, ...] = (1,) * (checked_rank(rank) - input.rank) + input.shape
        return input.with_shape(
            dim if isinstance(dim, int) and dim != 1 else fresh("expand") for dim in dims
        )

    def evaluate(self, x: Array, shape: Array) -> Array:
        wanted = shape.tolist()
        try:
            return np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(wanted)))
        except ValueError:
            raise LikewiseError(
                "the shapes do not broadcast", given=f"{list(x.shape)} and {wanted}"
            ) from None

    def lower(self, _: Lowering, x: TensorView, shape: TensorView) -> TensorView:
        return x.broadcast(output_shape(self, x, shape))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1], [2], [3]])
        yield Case(cls(), [x, i64([2, 1, 2])], [f32([[[1, 1], [2, 2], [3, 3]]] * 2)])
        yield Case(cls(), [x, i64([4])], [f32([[1] * 4, [2] * 4, [3] * 4])])
        yield Case(cls(), [x, i64([1])], [x])
        yield Case(cls(), [f32(5), i64([0])], [np.zeros(0, np.float32)])
        yield Case(cls(), [f32(5), np.zeros(0, np.int64)], [f32(5)])
        yield Case(cls(), [x, i64([2, 1])], error="the shapes do not broadcast")
