"""CenterCropPad: the middle of a tensor, or the tensor in the middle of zeros."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, fresh
from likewise.ops.case import Case, i32, i64
from likewise.ops.checks import check_dtype, check_rank, normalize_axes, unify
from likewise.ops.operator import Operator, V
from likewise.ops.sizes import known_dims

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class CenterCropPad(Operator, versions=(18,)):
    """`axes` (all) are cropped or padded with zeros to the sizes `shape`, centred.

    Of an odd number of elements, one more is cropped, or padded, behind than before.
    """

    axes: tuple[int, ...] | None = None

    def infer(self, input_data: TensorType, shape: TensorType) -> TensorType:
        check_dtype(shape, {DType.INT32, DType.INT64}, "shape")
        check_rank(shape, 1, "shape")
        where = self._where(input_data.rank)
        unify(shape.shape[0], len(where), "the number of sizes and of axes")
        sizes = known_dims(shape) or [fresh("crop") for _ in where]
        if any(isinstance(size, int) and size < 0 for size in sizes):
            raise InferenceError("shape has a negative size", given=sizes)
        dims = list(input_data.shape)
        for axis, size in zip(where, sizes, strict=True):
            dims[axis] = size
        return input_data.with_shape(dims)

    def _where(self, rank: int) -> tuple[int, ...]:
        return normalize_axes(range(rank) if self.axes is None else self.axes, rank)

    def expand(self, b: Builder[V], x: V, shape: V) -> V:
        axes = b.ints(*self._where(b.type(x).rank))
        wanted = b.Cast(shape, to=DType.INT64.value)
        sizes, two = b.Gather(b.Shape(x), axes), b.ints(2)
        start = b.Div(b.Max(b.Sub(sizes, wanted), b.ints(0)), two)
        cropped = b.Slice(x, start, b.Add(start, b.Min(sizes, wanted)), axes)
        missing = b.Max(b.Sub(wanted, sizes), b.ints(0))
        before = b.Div(missing, two)
        pads = b.Concat(before, b.Sub(missing, before), axis=0)
        made: V = b.Pad(cropped, pads, None, axes)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(20, dtype=np.float32).reshape(4, 5)
        yield Case(cls(), [x, i64([3, 2])], [x[0:3, 1:3]])
        padded = np.zeros((7, 5), np.float32)
        padded[1:5] = x
        yield Case(cls(axes=(-2,)), [x, i32([7])], [padded])
        yield Case(cls(axes=(1, 0)), [x, i64([3, 7])], [padded[:, 1:4]])
        yield Case(cls(), [x, i64([0, 1])], [x[:0, :1]])
        yield Case(cls(), [x, i64([3])], error="the number of sizes and of axes differ")
        yield Case(cls(axes=(2,)), [x, i64([3])], error="axes: 2 is out of range")
