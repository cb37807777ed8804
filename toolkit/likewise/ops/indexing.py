"""Indices that stand in tensors, in compiled code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop import I32

if TYPE_CHECKING:
    from likewise.loop import Value
    from likewise.lower import Index, Kernel, TensorView

__all__ = ["index_at"]


def index_at(k: Kernel, indices: TensorView, place: Index, size: int) -> Value:
    """The index into an axis of `size` elements that `indices` holds at `place`.

    Negative ones count from the back. One out of range is an error that compiled code cannot
    report: it becomes the nearest that exists, so that no other memory is touched.
    """
    with k.without_lanes():
        found = indices.read(k, place).cast(I32)
    found = k.select(found < 0, found + size, found)
    return k.min(k.max(found, 0), max(size - 1, 0))
