"""Depthwise convolution: one channel each, vectors over the channels.

That of bytes is computed in floats, exactly: vectors multiply them faster than integers of 32 bits.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.loop.conversions import whole_number
from likewise.loop.types import S
from likewise.lower.kernels.igemm import even_rows
from likewise.lower.kernels.layout import channels_last, padded
from likewise.lower.tiles import Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.lowering import Lowering
    from likewise.lower.pending import Epilogue
    from likewise.lower.view import TensorView
    from likewise.ops.windows import Windows

__all__ = ["depthwise", "suits_floats"]

_UNROLLED: Final = 49
"""Taps: more of them are a loop over all but the last axis."""
_ROUND: Final = 0.3
"""What a round of such a loop costs besides its taps, in taps, as measured in Chromium."""
_MOST_TAPS: Final = 64


def suits_floats(windows: Windows) -> bool:
    """Whether sums of products of bytes less their zero points, 255 * 255 each, are below 2**22."""
    return windows.taps <= _MOST_TAPS


def depthwise(
    lowering: Lowering,
    x: TensorView,
    w: np.ndarray[Any, Any],
    windows: Windows,
    y: TensorView,
    epilogue: Epilogue,
) -> None:
    """Fill `y` from `x` and the weights `w` [C, taps].

    Where `x` is floats and `w` is not, the sums are whole numbers, and `epilogue` takes int32.
    Padding stands in memory along the last axis. Along the others taps that meet it are left out
    where they are many: then it takes no memory either.
    """
    whole = x.storage is S.f32 and w.dtype == np.int32
    inside = _worth_leaving_out(windows, x.shape[2:]) and bool(np.isfinite(w).all())
    begin, end = [*windows.begin], [max(0, one) for one in windows.overhang(x.shape[2:])]
    if inside:
        begin[:-1] = end[:-1] = [0] * (len(begin) - 1)
    x = padded(lowering, x, begin, end, channels_last(x.rank))
    weights = lowering.constant(np.ascontiguousarray(w.T, x.storage.numpy))
    channels, last = y.shape[1], windows.output[-1]
    even = channels // 4 * 4
    shape = _shape(x, windows, y)
    size = lowering.tiles.of(shape)
    with lowering.kernel(f"{shape.kernel}_{size}", shape) as k, ExitStack() as loops:
        image = loops.enter_context(k.loop(y.shape[0]))
        outer = [loops.enter_context(k.loop(n)) for n in windows.output[:-1]]

        def tile(channel: Value, at: Value, rows: int) -> None:
            place = image, channel, outer, at
            sums = _sums(k, x, weights, windows, place, rows, inside=inside)
            for row, total in enumerate(sums):
                index = (image, channel, *outer, at + row)
                target, position = y.address(k, index)
                value = whole_number(total) if whole else total
                k.write(target, position, epilogue(k, value, index))

        for first, stop, step in even_rows(last, size.rows):
            with k.loop(first, stop, step) as at:
                if even:
                    with k.loop(0, even, 4) as channel:
                        lane = k.lane_axis(channel) if channel.constant is not None else channel
                        with k.lanes_over(lane, 4):
                            tile(lane, at, step)
                if even < channels:
                    with k.loop(even, channels) as channel:
                        tile(channel, at, step)


def _shape(x: TensorView, windows: Windows, y: TensorView) -> Shape:
    kernel = f"{x.storage}_dwconv_" + "x".join(map(str, windows.kernel))
    if windows.strides[-1] > 1:
        kernel += f"s{windows.strides[-1]}"
    return Shape(kernel, (y.shape[0], *windows.output, y.shape[1], windows.taps))


def _worth_leaving_out(windows: Windows, spatial: Sequence[int]) -> bool:
    """Whether taps that meet padding, along all axes but the last, cost more than a loop."""
    met = 1.0
    for axis, size in enumerate(spatial[:-1]):
        places = np.arange(windows.output[axis]) * windows.strides[axis] - windows.begin[axis]
        taps = np.arange(windows.kernel[axis]) * windows.dilations[axis]
        at = places[:, None] + taps
        met *= float(((at >= 0) & (at < size)).mean())
    return (1 - met) * windows.kernel[-1] > _ROUND


def _inside(k: Kernel, windows: Windows, axis: int, size: int, place: Value) -> tuple[Value, Value]:
    """The taps, from the first up to another, that do not meet padding along an axis."""
    dilation = windows.dilations[axis]
    start = windows.begin[axis] - place * windows.strides[axis]
    first, stop = (k.floor_divide(start + (n + dilation - 1), k.index(dilation)) for n in (0, size))
    return k.max(first, 0), k.min(stop, windows.kernel[axis])


def _sums(
    k: Kernel,
    x: TensorView,
    weights: TensorView,
    windows: Windows,
    place: tuple[Value, Value, list[Value], Value],
    rows: int,
    *,
    inside: bool,
) -> list[Value]:
    """The sums of `rows` neighbouring places; what several of them read is loaded once.

    With `inside` there is padding along the last axis only.
    """
    image, channel, outer, at = place
    stride, dilation = windows.strides[-1], windows.dilations[-1]
    kernel = windows.kernel[-1]
    sums = [k.var(k.number(0, x.storage)) for _ in range(rows)]
    unrolled = windows.taps <= _UNROLLED
    with ExitStack() as loops:
        leads: list[tuple[Value, ...]]
        if inside:
            limits = [
                _inside(k, windows, axis, x.shape[2 + axis], one) for axis, one in enumerate(outer)
            ]
            leads = [tuple(loops.enter_context(k.loop(*one)) for one in limits)]
        elif unrolled:
            numbers = product(*map(range, windows.kernel[:-1]))
            leads = [tuple(k.index(one) for one in lead) for lead in numbers]
        else:
            leads = [tuple(loops.enter_context(k.loop(n)) for n in windows.kernel[:-1])]
        for lead in leads:
            tap, where = k.index(0), []
            for axis, (one, size) in enumerate(zip(lead, windows.kernel[:-1], strict=True)):
                tap = tap * size + one
                before = windows.begin[axis] if inside else 0
                start = outer[axis] * windows.strides[axis] - before
                where.append(start + one * windows.dilations[axis])
            seen: dict[int, Value] = {}
            for column in range(kernel):
                factor = weights.read(k, (tap * kernel + column, channel))
                for row in range(rows):
                    offset = row * stride + column * dilation
                    if offset not in seen:
                        index = (image, channel, *where, at * stride + offset)
                        seen[offset] = x.read(k, index)
                    sums[row].set(_added(k, seen[offset], factor, sums[row].get()))
    return [one.get() for one in sums]


def _added(k: Kernel, left: Value, right: Value, total: Value) -> Value:
    return k.madd(left, right, total) if total.type.is_float else total + left * right
