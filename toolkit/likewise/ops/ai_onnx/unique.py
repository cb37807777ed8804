"""Unique: what occurs in a tensor, each element or slice once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType, TensorType, fresh
from likewise.ops.ai_onnx.gather import Gather
from likewise.ops.case import Case, f32, i64, strings
from likewise.ops.checks import normalize_axis
from likewise.ops.operator import Operator
from likewise.ops.sorting import group_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim, Shape
    from likewise.lower import Lowering, TensorView


class Unique(Operator, versions=(11, 28)):
    """The different elements, or slices along `axis`, in ascending order or as they first occur.

    Further outputs: where each first occurs, which of them every element of `X` is, how often
    each occurs. NaNs are equal to each other, as NumPy has it.
    """

    axis: int | None = None
    sorted: bool = True

    def infer(self, X: TensorType) -> tuple[TensorType, TensorType, TensorType, TensorType]:
        count = fresh("unique")
        dims: Shape = (count,)
        whole: Dim = fresh("unique") if X.dims is None else X.size
        if self.axis is not None:
            axis = normalize_axis(self.axis, X.rank)
            dims, whole = (*X.shape[:axis], count, *X.shape[axis + 1 :]), X.shape[axis]
        return (
            X.with_shape(dims),
            TensorType(DType.INT64, (count,)),
            TensorType(DType.INT64, (whole,)),
            TensorType(DType.INT64, (count,)),
        )

    def evaluate(self, X: Array) -> tuple[Array, Array, Array, Array]:
        axis = 0 if self.axis is None else self.axis
        x = X.reshape(-1) if self.axis is None else X
        keys = x
        if x.ndim > 1 and x.dtype.kind not in "biu":
            # Slices are compared as bytes and the like: integers in the order of the elements do.
            keys = np.unique(x, return_inverse=True)[1].reshape(x.shape)
        _, first, inverse, counts = np.unique(
            keys,
            return_index=True,
            return_inverse=True,
            return_counts=True,
            axis=axis if x.ndim > 1 else None,
        )
        inverse = inverse.reshape(-1)
        if not self.sorted:
            order = np.argsort(first, kind="stable")
            first, counts = first[order], counts[order]
            place = np.empty_like(order)
            place[order] = np.arange(len(order))
            inverse = place[inverse]
        indices, inverse, counts = (
            a.astype(np.int64, copy=False) for a in (first, inverse, counts)
        )
        return x.take(first, axis), indices, inverse, counts

    def lower(self, lowering: Lowering, X: TensorView) -> tuple[TensorView, ...]:
        axis = 0 if self.axis is None else self.axis % X.rank
        x = lowering.settle(X.reshape((X.size,)) if self.axis is None else X)
        keys = lowering.cast(x, DType.UINT8) if x.dtype is DType.BOOL else x
        rows = keys.transpose([axis, *(i for i in range(x.rank) if i != axis)])
        size = x.shape[axis]
        rows = lowering.materialise(rows.reshape((size, x.size // max(size, 1))))
        groups = group_rows(lowering, rows, by_value=self.sorted)
        y = Gather(axis=axis).lower(lowering, x, groups.first)
        return (
            y.ending(axis, groups.count),
            groups.first.ending(0, groups.count),
            groups.group,
            groups.sizes.ending(0, groups.count),
        )[: self.wanted]

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([2, 1, 1, 3, 4, 3])
        first = cls(wanted=4)
        yield Case(
            first,
            [x],
            [f32([1, 2, 3, 4]), i64([1, 0, 3, 4]), i64([1, 0, 0, 2, 3, 2]), i64([2, 1, 2, 1])],
        )
        yield Case(
            cls(sorted=False, wanted=4),
            [x],
            [f32([2, 1, 3, 4]), i64([0, 1, 3, 4]), i64([0, 1, 1, 2, 3, 2]), i64([1, 2, 2, 1])],
        )
        rows = f32([[1, 0, 0], [1, 0, 0], [-2, 3, 4]])
        yield Case(cls(axis=0), [rows], [rows[[2, 0]], i64([2, 0]), i64([1, 1, 0]), i64([1, 2])])
        yield Case(cls(axis=-1), [rows], [rows[:, [1, 2, 0]]])
        yield Case(cls(), [rows], [f32([-2, 0, 1, 3, 4])])
        words = strings([["b", "a"], ["b", "a"]])
        yield Case(cls(axis=0), [words], [words[:1], i64([0]), i64([0, 0]), i64([2])])
        nothing = np.zeros(0, np.int64)
        yield Case(first, [x[:0]], [x[:0], nothing, nothing, nothing])
        yield Case(cls(), [f32([np.nan, 1, np.nan])], [f32([1, np.nan])])
        yield Case(cls(axis=2), [rows], error="axis 2 is out of range")
