"""Reductions over axes, in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from math import prod
from typing import TYPE_CHECKING

from likewise.loop.types import LoopError
from likewise.loop.values import Value
from likewise.lower.kernel import Kernel

if TYPE_CHECKING:
    from likewise.lower.lowering import Lowering
    from likewise.lower.view import Index, TensorView

__all__ = ["reduce"]

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
) -> TensorView:
    """X reduced over `axes` (not negative) with an associative `combine` that starts at `start`.

    Along a long last axis four partial results run side by side and are combined as
    (0 with 1) with (2 with 3); everywhere else the order is that of the elements.
    """
    shape = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
    whole = lowering.empty(x.dtype, shape)
    kept = [axis for axis in range(x.rank) if axis not in axes]
    plan = _Plan(x, whole, kept, [axis for axis in range(x.rank) if axis in axes], start)
    lanes = 2 if x.storage.bytes == 8 else 4
    across = bool(axes) and x.rank - 1 in axes and x.shape[-1] >= 2 * lanes
    done = across and _try_across(lowering, plan, combine, finish, lanes=lanes, name=name)
    if not done:

        def body(k: Kernel, index: Index) -> None:
            one = k.type_of(x.storage)
            total = k.var(k.const(start, one))
            with ExitStack() as stack:
                inner = [stack.enter_context(k.loop(x.shape[axis])) for axis in plan.reduced]
                total.set(combine(k, total.get(), x.read(k, plan.merge(index, inner))))
            plan.write(k, index, finish(k, total.get()))

        lowering.nest(name, [x.shape[axis] for axis in kept], body, x.storage)
    if keepdims:
        return whole
    return whole.reshape([x.shape[axis] for axis in kept])


class _Plan:
    """Which axes are kept, and where results go."""

    def __init__(
        self,
        x: TensorView,
        whole: TensorView,
        kept: Sequence[int],
        reduced: Sequence[int],
        start: float,
    ) -> None:
        self.x, self.whole, self.kept, self.reduced, self.start = x, whole, kept, reduced, start

    def merge(self, outer: Sequence[Value], inner: Sequence[Value]) -> Index:
        places = dict(zip(self.kept, outer, strict=True))
        places.update(zip(self.reduced, inner, strict=True))
        return tuple(places[axis] for axis in range(self.x.rank))

    def write(self, k: Kernel, outer: Sequence[Value], value: Value) -> None:
        index = self.merge(outer, [k.index(0)] * len(self.reduced))
        buffer, position = self.whole.address(k, index)
        k.write(buffer, position, k.narrow(value, self.whole.storage))


def _try_across(
    lowering: Lowering, plan: _Plan, combine: Combine, finish: Finish, *, lanes: int, name: str
) -> bool:
    """Write the form whose lanes run along the reduced last axis, if vectors can do it."""
    x = plan.x
    if prod(x.shape) == 0:
        return False
    length = x.shape[-1]
    whole = length // lanes * lanes
    try:
        with lowering.kernel(name) as k, ExitStack() as outer_loops:
            outer = [outer_loops.enter_context(k.loop(x.shape[axis])) for axis in plan.kept]
            one = x.storage.value
            total = k.var(k.const(plan.start, one.with_lanes(lanes)))
            rest = k.var(k.const(plan.start, one))
            with ExitStack() as stack:
                inner = [stack.enter_context(k.loop(x.shape[axis])) for axis in plan.reduced[:-1]]
                with k.loop(0, whole, lanes) as at, k.lanes_over(at, lanes):
                    value = x.read(k, plan.merge(outer, [*inner, at]))
                    total.set(combine(k, total.get(), value))
                with k.loop(whole, length) as at:
                    value = x.read(k, plan.merge(outer, [*inner, at]))
                    rest.set(combine(k, rest.get(), value))
            parts = [total.get().lane(lane) for lane in range(lanes)]
            while len(parts) > 1:
                parts = [combine(k, a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
            found = combine(k, parts[0], rest.get()) if whole != length else parts[0]
            plan.write(k, outer, finish(k, found))
    except LoopError:
        return False
    return True
