"""GridSample: values of an image at places that a grid names."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from functools import reduce
from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.errors import InferenceError
from likewise.loop import F32, F64, I32
from likewise.ops.case import Case, f32, i32
from likewise.ops.checks import check_float, unify
from likewise.ops.interpolation import computed_dtype, cubic
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView
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

    def lower(self, lowering: Lowering, x: TensorView, grid: TensorView) -> TensorView:
        x, grid = lowering.settle(x), lowering.settle(grid)
        spatial = x.shape[2:]
        y = lowering.empty(x.dtype, (*x.shape[:2], *grid.shape[1:-1]))
        work = F64 if x.storage.bytes == 8 and x.storage.value.is_float else F32
        if 0 in spatial:
            return lowering.generate(y.dtype, y.shape, lambda k, _: k.number(0, y.storage))
        with lowering.kernel(f"{x.storage}_gridsample") as k, ExitStack() as loops:
            image = loops.enter_context(k.loop(x.shape[0]))
            places = [loops.enter_context(k.loop(n)) for n in y.shape[2:]]
            axes = [
                self._lower_taps(
                    k, grid.read(k, (image, *places, k.index(len(spatial) - 1 - axis))), length
                )
                for axis, length in enumerate(spatial)
            ]
            with k.loop(x.shape[1]) as channel:
                nearest = self.mode == "nearest"
                total = k.var(k.const(0, x.storage.value if nearest else work))
                for taps in itertools.product(*axes):
                    value = x.read(k, (image, channel, *(at for at, _, _ in taps)))
                    if not nearest:
                        value = value.cast(work)
                        weight = taps[0][1]
                        for _, share, _ in taps[1:]:
                            weight = weight * share
                        value = value * weight.cast(work)
                    if self.padding_mode == "zeros":
                        inside = taps[0][2]
                        for _, _, within in taps[1:]:
                            inside = inside & within
                        value = k.select(inside, value, k.const(0, value.type))
                    total.set(value if nearest else total.get() + value)
                found = total.get().cast(x.storage.value)
                buffer, position = y.address(k, (image, channel, *places))
                k.write(buffer, position, k.narrow(found, x.storage))
        return y

    def _lower_taps(self, k: Kernel, one: Value, length: int) -> list[tuple[Value, Value, Value]]:
        """`_axis_taps` of one coordinate."""
        place = (
            (one + 1.0) * ((length - 1) / 2)
            if self.align_corners
            else ((one + 1.0) * float(length) - 1.0) / 2.0
        )
        nearest = self.mode == "nearest"
        base = k.apply("nearest" if nearest else "floor", place)
        steps = range(1) if nearest else range(2) if self.mode == "linear" else range(-1, 3)
        far = float(2**30)
        whole = k.min(k.max(base, -far), far).cast(I32)
        taps = []
        for step in steps:
            index = whole + step
            distance = abs(place - base - float(step))
            weight = _lower_cubic(k, distance, -0.75) if self.mode == "cubic" else 1.0 - distance
            inside = (index >= 0) & (index < length)
            if self.padding_mode == "reflection":
                period = max(2 * (length - 1) if self.align_corners else 2 * length, 1)
                index = k.floor_remainder(index, k.index(period))
                index = k.min(index, period - index - (0 if self.align_corners else 1))
            taps.append((k.min(k.max(index, 0), length - 1), weight, inside))
        return taps

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


def _lower_cubic(k: Kernel, d: Value, a: float) -> Value:
    """`cubic` of a distance that is not negative."""
    near = (d * (a + 2) - (a + 3)) * d * d + 1.0
    far = ((d * a - 5 * a) * d + 8 * a) * d - 4 * a
    return k.select(d <= 1.0, near, k.select(d < 2.0, far, k.const(0, d.type)))
