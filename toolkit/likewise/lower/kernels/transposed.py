"""Transposed convolution: for each phase of the strides, an ordinary one over the input."""

from __future__ import annotations

from itertools import product
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from likewise.lower.kernels.convolution import convolve
from likewise.lower.kernels.layout import channels_last
from likewise.lower.view import TensorView
from likewise.ops.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.lowering import Lowering
    from likewise.lower.pending import Epilogue
    from likewise.lower.view import Index

__all__ = ["convolve_transposed"]


class _Axis(NamedTuple):
    """One phase along one axis: output places first, first + stride, … (`places` of them).

    Place j reads inputs j + offset, j + offset + dilation, …, with the taps `taps` in that order.
    """

    first: int
    places: int
    taps: tuple[int, ...]
    offset: int
    dilation: int


def convolve_transposed(
    lowering: Lowering,
    x: TensorView,
    w: TensorView,
    windows: Windows,
    output: Sequence[int],
    group: int,
) -> TensorView:
    """`x` [N, C, *spatial] with `w` [C, M / group, *kernel] laid onto [N, M, *output]."""
    channels, made = w.shape[0] // group, w.shape[1]
    shape = (x.shape[0], made * group, *output)
    rank = len(output)
    axes = [_phases(windows, axis, output[axis]) for axis in range(rank)]

    def emit(target: TensorView, epilogue: Epilogue) -> None:
        source = lowering.settle(x)
        for phases in product(*axes):
            part = target.slice(
                (0, 0, *(one.first for one in phases)),
                (1, 1, *windows.strides),
                (*shape[:2], *(one.places for one in phases)),
            )

            def into(
                k: Kernel, value: Value, index: Index, phases: Sequence[_Axis] = phases
            ) -> Value:
                places = [
                    at * stride + one.first
                    for at, stride, one in zip(index[2:], windows.strides, phases, strict=True)
                ]
                return epilogue(k, value, (*index[:2], *places))

            y = _phase(lowering, source, w, phases, (group, channels, made))
            stem = y.stem
            if stem is not None and stem.base.memory is None:
                stem.base.emit(part, into)
                continue

            def read(k: Kernel, index: Index, y: TensorView = y, into: Epilogue = into) -> Value:
                return into(k, y.read(k, index), index)

            lowering.write(TensorView(y.dtype, part.shape, read, None, 2), part)

    return lowering.pending(x.dtype, shape, channels_last(x.rank), emit)


def _phases(windows: Windows, axis: int, size: int) -> list[_Axis]:
    stride, dilation = windows.strides[axis], windows.dilations[axis]
    begin, kernel = windows.begin[axis], windows.kernel[axis]
    common = gcd(stride, dilation)
    found = []
    for first in range(min(stride, size)):
        taps = [t for t in range(kernel) if (first + begin - t * dilation) % stride == 0]
        taps.reverse()
        offset = (first + begin - taps[0] * dilation) // stride if taps else 0
        count = -(-(size - first) // stride)
        found.append(_Axis(first, count, tuple(taps), offset, dilation // common))
    return found


def _phase(
    lowering: Lowering,
    x: TensorView,
    w: TensorView,
    phases: Sequence[_Axis],
    sizes: tuple[int, int, int],
) -> TensorView:
    group, _, made = sizes
    output = tuple(one.places for one in phases)
    starts = [max(0, one.offset) for one in phases]
    rest = [size - start for size, start in zip(x.shape[2:], starts, strict=True)]
    if min(rest, default=1) <= 0 or not all(one.taps for one in phases):
        shape = (x.shape[0], group * made, *output)
        return lowering.generate(x.dtype, shape, lambda k, _: k.number(0, x.storage))
    x = x.slice((0, 0, *starts), (1,) * x.rank, (*x.shape[:2], *rest)) if any(starts) else x
    kernel = tuple(len(one.taps) for one in phases)
    windows = Windows(
        kernel,
        (1,) * len(output),
        tuple(one.dilation for one in phases),
        tuple(max(0, -one.offset) for one in phases),
        (0,) * len(output),
        output,
    )
    return convolve(lowering, x, _turned(lowering, w, phases, sizes), windows, group)


def _turned(
    lowering: Lowering, w: TensorView, phases: Sequence[_Axis], sizes: tuple[int, int, int]
) -> TensorView:
    """The weights [C, M / group, *kernel] of some taps as [M, C / group, *taps]."""
    group, channels, made = sizes
    kernel = tuple(len(one.taps) for one in phases)
    if w.data is not None:
        some = w.data[np.ix_(range(w.shape[0]), range(made), *(one.taps for one in phases))]
        some = some.reshape(group, channels, made, *kernel).swapaxes(1, 2)
        return lowering.constant(
            np.ascontiguousarray(some.reshape(group * made, channels, *kernel)), w.dtype
        )
    starts = [one.taps[0] for one in phases]
    steps = [one.taps[1] - one.taps[0] if len(one.taps) > 1 else 1 for one in phases]

    def back(k: Kernel, index: Index) -> Index:
        m, channel, *taps = index
        g = k.floor_divide(m, k.index(made)) if group > 1 else k.index(0)
        at = [t * step + start for t, step, start in zip(taps, steps, starts, strict=True)]
        return (g * channels + channel, m - g * made, *at)

    return w.viewed((group * made, channels, *kernel), back)
