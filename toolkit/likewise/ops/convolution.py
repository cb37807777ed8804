"""Convolution as few large matrix products: for Conv, ConvInteger, QLinearConv and their kin.

The elements under each window become a column, and the weights a matrix that multiplies them.
Columns are laid out for a part of the output at a time, so that they stay in the cache.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from likewise.ops.windows import pad_spatial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.ops.windows import Windows

__all__ = ["convolve", "exact_dtype", "working_dtype"]

_BUFFER: Final = 1 << 18  # elements of columns at a time: 1 MB of float32, about a core's L2
_SHORT_RUN: Final = 48  # elements: shorter runs do not repay a copy of the input
_FEWEST_COLUMNS: Final = 192  # a narrower product loses more than a larger buffer


def convolve(
    x: Array, w: Array, windows: Windows, group: int = 1, bias: Array | None = None
) -> Array:
    """The convolution of `x` [N, C, *spatial] with `w` [M, C / group, *kernel], plus `bias` [M].

    The result is [N, M, *windows.output] of the dtype of `x`. float16 and bfloat16 are summed in
    float32 and rounded once. Integers are summed exactly and wrap to the dtype of `x`.
    """
    terms = w.shape[1] * windows.taps
    work = working_dtype(x.dtype) if x.dtype.kind not in "iu" else exact_dtype(x, w, terms)
    y = _convolve(
        x.astype(work, copy=False),
        w.astype(work, copy=False),
        windows,
        group,
        None if bias is None else bias.astype(work, copy=False),
    )
    if x.dtype.kind in "iu":
        y = y.astype(np.int64, copy=False)
    return y.astype(x.dtype, copy=False)


def working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that sums of products of floating-point `dtype` are taken in: at least float32."""
    return dtype if dtype.kind == "f" and dtype.itemsize >= 4 else np.dtype(np.float32)


def exact_dtype(x: Array, w: Array, terms: int) -> np.dtype[Any]:
    """A dtype in which sums of `terms` products of the integers `x` and `w` are exact.

    A floating-point one where it can be, since only these have a fast matrix product.
    """
    bound = _largest(x) * _largest(w) * terms
    if bound < 1 << 24:
        return np.dtype(np.float32)
    return np.dtype(np.float64 if bound < 1 << 53 else np.int64)


def _largest(x: Array) -> int:
    return max(abs(int(x.min())), abs(int(x.max()))) if x.size else 0


