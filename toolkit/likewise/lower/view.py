"""Tensor views: what an operator's `lower` takes and gives.

A view is dtype, static shape, and a way to read one element at an index. Reshape, transpose,
slice and broadcast are index arithmetic; nothing is copied and nothing is computed until a kernel
reads the view.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from operator import mul
from typing import TYPE_CHECKING, Any, Final

from likewise.errors import LikewiseError
from likewise.loop.nodes import Buffer
from likewise.loop.types import S
from likewise.loop.values import Value
from likewise.lower.dtypes import storage_of
from likewise.lower.kernel import Kernel

if TYPE_CHECKING:
    import numpy as np

    from likewise.ir import DType
    from likewise.loop.types import Storage
    from likewise.lower.pending import Stem

__all__ = ["Extent", "Index", "Reader", "TensorView", "flatten", "unflatten"]

_SMALL: Final = 1024

Index = tuple[Value, ...]
Reader = Callable[[Kernel, Index], Value]
Place = Callable[[Kernel, Index], tuple[Buffer, Value]]


def flatten(k: Kernel, index: Sequence[Value], shape: Sequence[int]) -> Value:
    """The row-major position of an index."""
    position = k.index(0)
    for at, size in zip(index, shape, strict=True):
        position = position * size + at
    return position


def unflatten(k: Kernel, position: Value, shape: Sequence[int]) -> Index:
    """The index at a row-major position."""
    found: list[Value] = []
    for axis in range(len(shape) - 1, -1, -1):
        if axis == 0:
            found.append(position)
        else:
            found.append(
                k.floor_remainder(position, k.index(shape[axis]))
                if shape[axis] != 1
                else k.index(0)
            )
            position = k.floor_divide(position, k.index(shape[axis]))
    return tuple(reversed(found))


@dataclass(frozen=True, eq=False)
class Extent:
    """The real size of an axis that only a run can tell: `count`, one int32 in memory."""

    axis: int
    count: TensorView


@dataclass(frozen=True, eq=False)
class TensorView:
    """`read` gives the element at an index (a vector of elements in a lane loop).

    `buffer` is set when the view is the whole of that buffer in row-major order. `cost` counts
    roughly the operations that reading one element repeats; a load is 1. `place` gives buffer and
    position of an element, for views of memory, which can be written to. `data` is the content
    where it is known at compile time. `order` names the axes from the slowest to the fastest in
    memory where that is not their own order: NHWC memory seen as NCHW has (0, 2, 3, 1). `stem`
    is what kernel is still to be written for the view; see `likewise.lower.pending`. With an
    `extent` the shape is the largest possible, and what stands beyond the real size is arbitrary,
    but may be read.
    """

    dtype: DType
    shape: tuple[int, ...]
    read: Reader
    buffer: Buffer | None = None
    cost: int = 1
    place: Place | None = None
    data: np.ndarray[Any, Any] | None = None
    order: tuple[int, ...] | None = None
    stem: Stem | None = None
    extent: Extent | None = None

    @staticmethod
    def of_buffer(dtype: DType, shape: Sequence[int], buffer: Buffer) -> TensorView:
        """The view of a whole buffer."""
        sizes = tuple(shape)
        if math.prod(sizes) != buffer.size:
            raise LikewiseError("a view and its buffer differ in size", given=sizes)

        def place(k: Kernel, index: Index) -> tuple[Buffer, Value]:
            return buffer, flatten(k, index, sizes)

        def read(k: Kernel, index: Index) -> Value:
            return k.read(buffer, flatten(k, index, sizes))

        return TensorView(dtype, sizes, read, buffer, place=place)

    @cached_property
    def storage(self) -> Storage:
        return storage_of(self.dtype)

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def settled(self) -> TensorView:
        """The view, in memory if a kernel had been waiting for what is done with its result."""
        return self if self.stem is None else self.stem.settled() or self

    def inlined(self) -> TensorView:
        """A view of one known small whole number as that number, which is not loaded then.

        Any other stays in memory: kernels that differ in it alone are the same kernel.
        """
        if self.data is None or self.size != 1 or self.storage not in (S.f32, S.i32):
            return self
        number, storage = self.data.item(), self.storage
        if not abs(number) <= _SMALL or number != int(number):
            return self
        return replace(self, read=lambda k, _: k.number(number, storage), buffer=None, place=None)

    def address(self, k: Kernel, index: Index) -> tuple[Buffer, Value]:
        """Buffer and position of an element; raises for a view that is not plain memory."""
        if self.stem is not None:
            return self.settled().address(k, index)
        if self.place is None:
            raise LikewiseError("a computed view has no address", hint="materialise it first")
        return self.place(k, index)

    def ending(self, axis: int, count: TensorView) -> TensorView:
        """The view of which only the first `count` (an int32 in memory) along `axis` are meant."""
        return replace(self, extent=Extent(axis, count))

    def viewed(
        self, shape: Sequence[int], back: Callable[[Kernel, Index], Sequence[Value]]
    ) -> TensorView:
        """A view of `shape` whose element at an index is this one's element at `back(index)`."""
        settled = self.settled()
        source, place = settled.read, settled.place
        return replace(
            settled,
            shape=tuple(shape),
            read=lambda k, index: source(k, tuple(back(k, index))),
            buffer=None,
            data=None,
            place=place and (lambda k, index: place(k, tuple(back(k, index)))),
            order=None,
            stem=None,
            extent=None,
        )

    def reshape(self, shape: Sequence[int]) -> TensorView:
        """The same elements in row-major order."""
        sizes = tuple(shape)
        if math.prod(sizes) != self.size:
            raise LikewiseError("a reshape changes the size", given=sizes, allowed=self.shape)
        if sizes == self.shape:
            return self
        if self.stem is not None and self.settled() is not self:
            return self.settled().reshape(sizes)
        if self.buffer is not None:
            same = TensorView.of_buffer(self.dtype, sizes, self.buffer)
            return same if self.data is None else replace(same, data=self.data.reshape(sizes))
        old = self.shape
        lead, tail = _common(old, sizes), _common(old[::-1], sizes[::-1])
        tail = min(tail, min(len(old), len(sizes)) - lead)
        inner, outer = old[lead : len(old) - tail], sizes[lead : len(sizes) - tail]

        def back(k: Kernel, index: Index) -> Sequence[Value]:
            end = len(index) - tail
            middle = unflatten(k, flatten(k, index[lead:end], outer), inner)
            return (*index[:lead], *middle, *index[end:])

        made = self.viewed(sizes, back)
        return made if self.order is None else replace(made, order=_regrouped(self, sizes))

    def transpose(self, order: Sequence[int]) -> TensorView:
        """Axis i of the result is axis order[i] of this view."""
        places = [order.index(axis) for axis in range(self.rank)]
        shape = [self.shape[axis] for axis in order]
        longer = [axis for axis in order if self.shape[axis] != 1]
        if self.buffer is not None and self.extent is None and longer == sorted(longer):
            return self.reshape(shape)
        made = self.viewed(shape, lambda _, index: [index[at] for at in places])
        if self.extent is not None:
            made = replace(made, extent=replace(self.extent, axis=places[self.extent.axis]))
        if self.place is None and self.order is None and self.stem is None:
            return made
        return replace(made, order=_or_none([places[axis] for axis in self.memory_order]))

    @property
    def memory_order(self) -> tuple[int, ...]:
        """The axes from the slowest to the fastest in memory."""
        return tuple(range(self.rank)) if self.order is None else self.order

    def broadcast(self, shape: Sequence[int]) -> TensorView:
        """Repeated along axes of size 1 and new leading axes, as ONNX broadcasts."""
        sizes = tuple(shape)
        if sizes == self.shape:
            return self
        lead = len(sizes) - self.rank
        own = self.shape

        def back(k: Kernel, index: Index) -> Sequence[Value]:
            return [k.index(0) if n == 1 else at for n, at in zip(own, index[lead:], strict=True)]

        made = self.viewed(sizes, back)
        return made if lead else replace(made, order=self.order)

    def slice(
        self, starts: Sequence[int], steps: Sequence[int], shape: Sequence[int]
    ) -> TensorView:
        """Along each axis start, start + step, …; steps may be negative."""

        def back(_: Kernel, index: Index) -> Sequence[Value]:
            return [at * n + s for s, n, at in zip(starts, steps, index, strict=True)]

        return replace(self.viewed(shape, back), order=self.order)


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many sizes at the start are the same."""
    same = 0
    while same < min(len(a), len(b)) and a[same] == b[same]:
        same += 1
    return same


def _regrouped(view: TensorView, sizes: Sequence[int]) -> tuple[int, ...] | None:
    """The order in memory of a view's elements seen in other sizes; None where it has none.

    Axes whose sizes multiply to the same number before and after stay together.
    """
    ends = [list(accumulate(shape, mul)) for shape in (view.shape, sizes)]
    common = sorted(set(ends[0]) & set(ends[1]))
    old, new = ([bisect_left(common, end) for end in one] for one in ends)
    axes = [axis for axis in view.memory_order if view.shape[axis] != 1]
    groups = list(dict.fromkeys(old[axis] for axis in axes))
    if axes != [axis for one in groups for axis in sorted(axes) if old[axis] == one]:
        return None
    ones = [axis for axis, group in enumerate(new) if group not in groups]
    return _or_none(ones + [axis for one in groups for axis, g in enumerate(new) if g == one])


def _or_none(order: Sequence[int]) -> tuple[int, ...] | None:
    return None if list(order) == sorted(order) else tuple(order)
