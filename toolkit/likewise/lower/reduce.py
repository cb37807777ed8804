"""Reductions over axes, in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Final

from likewise.loop.types import LoopError, Type
from likewise.loop.values import Value
from likewise.lower.kernel import Kernel

if TYPE_CHECKING:
    from likewise.ir import DType
    from likewise.lower.lowering import Lowering
    from likewise.lower.view import Index, TensorView

__all__ = ["reduce"]

_BLOCK: Final = 64
Combine = Callable[[Kernel, Value, Value], Value]
Finish = Callable[[Kernel, Value], Value]


def _keep(_: Kernel, value: Value) -> Value:
    return value


def reduce(
    lowering: Lowering,
    x: TensorView,
    axes: Sequence[int],
    start: float,
    combine: Combine,
    *,
    finish: Finish = _keep,
    keepdims: bool = True,
    name: str = "reduce",
    dtype: DType | None = None,
) -> TensorView:
    """X reduced over `axes` (not negative) with an associative `combine` that starts at `start`.

    Each axis has partial results of its own, and a long one those of blocks of 64 elements, of 64
    blocks and so on: the rounding errors of a sum grow with the depth, not with the length.
    Along a long last axis four partial results run side by side and are combined as
    (0 with 1) with (2 with 3). The result has `dtype`, by default that of `x`.
    """
    shape = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
    whole = lowering.empty(dtype or x.dtype, shape)
    kept = [axis for axis in range(x.rank) if axis not in axes]
    reduced = [axis for axis in range(x.rank) if axis in axes]
    plan = _Plan(x, whole, kept, reduced, start, combine)
    lanes = 2 if x.storage.bytes == 8 else 4
    across = bool(axes) and x.rank - 1 in axes and x.shape[-1] >= 2 * lanes
    done = across and _try_across(lowering, plan, finish, lanes=lanes, name=name)
    if not done:

        def body(k: Kernel, index: Index) -> None:
            plan.write(k, index, finish(k, plan.total(k, index, k.type_of(x.storage))))

        lowering.nest(name, [x.shape[axis] for axis in kept], body, x.storage)
    if keepdims:
        return whole
    return whole.reshape([x.shape[axis] for axis in kept])


@dataclass(frozen=True)
class _Plan:
    """Which axes are kept, where results go, and how elements are combined."""

    x: TensorView
    whole: TensorView
    kept: Sequence[int]
    reduced: Sequence[int]
    start: float
    combine: Combine

    def total(self, k: Kernel, outer: Sequence[Value], kind: Type, stop: int = 0) -> Value:
        """All elements of one result combined; the last axis by lanes up to `stop` where given."""
        lanes = k.lanes if not stop else kind.lanes

        def along(axis: int, inner: Index) -> Value:
            if axis == len(self.reduced):
                return self.x.read(k, self.merge(outer, inner))
            if stop and axis == len(self.reduced) - 1:
                return span(axis, inner, k.index(0), stop, lanes)
            return span(axis, inner, k.index(0), self.x.shape[self.reduced[axis]], 1)

        def span(axis: int, inner: Index, first: Value, count: int, step: int) -> Value:
            sum_ = k.var(k.const(self.start, kind))

            def add(one: Value) -> None:
                sum_.set(self.combine(k, sum_.get(), one))

            unit = step
            while unit * _BLOCK < count and kind.is_float:
                unit *= _BLOCK
            whole = count // unit * unit
            if unit > step:
                with k.loop(0, whole, unit) as at:
                    add(span(axis, inner, first + at, unit, step))
                if whole < count:
                    add(span(axis, inner, first + whole, count - whole, step))
            else:
                with k.loop(0, count, step) as at:
                    place = first + at
                    if step == 1:
                        add(along(axis + 1, (*inner, place)))
                    else:
                        place = k.lane_axis(place)
                        with k.lanes_over(place, step):
                            add(along(axis + 1, (*inner, place)))
            return sum_.get()

        return along(0, ())

    def merge(self, outer: Sequence[Value], inner: Sequence[Value]) -> Index:
        places = dict(zip(self.kept, outer, strict=True))
        places.update(zip(self.reduced, inner, strict=True))
        return tuple(places[axis] for axis in range(self.x.rank))

    def write(self, k: Kernel, outer: Sequence[Value], value: Value) -> None:
        index = self.merge(outer, [k.index(0)] * len(self.reduced))
        buffer, position = self.whole.address(k, index)
        k.write(buffer, position, k.narrow(value, self.whole.storage))


def _try_across(lowering: Lowering, plan: _Plan, finish: Finish, *, lanes: int, name: str) -> bool:
    """Write the form whose lanes run along the reduced last axis, if vectors can do it."""
    x, combine = plan.x, plan.combine
    if prod(x.shape) == 0:
        return False
    length = x.shape[-1]
    whole = length // lanes * lanes
    try:
        with lowering.kernel(name) as k, ExitStack() as outer_loops:
            outer = [outer_loops.enter_context(k.loop(x.shape[axis])) for axis in plan.kept]
            one = x.storage.value
            total = plan.total(k, outer, one.with_lanes(lanes), whole)
            parts = [total.lane(lane) for lane in range(lanes)]
            while len(parts) > 1:
                parts = [combine(k, a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
            found = parts[0]
            if whole != length:
                rest = k.var(k.const(plan.start, one))
                with ExitStack() as stack:
                    inner = [
                        stack.enter_context(k.loop(x.shape[axis])) for axis in plan.reduced[:-1]
                    ]
                    with k.loop(whole, length) as at:
                        value = x.read(k, plan.merge(outer, [*inner, at]))
                        rest.set(combine(k, rest.get(), value))
                found = combine(k, found, rest.get())
            plan.write(k, outer, finish(k, found))
    except LoopError:
        return False
    return True
