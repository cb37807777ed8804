"""RoiAlign: regions of an image pooled to one size, without rounding their borders."""

from __future__ import annotations

import itertools
import math
from functools import reduce
from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.ir import DType, TensorType
from likewise.loop import I32
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_float, check_rank, check_same_dtype, unify
from likewise.ops.interpolation import computed_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView
    from likewise.ops.build import OldForm

_AT_ONCE = 1 << 22
"""Elements gathered at a time, so that many regions do not need memory for all at once."""


class RoiAlign(Operator, versions=(10, 16, 22)):
    """Means (or maxima) of bilinear samples in each bin of each region [x1, y1, x2, y2].

    x [N, C, H, W], rois [R, 4], batch_indices [R] give [R, C, output_height, output_width].
    `sampling_ratio` samples a bin and axis; 0: as many as the bin has elements, rounded up.
    `max` takes the greatest of the weighted corners of all samples, as onnxruntime does.
    """

    bounded = False  # a region may have any number of samples

    coordinate_transformation_mode: Literal["half_pixel", "output_half_pixel"] = "half_pixel"
    mode: Literal["avg", "max"] = "avg"
    output_height: int = 1
    output_width: int = 1
    sampling_ratio: int = 0
    spatial_scale: float = 1.0

    def infer(self, x: TensorType, rois: TensorType, batch_indices: TensorType) -> TensorType:
        check_float(x, "X")
        check_same_dtype(X=x, rois=rois)
        check_dtype(batch_indices, {DType.INT64}, "batch_indices")
        check_rank(x, 4, "X")
        check_rank(rois, 2, "rois")
        check_rank(batch_indices, 1, "batch_indices")
        unify(rois.shape[1], 4, "the numbers of a roi and 4")
        count = unify(rois.shape[0], batch_indices.shape[0], "the counts of rois and batch_indices")
        return x.with_shape((count, x.shape[1], self.output_height, self.output_width))

    def evaluate(self, x: Array, rois: Array, batch_indices: Array) -> Array:
        _, channels, height, width = x.shape
        dtype = computed_dtype(x.dtype)
        made = np.zeros((len(rois), channels, self.output_height, self.output_width), dtype)
        rows = np.ascontiguousarray(np.moveaxis(x, 1, -1)).astype(dtype, copy=False)
        start, size = self._regions(rois.astype(dtype))
        bins = size / np.array([self.output_height, self.output_width], dtype)
        counts = np.maximum(np.ceil(bins), 0).astype(np.int64)
        if self.sampling_ratio > 0:
            counts[:] = self.sampling_ratio
        for count in np.unique(counts, axis=0):
            if not count.all():
                continue  # a region without extent has no samples
            same = np.flatnonzero((counts == count).all(1))
            samples = channels * self.output_height * self.output_width * int(count.prod())
            step = max(1, _AT_ONCE // max(samples, 1))
            for first in range(0, len(same), step):
                some = same[first : first + step]
                y = _taps(start[some, 0], bins[some, 0], self.output_height, count[0], height)
                x_taps = _taps(start[some, 1], bins[some, 1], self.output_width, count[1], width)
                made[some] = self._pooled(rows, batch_indices[some], y, x_taps)
        return made.astype(x.dtype, copy=False)

    def _regions(self, rois: Array) -> tuple[Array, Array]:
        """The starts and the extents [R, 2] of the regions, y before x, in elements of X."""
        half = self.coordinate_transformation_mode == "half_pixel"
        ends = rois * rois.dtype.type(self.spatial_scale) - rois.dtype.type(0.5 if half else 0)
        start, end = ends[:, 1::-1], ends[:, :1:-1]
        return start, end - start if half else np.maximum(end - start, 1)

    def _pooled(
        self,
        rows: Array,
        batch: Array,
        y: list[tuple[Array, Array]],
        x: list[tuple[Array, Array]],
    ) -> Array:
        """[R, C, h, w] from rows [N, H, W, C] and the taps [R, h, samples] along both axes."""
        image = batch.reshape(-1, 1, 1, 1, 1)
        parts = []
        for (y_index, y_weight), (x_index, x_weight) in itertools.product(y, x):
            part = rows[image, y_index[:, :, :, None, None], x_index[:, None, None, :, :]]
            weight = y_weight[:, :, :, None, None] * x_weight[:, None, None, :, :]
            part *= weight[..., None]
            parts.append(part.max((2, 4)) if self.mode == "max" else part.mean((2, 4)))
        total = reduce(np.maximum if self.mode == "max" else np.add, parts)
        return np.moveaxis(total, -1, 1)

    def lower(
        self, lowering: Lowering, x: TensorView, rois: TensorView, batch: TensorView
    ) -> TensorView:
        x, rois, batch = lowering.settle(x), lowering.materialise(rois), lowering.materialise(batch)
        y = lowering.empty(
            x.dtype, (rois.shape[0], x.shape[1], self.output_height, self.output_width)
        )
        half = 0.5 if self.coordinate_transformation_mode == "half_pixel" else 0.0
        with lowering.kernel(f"{x.storage}_roialign") as k, k.loop(y.shape[0]) as roi:
            image = k.min(k.max(batch.read(k, (roi,)).cast(I32), 0), x.shape[0] - 1)
            starts, bins, counts = [], [], []
            for axis, cells in ((1, self.output_height), (0, self.output_width)):
                start, end = (
                    rois.read(k, (roi, k.index(at))) * self.spatial_scale - half
                    for at in (axis, axis + 2)
                )
                size = end - start if half else k.max(end - start, 1)
                bins.append(size / float(cells))
                many = k.max(k.apply("ceil", bins[-1]).cast(I32), 0)
                counts.append(k.index(self.sampling_ratio) if self.sampling_ratio > 0 else many)
                starts.append(start)
            with (
                k.loop(y.shape[2]) as row,
                k.loop(y.shape[3]) as column,
                k.loop(y.shape[1]) as channel,
            ):
                total = k.var(k.const(0 if self.mode == "avg" else -math.inf, x.storage.value))
                with k.loop(counts[0]) as down, k.loop(counts[1]) as right:
                    taps = [
                        _lower_taps(k, start, one, (place, sample, count), length)
                        for start, one, place, sample, count, length in zip(
                            starts,
                            bins,
                            (row, column),
                            (down, right),
                            counts,
                            x.shape[2:],
                            strict=True,
                        )
                    ]
                    for (y_at, y_weight), (x_at, x_weight) in itertools.product(*taps):
                        value = x.read(k, (image, channel, y_at, x_at)) * (y_weight * x_weight)
                        old = total.get()
                        total.set(old + value if self.mode == "avg" else k.max(old, value))
                found = total.get()
                count = counts[0] * counts[1]
                if self.mode == "avg":
                    found = found / k.max(count, 1).cast(found.type)
                buffer, position = y.address(k, (roi, channel, row, column))
                k.write(buffer, position, k.select(count > 0, found, 0))
        return y

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        if old.opset < 16:
            old.attributes["coordinate_transformation_mode"] = "output_half_pixel"

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
        whole, first = f32([[0, 0, 4, 4]]), i64([0])
        pooled = cls(output_height=2, output_width=2)
        yield Case(pooled, [x, whole, first], [f32([[[[2.5, 4.5], [10.5, 12.5]]]])])
        yield Case(cls(), [x, f32([[1, 1, 2, 2]]), first], [f32([[[[5]]]])])
        yield Case(
            cls(coordinate_transformation_mode="output_half_pixel", sampling_ratio=1),
            [x, f32([[1, 1, 2, 2]]), first],
            [f32([[[[7.5]]]])],
        )
        none = np.zeros((0, 4), np.float32)
        yield Case(pooled, [x, none, first[:0]], [np.zeros((0, 1, 2, 2), np.float32)])
        yield Case(cls(), [x, whole[:, :3], first], error="the numbers of a roi and 4 differ")
        yield Case(cls(), [x[0], whole, first], error="X has 3 dims")


def _lower_taps(
    k: Kernel, start: Value, size: Value, place: tuple[Value, Value, Value], length: int
) -> list[tuple[Value, Value]]:
    """Index and weight of the elements before and behind one sample: `_taps` of (bin, sample)."""
    cell, sample, count = place
    one = start.type
    within = (sample.cast(one) + 0.5) / count.cast(one)
    at = start + cell.cast(one) * size + within * size
    seen = (at >= -1.0) & (at <= float(length))
    at = k.min(k.max(k.select(at.eq(at), at, 0), 0), float(length - 1))
    low = at.cast(I32)
    high = k.min(low + 1, length - 1)
    over = at - low.cast(one)
    zero = k.const(0, one)
    return [(low, k.select(seen, 1.0 - over, zero)), (high, k.select(seen, over, zero))]


def _taps(
    start: Array, size: Array, bins: int, count: int, length: int
) -> list[tuple[Array, Array]]:
    """Index and weight [R, bins, count] of the elements before and behind each sample."""
    at = np.arange(bins, dtype=start.dtype)[:, None] * size[:, None, None]
    within = (np.arange(count, dtype=start.dtype) + start.dtype.type(0.5)) / start.dtype.type(count)
    place = start[:, None, None] + at + within * size[:, None, None]
    seen = (place >= -1) & (place <= length)
    place = np.clip(np.nan_to_num(place), 0, length - 1)
    low = place.astype(np.intp)
    high = np.minimum(low + 1, length - 1)
    over = place - low
    return [(low, (1 - over) * seen), (high, over * seen)]
