"""Where the elements of a view lie, and views made to lie as a kernel needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.nodes import Ref
from likewise.loop.types import I32
from likewise.loop.values import Value
from likewise.lower.kernel import Kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.lower.lowering import Lowering
    from likewise.lower.view import TensorView

__all__ = ["channels_last", "in_order", "padded", "strides_of"]


def strides_of(view: TensorView) -> tuple[int, ...] | None:
    """How far apart neighbours along each axis lie; None where that is no constant.

    An axis of one element has stride 0.
    """
    if view.place is None:
        return None
    k = Kernel("probe")
    index = []
    for size in view.shape:
        counter = k.fresh(I32)
        k.facts.ranges[counter.id] = (0, max(size - 1, 0))
        index.append(Value(k, counter, I32) if size > 1 else k.index(0))
    form = k.facts.affine(view.place(k, tuple(index))[1].node)
    ids = [one.node.id if isinstance(one.node, Ref) else -1 for one in index]
    if any(one not in ids for one, _ in form.terms):
        return None
    return tuple(form.coefficient(one) for one in ids)


def channels_last(rank: int) -> tuple[int, ...]:
    """The order of N x C x D1 … Dn with the channels innermost: (0, 2, …, 1)."""
    return (0, *range(2, rank), 1)


def in_order(lowering: Lowering, view: TensorView, order: Sequence[int]) -> TensorView:
    """The view in memory whose elements lie in this order, without gaps."""
    if view.stem is not None and view.stem.base.memory is not None:
        view = view.settled()
    strides, wanted, step = strides_of(view), [0] * view.rank, 1
    for axis in reversed(order):
        wanted[axis] = 0 if view.shape[axis] == 1 else step
        step *= view.shape[axis]
    if strides == tuple(wanted):
        return view
    target = lowering.empty(view.dtype, view.shape, order)
    lowering.write(view, target, "pack")
    return target


def padded(
    lowering: Lowering,
    view: TensorView,
    begin: Sequence[int],
    end: Sequence[int],
    order: Sequence[int],
    fill: float = 0,
) -> TensorView:
    """The view in memory of this order with `fill` before and after its last axes.

    Negative numbers leave elements out.
    """
    lead = view.rank - len(begin)
    if any(one < 0 for one in (*begin, *end)):
        starts = [0] * lead + [max(0, -one) for one in begin]
        sizes = [
            *view.shape[:lead],
            *(
                n + min(0, b) + min(0, e)
                for b, n, e in zip(begin, view.shape[lead:], end, strict=True)
            ),
        ]
        view = view.slice(starts, [1] * view.rank, sizes)
        begin, end = [max(0, one) for one in begin], [max(0, one) for one in end]
    if not any(begin) and not any(end):
        return in_order(lowering, view, order)
    whole = [
        *view.shape[:lead],
        *(b + n + e for b, n, e in zip(begin, view.shape[lead:], end, strict=True)),
    ]
    target = lowering.empty(view.dtype, whole, order)
    starts = [*[0] * lead, *begin]
    lowering.write(view, target.slice(starts, [1] * view.rank, view.shape), "pad")
    # What stands around it comes last: the memory is then taken when `view` is written, not before
    # all that `view` still waits for.
    number = lowering.generate(view.dtype, whole, lambda k, _: k.number(fill, view.storage))
    starts, sizes = [0] * view.rank, list(whole)
    for axis, (before, after) in enumerate(zip(begin, end, strict=True), lead):
        for start, size in ((0, before), (whole[axis] - after, after)):
            if size:
                starts[axis], sizes[axis] = start, size
                part = target.slice(starts, [1] * view.rank, sizes)
                lowering.write(number.slice(starts, [1] * view.rank, sizes), part, "border")
        starts[axis], sizes[axis] = before, view.shape[axis]
    return target