def _convolve(x: Array, w: Array, windows: Windows, group: int, bias: Array | None) -> Array:
    batch, channels = x.shape[:2]
    made = w.shape[0]
    y = np.empty((batch, group, made // group, windows.places), x.dtype)
    weights = w.reshape(group, made // group, channels // group * windows.taps)
    if bias is not None:
        bias = bias.reshape(group, made // group, 1)
    if windows.is_pointwise:
        if any(s != 1 for s in windows.strides):
            x = np.ascontiguousarray(windows.over(x))
        np.matmul(weights, x.reshape(batch, group, channels // group, windows.places), out=y)
        if bias is not None:
            y += bias
    elif group > 1 and channels == group and all(s == 1 for s in windows.strides):
        return _depthwise(x, weights, windows, bias)
    else:
        padded = pad_spatial(x, windows.begin, windows.end)
        padded = padded.reshape(batch, group, channels // group, *padded.shape[2:])
        _multiply_columns(padded, weights, bias, y, windows)
    return y.reshape(batch, made, *windows.output)


def _multiply_columns(
    padded: Array, weights: Array, bias: Array | None, y: Array, windows: Windows
) -> None:
    """Fill `y` [N, group, M / group, places] with `weights` times the columns, plus `bias`.

    `padded` is [N, group, C / group, *spatial]; `weights` [group, M / group, C / group * taps]
    and `bias` [group, M / group, 1].
    """
    batch, group = y.shape[:2]
    depth = weights.shape[2]
    inner = math.prod(windows.output[1:])
    images, groups, rows = _part(batch, group, windows.output[0], depth * inner, inner)
    buffer = np.empty(images * groups * rows * depth * inner, y.dtype)
    cuts = list(_cuts(padded, windows))
    ahead = (slice(None),) * (1 + len(windows.kernel))
    for n in range(0, batch, images):
        for g in range(0, group, groups):
            for row in range(0, windows.output[0], rows):
                there = y[n : n + images, g : g + groups, :, row * inner : (row + rows) * inner]
                shape = (*there.shape[:2], depth, there.shape[3])
                columns = buffer[: math.prod(shape)].reshape(shape)
                taken = columns.reshape(
                    *shape[:2], -1, *windows.kernel, shape[3] // inner, *windows.output[1:]
                )
                where = (slice(n, n + images), slice(g, g + groups), *ahead, slice(row, row + rows))
                for taps, cut in cuts:
                    np.copyto(taken[taps], cut[where])
                np.matmul(weights[g : g + groups], columns, out=there)
                if bias is not None:
                    there += bias[g : g + groups]


def _cuts(padded: Array, windows: Windows) -> Iterator[tuple[Any, Array]]:
    """Views [..., *kernel, *output] of `padded`, each with the index of the columns it makes up.

    With a stride in the last dim each tap has a view of its own, of elements that a copy has
    brought together: long runs are read many times faster than elements apart.
    """
    stride, kernel = windows.strides[-1], windows.kernel[-1]
    if stride == 1 or kernel == 1 or windows.output[-1] < _SHORT_RUN:
        yield (), windows.over(padded)
        return
    one = replace(windows, kernel=(*windows.kernel[:-1], 1), strides=(*windows.strides[:-1], 1))
    offsets = [tap * windows.dilations[-1] for tap in range(kernel)]
    runs = {
        phase: np.ascontiguousarray(padded[..., phase::stride])
        for phase in {offset % stride for offset in offsets}
    }
    for tap, offset in enumerate(offsets):
        run = runs[offset % stride][..., offset // stride :]
        yield (..., slice(tap, tap + 1), *[slice(None)] * len(windows.output)), one.over(run)


def _part(batch: int, group: int, rows: int, row_size: int, inner: int) -> tuple[int, int, int]:
    """How many images, groups and rows of the output are taken at a time."""
    if rows * row_size == 0:
        return max(batch, 1), group, max(rows, 1)
    whole_groups = _BUFFER // (rows * row_size)
    if whole_groups >= group:
        return min(batch, whole_groups // group) or 1, group, rows
    if whole_groups:
        return 1, whole_groups, rows
    return 1, 1, min(rows, max(_BUFFER // row_size, -(-_FEWEST_COLUMNS // inner), 1))


def _depthwise(x: Array, weights: Array, windows: Windows, bias: Array | None) -> Array:
    """One channel a group and no strides: columns of whole padded rows, copied in long runs.

    The ends of the rows, where windows wrap around, are computed and left out. That is faster
    than to copy row by row.
    """
    batch, channels = x.shape[:2]
    # A window at the last place may read behind the last row: one row more is there.
    after = (windows.end[0] + (len(windows.end) > 1), *windows.end[1:])
    padded = pad_spatial(x, windows.begin, after)
    sizes = padded.shape[2:]
    steps = [math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    length = windows.output[0] * steps[0]
    step = x.itemsize
    shape = (batch, channels, *windows.kernel, length)
    ahead = tuple(step * s * d for s, d in zip(steps, windows.dilations, strict=True))
    flat = np.ascontiguousarray(padded)
    cut = as_strided(flat, shape, (*flat.strides[:2], *ahead, step), writeable=False)
    made = weights.shape[1]
    y = np.empty((batch, channels, made, *windows.output), x.dtype)
    groups = max(1, min(channels, _BUFFER // max(1, windows.taps * length)))
    buffer = np.empty(groups * windows.taps * length, x.dtype)
    kept = tuple(slice(0, size) for size in windows.output)
    for n in range(batch):
        for c in range(0, channels, groups):
            part = cut[n, c : c + groups]
            columns = buffer[: part.size].reshape(len(part), windows.taps, length)
            np.copyto(columns.reshape(part.shape), part)
            wide = np.matmul(weights[c : c + groups], columns)
            wide = wide.reshape(*wide.shape[:2], windows.output[0], *sizes[1:])
            narrow = wide[(slice(None), slice(None), *kept)]
            if bias is None:
                y[n, c : c + groups] = narrow
            else:
                there = bias[c : c + groups].reshape(-1, made, *[1] * len(sizes))
                np.add(narrow, there, out=y[n, c : c + groups])
    return y.reshape(batch, channels * made, *windows.output)
