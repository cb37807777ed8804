"""Layouts: in which order a tensor's axes are stored, as a type that is carried along.

A `Layout` is a permutation, never a guess from sizes: stored axis i holds the tensor's axis
`order[i]`. What an operator does to axes it does to layouts, so a Transpose costs nothing until a
reader needs another order, and an 8×8×8×8 tensor is as clear as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Layout", "reshaped"]


@dataclass(frozen=True)
class Layout:
    """The stored order of a tensor's axes."""

    order: tuple[int, ...]

    def __post_init__(self) -> None:
        if sorted(self.order) != list(range(len(self.order))):
            raise LikewiseError("a layout orders every axis once", given=self.order)

    @classmethod
    def plain(cls, rank: int) -> Layout:
        """The axes stored in their own order."""
        return cls(tuple(range(rank)))

    @classmethod
    def channels_last(cls, rank: int) -> Layout:
        """N × C × D1 … Dn with the channels innermost: 0, 2, …, 1."""
        return cls((0, *range(2, rank), 1))

    @property
    def rank(self) -> int:
        """How many axes there are."""
        return len(self.order)

    @property
    def is_plain(self) -> bool:
        """Whether the axes are stored in their own order."""
        return self == Layout.plain(self.rank)

    def stored(self, items: Sequence[Any]) -> tuple[Any, ...]:
        """What is given for each axis (sizes, pads), in stored order."""
        return tuple(items[axis] for axis in self.order)

    def place(self, axis: int) -> int:
        """Where the tensor's axis is stored; negative axes count from the end."""
        return self.order.index(axis % self.rank)

    def permutation(self, other: Layout) -> tuple[int, ...]:
        """How stored axes are transposed to store the same tensor in another layout."""
        return tuple(self.order.index(axis) for axis in other.order)

    def transposed(self, perm: Sequence[int]) -> Layout:
        """The layout in which the very same storage holds the tensor transposed by `perm`."""
        moved = list(perm)
        return Layout(tuple(moved.index(axis) for axis in self.order))

    def without(self, axes: Sequence[int]) -> Layout:
        """The layout of what is left when axes of one element, or reduced ones, go."""
        gone = {axis % self.rank for axis in axes}
        kept = [axis for axis in range(self.rank) if axis not in gone]
        return Layout(tuple(kept.index(axis) for axis in self.order if axis not in gone))

    def extended(self, rank: int) -> Layout:
        """The layout with axes put before the first, as broadcasting does."""
        more = rank - self.rank
        return Layout((*range(more), *(axis + more for axis in self.order)))

    def is_same_storage(self, other: Layout, shape: Sequence[int]) -> bool:
        """Whether a tensor of this shape has its elements in the same order in both layouts."""
        mine, others = (
            [axis for axis in layout.order if shape[axis] != 1] for layout in (self, other)
        )
        return mine == others


def reshaped(shape: Sequence[int], new: Sequence[int], layout: Layout) -> Layout | None:
    """The layout in which the same storage holds the tensor reshaped from `shape` to `new`.

    None where there is none: where axes that become one, or that one is split from, do not lie
    beside each other in their own order.
    """
    order: list[int] = []
    stored = [axis for axis in layout.order if shape[axis] != 1]
    blocks = _blocks(shape, new)
    if blocks is None:
        return None
    starts = {before[0]: (before, after) for before, after in blocks}
    while stored:
        before, after = starts.get(stored[0], ((), ()))
        if not before or tuple(stored[: len(before)]) != before:
            return None
        order += after
        del stored[: len(before)]
    units = [axis for axis in range(len(new)) if axis not in order]
    for axis in units:  # an axis of one element may stand anywhere: beside its neighbour
        order.insert(order.index(axis - 1) + 1 if axis - 1 in order else 0, axis)
    return Layout(tuple(order))


def _blocks(
    shape: Sequence[int], new: Sequence[int]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]] | None:
    """Axes of both shapes in the smallest groups of as many elements; those of one left out."""
    if 0 in (prod(shape), prod(new)):
        return None
    before = [axis for axis, size in enumerate(shape) if size != 1]
    after = [axis for axis, size in enumerate(new) if size != 1]
    blocks = []
    while before or after:
        if not before or not after:
            return None
        mine, others = [before.pop(0)], [after.pop(0)]
        while (a := prod(shape[i] for i in mine)) != (b := prod(new[i] for i in others)):
            rest = before if a < b else after
            if not rest:
                return None
            (mine if a < b else others).append(rest.pop(0))
        blocks.append((tuple(mine), tuple(others)))
    return blocks
