"""DeformConv: a convolution whose taps are moved by given offsets, and weighted by a mask."""

from __future__ import annotations

import itertools
import math
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.loop import I32
from likewise.ops.ai_onnx.conv import check_convolution
from likewise.ops.case import Case, f32
from likewise.ops.checks import check_float, check_rank, check_same_dtype, unify
from likewise.ops.convolution import working_dtype
from likewise.ops.operator import Operator
from likewise.ops.windows import Windows, slide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim, TensorType
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView


class DeformConv(Operator, versions=(19, 22)):
    """X [N, C, *spatial] with W [M, C / group, *kernel], sampled where `offset` says.

    `offset` is [N, offset_group * taps * n, *output], for each tap one number a spatial dim;
    `mask` [N, offset_group * taps, *output]. Between elements the interpolation is linear;
    outside the input there are zeros.
    """

    bounded = False  # padding may be of any size

    dilations: tuple[int, ...] | None = None
    group: int = 1
    kernel_shape: tuple[int, ...] | None = None
    offset_group: int = 1
    pads: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None

    def infer(
        self,
        X: TensorType,
        W: TensorType,
        offset: TensorType,
        B: TensorType | None = None,
        mask: TensorType | None = None,
    ) -> TensorType:
        check_float(X, "X")
        check_same_dtype(X=X, W=W, offset=offset, B=B, mask=mask)
        made = check_convolution(X, W, self.group, self.kernel_shape)
        channels = X.shape[1]
        if self.offset_group < 1 or (isinstance(channels, int) and channels % self.offset_group):
            raise InferenceError("offset_group does not divide the channels", given=channels)
        windows = self._windows(X.shape[2:], W.shape[2:])
        taps: Dim = self.offset_group
        for size in windows.kernel:
            taps = taps * size
        for given, name, wanted in (
            (offset, "offset", taps * (X.rank - 2)),
            (mask, "mask", taps),
        ):
            if given is not None:
                check_rank(given, X.rank, name)
                shape = (X.shape[0], wanted, *windows.output)
                for there, right in zip(given.shape, shape, strict=True):
                    unify(there, right, f"a dim of {name} and the windows")
        if B is not None:
            check_rank(B, 1, "B")
            unify(B.shape[0], made, "the sizes of B and the output channels")
        return X.with_shape((X.shape[0], made, *windows.output))

    def _windows(self, spatial: tuple[Dim, ...], kernel: tuple[Dim, ...]) -> Windows:
        return slide(
            spatial,
            kernel,
            strides=self.strides,
            dilations=self.dilations,
            pads=self.pads,
        )

    def evaluate(
        self,
        X: Array,
        W: Array,
        offset: Array,
        B: Array | None = None,
        mask: Array | None = None,
    ) -> Array:
        work = working_dtype(X.dtype)
        windows = self._windows(X.shape[2:], W.shape[2:])
        batch, channels = X.shape[:2]
        group, made = self.group, W.shape[0]
        parts, rank = self.offset_group, len(windows.kernel)
        shape = (batch, parts, windows.taps, windows.places)
        moved = offset.astype(work, copy=False).reshape(
            batch, parts, windows.taps, rank, windows.places
        )
        positions = [
            moved[:, :, :, axis] + _grid(windows, axis).astype(work) for axis in range(rank)
        ]
        x = X.astype(work, copy=False).reshape(batch, parts, channels // parts, -1)
        columns = sample(x, X.shape[2:], positions)
        if mask is not None:
            columns *= mask.astype(work, copy=False).reshape(shape)[:, :, None]
        depth = channels // group * windows.taps
        y = np.matmul(
            W.astype(work, copy=False).reshape(group, made // group, depth),
            columns.reshape(batch, group, depth, windows.places),
        ).reshape(batch, made, *windows.output)
        if B is not None:
            y += B.astype(work, copy=False).reshape(-1, *[1] * rank)
        return y.astype(X.dtype, copy=False)

    def lower(
        self,
        lowering: Lowering,
        x: TensorView,
        w: TensorView,
        offset: TensorView,
        bias: TensorView | None = None,
        mask: TensorView | None = None,
    ) -> TensorView:
        dtype = x.dtype
        if dtype in {DType.FLOAT16, DType.BFLOAT16}:
            x, w, offset = (
                lowering.elementwise(_same, DType.FLOAT, v, exact=True) for v in (x, w, offset)
            )
            mask, bias = (
                None if v is None else lowering.elementwise(_same, DType.FLOAT, v, exact=True)
                for v in (mask, bias)
            )
        windows = self._windows(x.shape[2:], w.shape[2:])
        made, depth = w.shape[0], w.shape[1] * windows.taps
        columns = self._lower_columns(lowering, x, offset, mask, windows)
        group = self.group
        y = lowering.matmul(
            w.reshape((1, group, made // group, depth)),
            columns.reshape((x.shape[0], group, depth, windows.places)),
        ).reshape((x.shape[0], made, *windows.output))
        if bias is not None:
            bias = bias.reshape((made, *[1] * len(windows.kernel)))
            y = lowering.elementwise(lambda _, a, b: a + b, y.dtype, y, bias)
        return y if y.dtype is dtype else lowering.elementwise(_same, dtype, y)

    def _lower_columns(
        self,
        lowering: Lowering,
        x: TensorView,
        offset: TensorView,
        mask: TensorView | None,
        windows: Windows,
    ) -> TensorView:
        """What each tap meets in each channel: [N, C, *kernel, *output]."""
        x, offset = lowering.settle(x), lowering.settle(offset)
        mask = None if mask is None else lowering.settle(mask)
        rank = len(windows.kernel)
        channels = x.shape[1] // self.offset_group
        shape = (x.shape[0], self.offset_group, *windows.kernel, *windows.output)
        columns = lowering.empty(
            x.dtype, (x.shape[0], x.shape[1], *windows.kernel, *windows.output)
        )
        with lowering.kernel(f"{x.storage}_deform_columns") as k, ExitStack() as loops:
            index = [loops.enter_context(k.loop(n)) for n in shape]
            image, part, tap = index[0], index[1], index[2 : 2 + rank]
            places = index[2 + rank :]
            number = part
            for at, size in zip(tap, windows.kernel, strict=True):
                number = number * size + at
            axes = []
            for axis in range(rank):
                moved = offset.read(k, (image, number * rank + axis, *places))
                grid = (
                    places[axis] * windows.strides[axis]
                    + tap[axis] * windows.dilations[axis]
                    - windows.begin[axis]
                )
                axes.append(_lower_axis(k, moved + grid.cast(moved.type), x.shape[2 + axis]))
            factor = None if mask is None else mask.read(k, (image, number, *places))
            with k.loop(channels) as inner:
                channel = part * channels + inner
                total = k.var(k.const(0, x.storage.value))
                for corner in itertools.product(*axes):
                    weight = corner[0][1]
                    for _, share in corner[1:]:
                        weight = weight * share
                    value = x.read(k, (image, channel, *(at for at, _ in corner))) * weight
                    total.set(total.get() + k.select(weight.ne(0), value, 0))
                found = total.get() if factor is None else total.get() * factor
                buffer, position = columns.address(k, (image, channel, *tap, *places))
                k.write(buffer, position, found)
        return columns

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
        w = np.ones((1, 1, 2, 2), np.float32)
        offset = np.zeros((1, 8, 2, 2), np.float32)
        plain = f32([[[[8, 12], [20, 24]]]])
        yield Case(cls(), [x, w, offset], [plain])
        right = offset.copy()
        right[:, 1::2] = 0.5  # half an element along the second dim; beyond it there are zeros
        yield Case(cls(), [x, w, right], [f32([[[[10, 9.5], [22, 18.5]]]])])
        half = np.full((1, 4, 2, 2), 0.5, np.float32)
        yield Case(cls(), [x, w, offset, f32([1]), half], [plain / 2 + 1])
        line = [f32([[[1, 2, 4]]]), f32([[[1]]]), f32([[[0.25, -3, 0]]])]
        yield Case(cls(), line, [f32([[[1.25, 0, 4]]])])
        yield Case(cls(), [x, w, offset[:, :7]], error="a dim of offset and the windows differ")


def _same(_: Kernel, value: Value) -> Value:
    return value


def _lower_axis(k: Kernel, position: Value, size: int) -> list[tuple[Value, Value]]:
    """Index and weight of the two neighbours of a position; outside the weight is 0."""
    low = k.apply("floor", position)
    share = position - low
    found = []
    for side in range(2):
        at = low + float(side)
        inside = (at >= 0) & (at < size)
        weight = share if side else 1.0 - share
        zero = k.const(0, position.type)
        found.append((k.select(inside, at, zero).cast(I32), k.select(inside, weight, zero)))
    return found


def _grid(windows: Windows, axis: int) -> Array:
    """Where along spatial dim `axis` each tap lies without offset: [taps, places], unpadded."""
    rank = len(windows.kernel)
    tap = np.arange(windows.kernel[axis]) * windows.dilations[axis] - windows.begin[axis]
    place = np.arange(windows.output[axis]) * windows.strides[axis]
    taps = np.broadcast_to(tap.reshape([-1] + [1] * (rank - 1 - axis)), windows.kernel)
    places = np.broadcast_to(place.reshape([-1] + [1] * (rank - 1 - axis)), windows.output)
    return taps.reshape(-1, 1) + places.reshape(1, -1)


def sample(x: Array, spatial: tuple[int, ...], positions: list[Array]) -> Array:
    """Linear interpolation of `x` [N, G, C, elements] at `positions`, one array a spatial dim.

    Each is [N, G, *places]; the result [N, G, C, *places]. Neighbours outside count as zero.
    """
    batch, groups, channels = x.shape[:3]
    places = positions[0].shape[2:]
    total = np.zeros((batch, groups, channels, *places), x.dtype)
    lower = [np.floor(p) for p in positions]
    for corner in np.ndindex(*[2] * len(spatial)):
        index = np.zeros(positions[0].shape, np.int64)
        weight = np.ones(positions[0].shape, x.dtype)
        for side, size, low, position in zip(corner, spatial, lower, positions, strict=True):
            at = low + side
            share = position - low
            inside = (at >= 0) & (at < size)
            weight *= np.where(inside, share if side else 1 - share, 0)
            index = index * size + np.where(inside, at, 0).astype(np.int64)
        flat = index.reshape(batch, groups, 1, math.prod(places))
        if x.shape[3]:
            found = np.take_along_axis(x, flat, axis=3).reshape(total.shape)
            total += np.where(weight[:, :, None] != 0, found * weight[:, :, None], 0)
    return total
