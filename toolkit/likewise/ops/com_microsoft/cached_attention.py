"""The parts of GroupQueryAttention as views for compiled targets.

Views of queries, keys and values are [B, heads, L, D]; `pasts` [B] int32 says how many tokens
stand before the given ones.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from likewise.ir import DType
from likewise.loop import I32
from likewise.loop import math as loop_math
from likewise.loop.types import S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.loop import Value
    from likewise.lower import Index, Kernel, Lowering, TensorView

__all__ = ["cache", "following", "looks", "packed_heads", "softmax", "turned"]

_DEAR: Final = 25
"""About the operations of an exponential."""


def packed_heads(x: TensorView, first: int, heads: int, size: int) -> TensorView:
    """`heads` heads of x [B, L, all heads * size], from number `first` on."""
    batch, length, width = x.shape
    whole = x.reshape((batch, length, width // size, size)).transpose((0, 2, 1, 3))
    return whole.slice((0, first, 0, 0), (1, 1, 1, 1), (batch, heads, length, size))


def turned(
    lowering: Lowering,
    x: TensorView,
    tables: Sequence[TensorView],
    places: TensorView,
    *,
    interleaved: bool,
) -> TensorView:
    """`x` turned by the rows `places` [B or 1, L] of cos and sin [P, R], as `turn_pairs` does."""
    x, places = lowering.settle(x), lowering.materialise(places)
    half, size = tables[0].shape[1], x.shape[3]
    shape = (*x.shape[:3], half)

    def rows(table: TensorView) -> TensorView:
        table = lowering.settle(table)

        def back(k: Kernel, index: Index) -> Index:
            sample = k.index(0) if places.shape[0] == 1 else index[0]
            with k.without_lanes():
                at = places.read(k, (sample, index[2])).cast(I32)
            return (k.min(k.max(at, 0), table.shape[0] - 1), index[3])

        return table.viewed(shape, back)

    def less(k: Kernel, cos: Value, sin: Value, one: Value, two: Value) -> Value:
        return k.narrow(cos * one, x.storage) - k.narrow(sin * two, x.storage)

    def more(k: Kernel, cos: Value, sin: Value, one: Value, two: Value) -> Value:
        return k.narrow(sin * one, x.storage) + k.narrow(cos * two, x.storage)

    made = lowering.empty(x.dtype, x.shape)
    step = 2 if interleaved else 1
    starts, steps = ((0, 0, 0, 0), (0, 0, 0, 1 if interleaved else half)), (1, 1, 1, step)
    one, two = (x.slice(start, steps, shape) for start in starts)
    cos, sin = map(rows, tables)
    for compute, start in ((less, starts[0]), (more, starts[1])):
        view = lowering.elementwise(compute, x.dtype, cos, sin, one, two)
        lowering.write(view, made.slice(start, steps, shape), "rotary")
    if 2 * half < size:
        start, shape = (0, 0, 0, 2 * half), (*x.shape[:3], size - 2 * half)
        rest = x.slice(start, (1, 1, 1, 1), shape)
        lowering.write(rest, made.slice(start, (1, 1, 1, 1), shape))
    return made


def following(lowering: Lowering, pasts: TensorView, length: int) -> TensorView:
    """[B, length]: the places of the tokens behind the past ones."""
    at = lowering.constant(np.arange(length, dtype=np.int32))
    before = pasts.reshape((pasts.size, 1))
    return lowering.elementwise(lambda _, a, b: a + b, DType.INT32, before, at)


def cache(
    lowering: Lowering, past: TensorView | None, new: TensorView, pasts: TensorView, total: int
) -> TensorView:
    """The first `pasts` of each sample of past [B, heads, S, D], the new ones, then zeros."""
    new = lowering.settle(new)
    batch, heads, length, size = new.shape
    room = max(total, 0 if past is None else past.shape[2])
    made = lowering.empty(new.dtype, (batch, heads, room, size))
    before: TensorView = lowering.constant(np.zeros((1, 1, 1, 1), new.dtype.numpy), new.dtype)
    before = before.broadcast(made.shape)
    if past is not None and past.shape[2]:
        held = lowering.settle(past)

        def kept(k: Kernel, index: Index) -> Value:
            with k.without_lanes():
                there = index[2] < k.min(pasts.read(k, (index[0],)), held.shape[2])
            at = k.min(index[2], held.shape[2] - 1)
            value = held.read(k, (*index[:2], at, index[3]))
            return k.select(there, value, k.number(0, new.storage))

        before = lowering.generate(new.dtype, made.shape, kept)
    lowering.write(before, made, "cache")
    with (
        lowering.kernel(f"{new.storage}_cache") as k,
        k.loop(batch) as sample,
        k.loop(length) as at,
    ):
        place = k.max(pasts.read(k, (sample,)), 0) + at
        with k.if_(place < room), k.loop(heads) as head, k.loop(size) as feature:
            buffer, position = made.address(k, (sample, head, place, feature))
            k.write(buffer, position, new.read(k, (sample, head, at, feature)))
    return made


def looks(
    lowering: Lowering,
    pasts: TensorView,
    shape: tuple[int, int, int, int],
    dtype: DType,
    *,
    causal: bool,
    window: int,
) -> TensorView:
    """[B, 1, L, total]: 0 where a token may look, -inf elsewhere."""
    _, _, length, total = shape
    storage = S.f64 if dtype is DType.DOUBLE else S.f32

    def compute(k: Kernel, index: Index) -> Value:
        at = k.index_values(index[3])
        with k.without_lanes():
            past = pasts.read(k, (index[0],))
        place = k.splat(past + index[2], at.type)
        seen = at < (k.splat(past + length, at.type) if length < total else total)
        if causal:
            seen = seen & (at <= place)
        if window > 0:
            seen = seen & (at > place - window)
        return k.select(seen, k.number(0.0, storage), k.number(-math.inf, storage))

    return lowering.generate(dtype, shape, compute)


def softmax(lowering: Lowering, scores: TensorView, sink: TensorView | None) -> TensorView:
    """Softmax along the last axis, `sink` being one more score; all -inf gives zeros."""
    dtype = scores.dtype
    scores = lowering.materialise(scores)
    most = lowering.reduce(scores, [3], -math.inf, lambda k, a, b: k.max(a, b), name="max")
    if sink is not None:
        most = lowering.elementwise(lambda k, a, b: k.max(a, b), dtype, most, sink)

    def finite(k: Kernel, value: Value) -> Value:
        return k.select(value.eq(-math.inf), k.const(0.0, value.type), value)

    def power(k: Kernel, value: Value, highest: Value) -> Value:
        return loop_math.exp(k, value - highest)

    most = lowering.materialise(lowering.elementwise(finite, dtype, most))
    powers = lowering.materialise(lowering.elementwise(power, dtype, scores, most, cost=_DEAR))
    total = lowering.reduce(powers, [3], 0.0, lambda _, a, b: a + b, name="sum")
    if sink is not None:
        extra = lowering.elementwise(power, dtype, sink, most, cost=_DEAR)
        total = lowering.elementwise(lambda _, a, b: a + b, dtype, total, extra)

    def share(k: Kernel, value: Value, whole: Value) -> Value:
        return value / k.select(whole.eq(0.0), k.const(1.0, whole.type), whole)

    return lowering.elementwise(share, dtype, powers, lowering.materialise(total))
