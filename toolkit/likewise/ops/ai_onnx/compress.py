"""Compress: the slices for which a condition is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType, fresh
from likewise.loop import I64
from likewise.ops.ai_onnx.gather import Gather
from likewise.ops.case import Case, boolean, f32, i64
from likewise.ops.checks import check_dtype, check_rank, normalize_axis
from likewise.ops.operator import Operator
from likewise.ops.selection import counting, zeros

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim, TensorType
    from likewise.lower import Lowering, TensorView


class Compress(Operator, versions=(9, 11, 28)):
    """The slices along `axis`, or the elements in row-major order, where `condition` is true.

    `condition` may be shorter than the axis; what is behind its end is left out.
    """

    axis: int | None = None
    on_narrow = "take"

    def infer(self, input: TensorType, condition: TensorType) -> TensorType:  # noqa: A002 — ONNX's name
        check_dtype(condition, {DType.BOOL}, "condition")
        check_rank(condition, 1, "condition")
        count: Dim = fresh("compress")
        if condition.constant is not None:
            count = int(np.count_nonzero(condition.constant))
        if self.axis is None:
            return input.with_shape((count,))
        if input.rank == 0:
            raise InferenceError("input has no dims", allowed="1 dim or more")
        axis = normalize_axis(self.axis, input.rank)
        return input.with_shape((*input.shape[:axis], count, *input.shape[axis + 1 :]))

    def evaluate(self, x: Array, condition: Array) -> Array:
        size = x.size if self.axis is None else x.shape[self.axis]
        chosen = np.flatnonzero(condition)
        if chosen.size and chosen[-1] >= size:
            raise LikewiseError(
                "condition is true beyond the end",
                given=f"index {chosen[-1]}",
                allowed=f"{size} elements",
            )
        return x.take(chosen, self.axis)

    def lower(self, lowering: Lowering, x: TensorView, condition: TensorView) -> TensorView:
        axis = 0 if self.axis is None else self.axis % x.rank
        x = x.reshape((x.size,)) if self.axis is None else x
        if condition.data is not None:
            places = lowering.constant(np.flatnonzero(condition.data))
            return Gather(axis=axis).lower(lowering, x, places)
        size = min(condition.size, x.shape[axis])
        places = lowering.empty(DType.INT64, (size,))
        with counting(lowering, "bool_compress") as (k, number, count):
            zeros(k, places)
            with k.loop(size) as at, k.if_(condition.read(k, (at,))):
                k.write(*places.address(k, (number.get(),)), at.cast(I64))
                number.set(number.get() + 1)
        return Gather(axis=axis).lower(lowering, x, places).ending(axis, count)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2], [3, 4], [5, 6]])
        yield Case(cls(axis=0), [x, boolean([False, True, True])], [x[1:]])
        yield Case(cls(axis=-1), [x, boolean([False, True])], [x[:, 1:]])
        yield Case(cls(), [x, boolean([False, True, False, False, True])], [f32([2, 5])])
        yield Case(cls(axis=0), [x, np.zeros(0, bool)], [x[:0]])
        yield Case(cls(axis=1), [x, boolean([False, False, True])], error="true beyond the end")
        yield Case(cls(), [x, i64([1])], error="condition has an element type")
