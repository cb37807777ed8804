"""GridSample: values of an image at places that a grid names."""

from __future__ import annotations

import itertools
from functools import reduce
from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.case import Case, f32, i32
from likewise.ops.checks import check_float, unify
from likewise.ops.interpolation import computed_dtype, cubic
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import OldForm


class GridSample(Operator, versions=(16, 20, 22)):
    """Samples x [N, C, d1 … dr] at grid [N, D1 … Dr, r], coordinates -1 to 1, the last axis first.

    Beyond the edge are zeros, the edge itself, or the reflection about it (about the middle of
    the outermost elements with `align_corners`, else about their outer side).
    """

    align_corners: bool = False
    mode: Literal["linear", "nearest", "cubic"] = "linear"
    padding_mode: Literal["zeros", "border", "reflection"] = "zeros"

    def infer(self, x: TensorType, grid: TensorType) -> TensorType:
        check_float(grid, "grid")
        if x.rank < 3 or grid.rank != x.rank:
            raise InferenceError(
                "X and grid must have equal ranks of at least 3", given=f"X {x} and grid {grid}"
            )
        unify(grid.shape[-1], x.rank - 2, "the coordinates in grid and the spatial dims of X")
        batch = unify(x.shape[0], grid.shape[0], "the batches of X and grid")
        return x.with_shape((batch, x.shape[1], *grid.shape[1:-1]))

    def evaluate(self, x: Array, grid: Array) -> Array:
        batch, channels, *spatial = x.shape
        shape = (batch, channels, *grid.shape[1:-1])
        if 0 in shape or 0 in spatial:
            return np.zeros(shape, x.dtype)
        rows = np.moveaxis(x, 1, -1).reshape(-1, channels)
        if self.mode == "nearest":
            made = self._sum_of_taps(rows, grid, batch, spatial)
        else:
            made = self._sum_of_taps(rows.astype(computed_dtype(x.dtype)), grid, batch, spatial)
        made = np.moveaxis(made.reshape(batch, *grid.shape[1:-1], channels), -1, 1)
        return made.astype(x.dtype, order="C", copy=False)

    def _sum_of_taps(self, rows: Array, grid: Array, batch: int, spatial: list[int]) -> Array:
        """[N * places, C]: what the places see, from the elements as `rows` [N * elements, C]."""
        places = grid.reshape(batch, -1, len(spatial))
        axes = [
            self._axis_taps(places[..., -1 - axis], length) for axis, length in enumerate(spatial)
        ]
        start = (np.arange(batch) * int(np.prod(spatial)))[:, None]

        def part(taps: tuple[tuple[Array, Array, Array], ...]) -> Array:
            index, weight, inside = np.zeros(places.shape[:2], np.intp), None, None
            for (one, share, within), length in zip(taps, spatial, strict=True):
                index = index * length + one
                weight = share if weight is None else weight * share
                inside = within if inside is None else inside & within
            picked = rows[(index + start).ravel()]
            if self.mode != "nearest" and weight is not None:
                picked *= weight.reshape(-1, 1).astype(picked.real.dtype)
            if self.padding_mode == "zeros" and inside is not None:
                picked[~inside.ravel()] = "" if picked.dtype == object else 0
            return picked

        return reduce(lambda a, b: np.add(a, b, out=a), map(part, itertools.product(*axes)))

    def _axis_taps(self, grid: Array, length: int) -> list[tuple[Array, Array, Array]]:
        """The elements along one axis that each place sees: index, weight, whether it exists."""
        one: Array = grid.astype(np.float64 if grid.dtype == np.float64 else np.float32)
        if self.align_corners:
            place: Array = (one + 1) * ((length - 1) / 2)
        else:
            place = ((one + 1) * length - 1) / 2
        if self.mode == "nearest":
            steps, base = range(1), np.rint(place)
        else:
            steps, base = range(2) if self.mode == "linear" else range(-1, 3), np.floor(place)
        # A place that is not a number has such weights; its index only has to exist.
        far = float(2**31)
        whole = np.nan_to_num(np.clip(base, -far, far)).astype(np.int64)
        taps = []
        for step in steps:
            index = whole + step
            distance = np.abs(place - base - step)
            weight = cubic(distance, -0.75) if self.mode == "cubic" else 1 - distance
            inside = (index >= 0) & (index < length)
            taps.append((self._padded(index, length), weight, inside))
        return taps

    def _padded(self, index: Array, length: int) -> Array:
        if self.padding_mode == "reflection":
            period = 2 * (length - 1) if self.align_corners else 2 * length
            index = np.mod(index, max(period, 1))
            index = np.minimum(index, period - index - (0 if self.align_corners else 1))
        return np.clip(index, 0, length - 1)

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        mode = old.attributes.get("mode", "linear")
        mode = mode.decode() if isinstance(mode, bytes) else mode
        old.attributes["mode"] = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[[0, 1], [2, 3]]]])
        grid = f32([[[[-0.5, -0.5], [0, 0]], [[0.5, -0.5], [1, 1]]]])
        yield Case(cls(), [x, grid], [f32([[[[0, 1.5], [1, 0.75]]]])])
        yield Case(cls(padding_mode="border"), [x, grid], [f32([[[[0, 1.5], [1, 3]]]])])
        yield Case(cls(align_corners=True), [x, grid], [f32([[[[0.75, 1.5], [1.25, 3]]]])])
        far = f32([[[[-2.5, -0.5], [2, 0.5]]]])
        nearest = cls(mode="nearest", padding_mode="reflection")
        yield Case(nearest, [x, far], [f32([[[[1, 3]]]])])
        yield Case(cls(mode="cubic"), [x, grid[:, :1, 1:]], [f32([[[[6 * 0.59375**2]]]])])
        yield Case(cls(), [i32([[[2, 5]]]), f32([[[0]]])], [i32([[[3]]])])
        yield Case(cls(), [x, grid[:, :0]], [np.zeros((1, 1, 0, 2), np.float32)])
        yield Case(cls(), [x, grid[..., :1]], error="the coordinates in grid and the spatial dims")
        yield Case(cls(), [x, x[0]], error="must have equal ranks")
