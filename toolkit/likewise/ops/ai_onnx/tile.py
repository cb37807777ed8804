"""Tile: a tensor repeated along its axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, fresh
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_rank, normalize_axis
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import OldForm


class Tile(Operator, versions=(1, 6, 13)):
    """Axis i of the input `repeats[i]` times, one after the other."""

    def infer(self, input: TensorType, repeats: TensorType) -> TensorType:  # noqa: A002 — ONNX's name
        check_dtype(repeats, {DType.INT64}, "repeats")
        check_rank(repeats, 1, "repeats")
        count = repeats.shape[0]
        if isinstance(count, int) and count != input.rank:
            raise InferenceError(
                "repeats does not name every axis", given=count, allowed=input.rank
            )
        if repeats.value is None:
            return input.with_shape(fresh("tile") for _ in input.shape)
        times = [int(n) if isinstance(n, np.integer) else n for n in repeats.value]
        return input.with_shape(d * n for d, n in zip(input.shape, times, strict=True))

    def evaluate(self, input: Array, repeats: Array) -> Array:  # noqa: A002 — ONNX's name
        return np.tile(input, repeats.tolist())

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        """Opset 1: the inputs `tiles` and `axis` are scalars; axis must be known."""
        if old.opset >= 6:
            return None
        x, axis = old.type(0), old.type(2)
        if x is None or axis is None or axis.constant is None:
            raise InferenceError("the axis of the old form is not a constant")
        b = old.builder
        at = normalize_axis(int(axis.constant.item()), x.rank)
        one = [b.ints(*[1] * at)] if at else []
        behind = [b.ints(*[1] * (x.rank - at - 1))] if at + 1 < x.rank else []
        times = b.Reshape(b.Cast(old.inputs[1], to=DType.INT64.value), b.ints(1))
        return b.Tile(old.inputs[0], b.Concat(*one, times, *behind, axis=0))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2]])
        yield Case(cls(), [x, i64([2, 2])], [f32([[1, 2, 1, 2]] * 2)])
        yield Case(cls(), [x, i64([0, 1])], [x[:0]])
        yield Case(cls(), [f32(3), i64([])], [f32(3)])
        yield Case(cls(), [x, i64([2])], error="repeats does not name every axis")
