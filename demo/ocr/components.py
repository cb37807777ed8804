"""Connected components of a mask, without a loop over its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["component_outlines"]

Indices: TypeAlias = "NDArray[np.intp]"


def component_outlines(mask: NDArray[np.bool_]) -> Iterator[NDArray[np.float64]]:
    """For each region of set pixels, joined at sides or corners, the pixels where its rows end.

    Each is an array [n, 2] of the coordinates x, y of pixels: enough for the convex hull.
    """
    rows, starts, ends = _runs(mask)
    labels = _join(len(rows), *_touching(rows, starts, ends, mask.shape[1] + 1))
    order = np.argsort(labels, kind="stable")
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    for members in np.split(order, cuts) if len(order) else ():
        xs = np.concatenate([starts[members], ends[members] - 1])
        yield np.stack([xs, np.tile(rows[members], 2)], axis=1).astype(np.float64)


def _runs(mask: NDArray[np.bool_]) -> tuple[Indices, Indices, Indices]:
    """The unbroken pieces of rows that are set, in reading order: row, first column, end."""
    height, _ = mask.shape
    edge = np.zeros((height, 1), np.int8)
    steps = np.diff(mask.astype(np.int8), axis=1, prepend=edge, append=edge)
    rows, starts = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    return rows, starts, ends


def _touching(
    rows: Indices, starts: Indices, ends: Indices, stride: int
) -> tuple[Indices, Indices]:
    """The pairs of runs in neighbouring rows that touch, at a corner at least.

    Positions in reading order, `stride` a row, are sorted, so that the runs which one touches
    in the next row stand together.
    """
    below = (rows + 1) * stride
    first = np.searchsorted(rows * stride + ends, below + starts, side="left")
    last = np.searchsorted(rows * stride + starts, below + ends, side="right")
    counts = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(len(upper)) - np.repeat(np.cumsum(counts) - counts, counts)
    return upper, np.repeat(first, counts) + within


def _join(count: int, one: Indices, other: Indices) -> Indices:
    """A label for each of `count` items, equal for those that the pairs connect.

    Every item points to one with a smaller number or to itself; pairs lower what both ends point
    to, and pointers are shortened, until each leads straight to the smallest of its group.
    """
    parents = np.arange(count)
    while True:
        lowest = np.minimum(parents[one], parents[other])
        lowered = parents.copy()
        np.minimum.at(lowered, parents[one], lowest)
        np.minimum.at(lowered, parents[other], lowest)
        lowered = lowered[lowered]
        if np.array_equal(lowered, parents):
            return parents
        parents = lowered
