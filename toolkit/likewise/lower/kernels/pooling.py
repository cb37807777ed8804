"""Poolings: one value for the elements under each window."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from likewise.loop.types import I64
from likewise.loop.values import Value
from likewise.lower.kernel import Kernel
from likewise.lower.kernels.layout import channels_last, padded
from likewise.lower.view import flatten

if TYPE_CHECKING:
    from likewise.lower.lowering import Lowering
    from likewise.lower.view import Index, TensorView
    from likewise.ops.windows import Windows

__all__ = ["max_pool_indices", "pool"]

Combine = Callable[[Kernel, Value, Value], Value]
_UNROLLED = 9


def pool(
    lowering: Lowering,
    x: TensorView,
    windows: Windows,
    start: float,
    combine: Combine,
    name: str = "pool",
) -> TensorView:
    """The elements [N, C, *spatial] under each window combined; `start` is neutral and pads.

    The order of `x` in memory is kept.
    """
    windows = _trimmed(windows, x.shape[2:])
    last = x.order == channels_last(x.rank)
    order = channels_last(x.rank) if last else tuple(range(x.rank))
    source = padded(
        lowering,
        x,
        windows.begin,
        windows.overhang(x.shape[2:]),
        order,
        start,
    )

    def compute(k: Kernel, index: Index) -> Value:
        image, channel, *places = index
        total: Value | None = None
        for tap in _taps(windows) if windows.taps <= _UNROLLED else ():
            value = source.read(k, (image, channel, *_place(windows, places, tap)))
            total = value if total is None else combine(k, total, value)
        if total is not None:
            return k.narrow(total, x.storage)
        found = k.var(k.const(start, k.type_of(x.storage)))
        with ExitStack() as loops:
            taps = [loops.enter_context(k.loop(n)) for n in windows.kernel]
            value = source.read(k, (image, channel, *_place(windows, places, taps)))
            found.set(combine(k, found.get(), value))
        return k.narrow(found.get(), x.storage)

    shape = (*x.shape[:2], *windows.output)
    target = lowering.empty(x.dtype, shape, order)
    lowering.write(lowering.generate(x.dtype, shape, compute), target, f"{x.storage}_{name}")
    return target


def _trimmed(windows: Windows, spatial: Sequence[int]) -> Windows:
    """The windows without the taps that meet nothing but padding."""
    kernel, begin = [], []
    for n, k, s, d, b, size in zip(
        windows.output,
        windows.kernel,
        windows.strides,
        windows.dilations,
        windows.begin,
        spatial,
        strict=True,
    ):
        first = max(0, -(((n - 1) * s - b) // d))
        last = min(k - 1, (size - 1 + b) // d)
        if first > last:
            first = last = 0
        kernel.append(last - first + 1)
        begin.append(b - first * d)
    return replace(windows, kernel=tuple(kernel), begin=tuple(begin))


def _taps(windows: Windows) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for size in windows.kernel:
        found = [(*one, tap) for one in found for tap in range(size)]
    return found


def _place(windows: Windows, places: list[Value], tap: object) -> list[Value]:
    return [
        place * stride + one * dilation
        for place, stride, one, dilation in zip(
            places,
            windows.strides,
            tap,  # type: ignore[call-overload]  # numbers or values
            windows.dilations,
            strict=True,
        )
    ]


def max_pool_indices(
    lowering: Lowering,
    x: TensorView,
    windows: Windows,
    y: TensorView,
    at: TensorView,
    lowest: float,
    *,
    by_columns: bool,
) -> None:
    """Fill `y` with the maxima under the windows and `at` with their indices in the flattened x."""
    x = lowering.settle(x)
    spatial = x.shape[2:]
    order = list(range(len(spatial)))
    if by_columns:
        order.reverse()
    size = math.prod(spatial)
    with lowering.kernel(f"{x.storage}_maxpool_indices") as k, ExitStack() as loops:
        index = tuple(loops.enter_context(k.loop(n)) for n in y.shape)
        image, channel, *places = index
        best = k.var(k.const(lowest, x.storage.value))
        found = k.var(k.index(-1))
        with ExitStack() as inner:
            taps = [inner.enter_context(k.loop(n)) for n in windows.kernel]
            where = [
                one - begin
                for one, begin in zip(_place(windows, places, taps), windows.begin, strict=True)
            ]
            inside = [one >= 0 for one in where]
            inside += [one < n for one, n in zip(where, spatial, strict=True)]
            condition = inside[0]
            for one in inside[1:]:
                condition = condition & one
            with k.if_(condition):
                value = x.read(k, (image, channel, *where))
                better = (value > best.get()) | (found.get() < 0)
                if x.storage.value.is_float:
                    better = better | (value.ne(value) & best.get().eq(best.get()))
                with k.if_(better):
                    best.set(value)
                    flat = flatten(k, [where[i] for i in order], [spatial[i] for i in order])
                    found.set(flat)
        for target, value in (
            (y, best.get()),
            (at, (found.get() + (image * x.shape[1] + channel) * size).cast(I64)),
        ):
            buffer, position = target.address(k, index)
            k.write(buffer, position, value)
