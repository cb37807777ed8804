"""MaxRoiPool: the maxima of a grid of cells laid over each region of interest."""

from __future__ import annotations

import math
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import LikewiseError
from likewise.loop import F32, I32
from likewise.ops.case import Case, f32
from likewise.ops.checks import check_float, check_rank, check_same_dtype, unify
from likewise.ops.operator import Operator
from likewise.ops.pooling import lowest
from likewise.ops.windows import per_dim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop import Value
    from likewise.lower import Lowering, TensorView


class MaxRoiPool(Operator, versions=(1, 22)):
    """X [N, C, H, W] and rois [R, 5] of (image, x1, y1, x2, y2) are [R, C, *pooled_shape].

    ONNX does not say how a region falls on the elements; onnxruntime (and Fast R-CNN before it)
    decide: corners are scaled and rounded half away from zero, both belong to the region, cells
    grow to whole elements, and an empty cell is 0.
    """

    pooled_shape: tuple[int, ...]
    spatial_scale: float = 1.0

    def infer(self, X: TensorType, rois: TensorType) -> TensorType:
        check_float(X, "X")
        check_same_dtype(X=X, rois=rois)
        check_rank(X, 4, "X")
        check_rank(rois, 2, "rois")
        unify(rois.shape[1], 5, "the numbers that a region has and takes")
        return X.with_shape((rois.shape[0], X.shape[1], *self._cells()))

    def _cells(self) -> tuple[int, ...]:
        return per_dim(self.pooled_shape, 2, 1, "pooled_shape")

    def evaluate(self, X: Array, rois: Array) -> Array:
        cells = self._cells()
        images = rois[:, 0].astype(np.int64)
        if images.size and (images.min() < 0 or images.max() >= X.shape[0]):
            raise LikewiseError("a region names an image that is not there", given=images.tolist())
        scaled = rois[:, 1:].astype(np.float32) * np.float32(self.spatial_scale)
        corners = np.trunc(scaled + np.copysign(np.float32(0.5), scaled)).astype(np.int64)
        y = np.empty((len(rois), X.shape[1], *cells), X.dtype)
        for roi, (image, (x1, y1, x2, y2)) in enumerate(zip(images, corners, strict=True)):
            rows = _maxima(X[image], 1, y1, y2, cells[0])
            y[roi] = _maxima(rows, 2, x1, x2, cells[1])
        y[np.isneginf(y) & _empty(corners, X.shape[2:], cells)[:, None]] = 0
        return y

    def lower(self, lowering: Lowering, x: TensorView, rois: TensorView) -> TensorView:
        x, rois = lowering.settle(x), lowering.materialise(rois)
        cells = self._cells()
        y = lowering.empty(x.dtype, (rois.shape[0], x.shape[1], *cells))
        with lowering.kernel(f"{x.storage}_maxroipool") as k, ExitStack() as loops:
            index = [loops.enter_context(k.loop(n)) for n in y.shape]
            roi, channel = index[:2]

            def corner(column: int) -> Value:
                at = rois.read(k, (roi, k.index(column))).cast(F32) * self.spatial_scale
                half = k.apply("copysign", k.const(0.5, F32), at)
                return (at + half).cast(I32)

            image = rois.read(k, (roi, k.index(0))).cast(I32)
            image = k.min(k.max(image, 0), x.shape[0] - 1)
            edges = []
            for axis, (first, last) in enumerate(((2, 4), (1, 3))):
                start, end = corner(first), corner(last)
                part = k.max(end - start + 1, 1).cast(F32) / float(cells[axis])
                at = index[2 + axis].cast(F32)
                below = k.apply("floor", at * part).cast(I32) + start
                above = k.apply("ceil", (at + 1) * part).cast(I32) + start
                size = x.shape[2 + axis]
                edges.append([k.min(k.max(one, 0), size) for one in (below, above)])
            (top, bottom), (left, right) = edges
            best = k.var(k.const(-math.inf, x.storage.value))
            with k.loop(top, bottom) as row, k.loop(left, right) as column:
                best.set(k.max(best.get(), x.read(k, (image, channel, row, column))))
            empty = (bottom <= top) | (right <= left)
            buffer, position = y.address(k, tuple(index))
            k.write(buffer, position, k.select(empty, 0, best.get()))
        return y

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
        pool = cls(pooled_shape=(2, 2))
        yield Case(pool, [x, f32([[0, 0, 0, 3, 3]])], [f32([[[[5, 7], [13, 15]]]])])
        yield Case(pool, [x, f32([[0, 1, 1, 3, 3]])], [f32([[[[10, 11], [14, 15]]]])])
        yield Case(pool, [x, f32([[0, 3, 3, 6, 6]])], [f32([[[[15, 0], [0, 0]]]])])
        half = cls(pooled_shape=(1, 1), spatial_scale=0.5)
        yield Case(half, [x, f32([[0, 0, 0, 2, 4]])], [f32([[[[9]]]])])
        yield Case(pool, [x, f32([[1, 0, 0, 3, 3]])], error="an image that is not there")


def _bounds(first: int, last: int, size: int, cells: int) -> tuple[Array, Array]:
    """Where each of `cells` equal parts of first … last begins and ends, kept within `size`."""
    part = np.float32(max(last - first + 1, 1)) / np.float32(cells)
    edges = np.arange(cells + 1, dtype=np.float32) * part
    starts = np.floor(edges[:-1]).astype(np.int64) + first
    ends = np.ceil(edges[1:]).astype(np.int64) + first
    return starts.clip(0, size), ends.clip(0, size)


def _maxima(x: Array, axis: int, first: int, last: int, cells: int) -> Array:
    """The maximum of each cell along `axis`; minus infinity for an empty one."""
    starts, ends = _bounds(first, last, x.shape[axis], cells)
    lead = (slice(None),) * axis
    parts = [
        x[(*lead, slice(start, end))].max(axis, initial=lowest(x.dtype))
        for start, end in zip(starts, ends, strict=True)
    ]
    return np.stack(parts, axis)


def _empty(corners: Array, sizes: tuple[int, ...], cells: tuple[int, ...]) -> Array:
    """Which cells of each region hold no element: [R, *cells]."""
    found = np.zeros((len(corners), *cells), bool)
    for roi, (x1, y1, x2, y2) in enumerate(corners):
        top, bottom = _bounds(y1, y2, sizes[0], cells[0])
        left, right = _bounds(x1, x2, sizes[1], cells[1])
        found[roi] = (bottom <= top)[:, None] | (right <= left)
    return found
