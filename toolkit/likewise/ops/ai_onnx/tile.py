"""Tile: a tensor repeated along its dims."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, f32, i64, strings
from likewise.ops.checks import check_dtype, check_rank, unify
from likewise.ops.operator import Operator
from likewise.ops.sizes import known_dims
from likewise.ops.static import output_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Index, Kernel, Lowering, TensorView
    from likewise.ops.build import OldForm


class Tile(Operator, versions=(1, 6, 13)):
    """`input` as often as `repeats` says, one number a dim.

    Opset 1 repeated along a single axis.
    """

    symbolic = True
    on_narrow = "take"

    def infer(self, input: TensorType, repeats: TensorType) -> TensorType:  # noqa: A002 — ONNX's name
        check_dtype(repeats, {DType.INT64}, "repeats")
        check_rank(repeats, 1, "repeats")
        unify(repeats.shape[0], input.rank, "the number of repeats and the rank of the input")
        times = known_dims(repeats)
        if times is None:
            return input.with_shape(0 if dim == 0 else fresh("tile") for dim in input.shape)
        if any(isinstance(n, int) and n < 0 for n in times):
            raise InferenceError("repeats is negative", given=times, allowed="0 or more")
        return input.with_shape(dim * n for dim, n in zip(input.shape, times, strict=True))

    def evaluate(self, x: Array, repeats: Array) -> Array:
        return np.tile(x, repeats.tolist())

    def lower(self, lowering: Lowering, x: TensorView, repeats: TensorView) -> TensorView:
        shape = output_shape(self, x, repeats)
        x = lowering.shared(x, 2)

        def back(_: Kernel, index: Index) -> list[Value]:
            return [at % max(n, 1) for at, n in zip(index, x.shape, strict=True)]

        return x.viewed(shape, back)

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        x = old.type(0)
        if old.opset >= 6 or x is None:
            return None
        b = old.builder
        tiles, axis = (
            b.Reshape(b.Cast(v, to=DType.INT64.value), b.ints(1)) for v in old.inputs[1:]
        )
        return b.Tile(old.inputs[0], b.ScatterElements(b.ints(*[1] * x.rank), axis, tiles))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2], [3, 4]])
        yield Case(cls(), [x, i64([1, 2])], [f32([[1, 2, 1, 2], [3, 4, 3, 4]])])
        yield Case(cls(), [x, i64([2, 1])], [f32([[1, 2], [3, 4], [1, 2], [3, 4]])])
        yield Case(cls(), [x, i64([0, 1])], [x[:0]])
        yield Case(cls(), [f32(1), np.zeros(0, np.int64)], [f32(1)])
        yield Case(cls(), [strings(["a"]), i64([2])], [strings(["a", "a"])])
        yield Case(cls(), [x, i64([2])], error="number of repeats and the rank of the input differ")
        yield Case(cls(), [x, i64([2, -1])], error="repeats is negative")
