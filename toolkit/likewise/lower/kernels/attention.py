"""Softmax over rows, and the product of its result with a matrix: attention.

Scores are computed some rows at a time into memory that a cache holds; exponentials replace them,
and the product with the values follows before the next rows: the matrix of all scores never exists.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.ir import DType
from likewise.loop.math import exp_below_zero
from likewise.loop.types import F32, LoopError
from likewise.lower.kernels.batched import pack_columns, suits_product
from likewise.lower.kernels.igemm import Tile, even_spans, over_rows, portion_of
from likewise.lower.kernels.layout import strides_of
from likewise.lower.pending import Pending
from likewise.lower.tiles import Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.loop.nodes import BufferParam
    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.lowering import Lowering
    from likewise.lower.pending import Epilogue, Put, Rows
    from likewise.lower.view import Index, TensorView

__all__ = ["attention", "softmax"]

_SCORES: Final = 2**14
"""Scores at a time: 64 KiB."""
_SIDE_BY_SIDE: Final = 4
_IN_ORDER: Final = 64
"""Vectors that are added one after the other."""
_LANES: Final = 4
_VECTOR: Final = F32.with_lanes(_LANES)


@dataclass(eq=False)
class _Softmax(Pending):
    """A softmax that nobody has read yet."""

    scores: Any = None


def softmax(lowering: Lowering, x: TensorView) -> TensorView:
    """exp(x - max) / sum(exp(x - max)) along the last axis of float32 [..., m, n]."""

    def emit(target: TensorView, epilogue: Epilogue) -> None:
        strides = strides_of(target)
        if strides is None or (x.shape[-1] > 1 and strides[-1] != 1):
            inside = lowering.empty(target.dtype, target.shape)
            emit(inside, epilogue)
            lowering.write(inside, target)
            return

        def finish(part: _Part) -> None:
            k = part.k
            with k.loop(part.count) as row:

                def write(column: Value) -> None:
                    index = (*part.lead, part.first + row, column)
                    made = k.read(
                        part.scores, part.start + row * part.stride + column
                    ) / part.total(row)
                    buffer, position = target.address(k, index)
                    k.write(buffer, position, epilogue(k, made, index))

                _along(k, x.shape[-1], write)

        _in_parts(lowering, "f32_softmax", x, finish)

    return _Softmax(lowering, x.dtype, x.shape, None, emit, scores=x).view()


def attention(lowering: Lowering, a: TensorView, v: TensorView) -> TensorView | None:
    """The product of `a` with `v` where `a` is a softmax that nobody else reads, else None."""
    base = None if a.stem is None or not a.stem.whole else a.stem.base
    if not isinstance(base, _Softmax) or base.memory is not None or base.readers > 1:
        return None
    lead = a.shape[:-2]
    if not suits_product(a, v) or np.broadcast_shapes(lead, v.shape[:-2]) != lead:
        return None
    scores, depth, columns = base.scores, *v.shape[-2:]
    shape = Shape("f32_attention", (*a.shape[:-1], columns, depth))
    size = lowering.tiles.of(shape)

    def emit(target: TensorView, epilogue: Epilogue) -> None:
        strides = strides_of(target)
        if strides is None or strides[-1] != 1:
            inside = lowering.empty(target.dtype, target.shape)
            emit(inside, epilogue)
            lowering.write(inside, target)
            return
        packed = pack_columns(lowering, v)
        packed = packed.broadcast((*lead, *packed.shape[-3:]))

        def finish(part: _Part) -> None:
            k = part.k
            zero = k.index(0)
            weights, block = packed.address(k, (*part.lead, zero, zero, zero))
            tile = Tile(part.scores, part.stride, (), depth, k.pointer(weights))

            def run(rows: int, row: Value, column: Value, width: int) -> None:
                def store(k: Kernel, own: Value, down: int, value: Value) -> None:
                    index = (*part.lead, part.first + row + down, own)
                    made = value / part.total(row + down)
                    buffer, position = target.address(k, index)
                    k.write(buffer, position, epilogue(k, made, index))

                at = part.start + row * part.stride
                tile.run(k, rows, at, block + column * depth, column, store, columns=width)

            over_rows(k, part.count, columns, depth, run, size)

        _in_parts(lowering, f"{shape.kernel}_{size}", scores, finish)

    return lowering.pending(a.dtype, (*a.shape[:-1], columns), None, emit)


@dataclass(frozen=True)
class _Part:
    """Some rows of the matrix at `lead`, from `first` on: exponentials, and their sums.

    They stand in their memories from `start` and `sums` on; a row takes `stride` elements.
    """

    k: Kernel
    lead: Index
    first: Value
    count: int
    scores: BufferParam
    start: Value
    totals: BufferParam
    sums: Value
    stride: int

    def total(self, row: Value) -> Value:
        """The sum of a row, in as many lanes as values have here."""
        return self.k.splat(self.k.load(self.totals, self.sums + row), F32.with_lanes(self.k.lanes))

    def exponentiate(self, columns: int) -> None:
        """Replace the scores, and sum up; what fills rows up to whole vectors becomes 0."""
        k, stride = self.k, self.stride
        with k.loop(self.count) as row:
            start = self.start + row * stride
            for column in range(columns, stride):
                k.store(self.scores, start + column, k.const(-math.inf, F32))
            top = k.splat(self._largest(start), _VECTOR)
            total = k.var(0, _VECTOR)
            for first, last, step in even_spans(stride // _LANES, _IN_ORDER):
                with k.loop(first * _LANES, last * _LANES, step * _LANES) as span:
                    some = k.var(0, _VECTOR)
                    with k.loop(0, step * _LANES, _LANES) as at:
                        place = start + span + at
                        one = exp_below_zero(k, k.load(self.scores, place, _LANES) - top)
                        k.store(self.scores, place, one)
                        some.set(some.get() + one)
                    total.set(total.get() + some.get())
            parts = [total.get().lane(lane) for lane in range(_LANES)]
            k.store(self.totals, self.sums + row, (parts[0] + parts[1]) + (parts[2] + parts[3]))

    def _largest(self, start: Value) -> Value:
        """The largest score of a row. A NaN may be passed over: it makes the sum NaN."""
        k = self.k
        tops = [k.var(-math.inf, _VECTOR) for _ in range(_SIDE_BY_SIDE)]
        wide = _SIDE_BY_SIDE * _LANES
        whole = self.stride // wide * wide

        def take(top: int, place: Value) -> None:
            one = k.load(self.scores, place, _LANES)
            tops[top].set(k.apply("pmax", tops[top].get(), one))

        with k.loop(0, whole, wide) as at:
            for number in range(_SIDE_BY_SIDE):
                take(number, start + at + number * _LANES)
        with k.loop(whole, self.stride, _LANES) as at:
            take(0, start + at)
        found = [one.get() for one in tops]
        parts = found[0]
        for one in found[1:]:
            parts = k.apply("pmax", parts, one)
        lanes = [parts.lane(lane) for lane in range(_LANES)]
        return k.apply(
            "pmax", k.apply("pmax", lanes[0], lanes[1]), k.apply("pmax", lanes[2], lanes[3])
        )


def _in_parts(
    lowering: Lowering, name: str, scores: TensorView, finish: Callable[[_Part], None]
) -> None:
    """A kernel that computes exponentials of some rows at a time and then finishes them."""
    base = None if scores.stem is None or not scores.stem.whole else scores.stem.base
    if base is not None and base.by_rows is not None and base.memory is None and base.readers == 1:
        try:
            _write_parts(lowering, name, scores.shape, base.by_rows(), finish)
        except LoopError:
            pass  # vectors cannot do what is done with the product: it becomes a kernel of its own
        else:
            return
    _write_parts(lowering, name, scores.shape, _read_rows(lowering.settle(scores)), finish)


def _write_parts(
    lowering: Lowering,
    name: str,
    shape: tuple[int, ...],
    rows: Rows,
    finish: Callable[[_Part], None],
) -> None:
    *lead, m, n = shape
    stride = -(-n // _LANES) * _LANES
    tile = lowering.tiles.of(Shape("f32_attention", (m, n, n)))
    parts = even_spans(m, max(1, _SCORES // stride // tile.rows) * tile.rows)
    most = max(step for *_, step in parts)
    with lowering.kernel(name) as k, ExitStack() as loops:

        def scratch(size: int) -> BufferParam:
            return k.pointer(lowering.empty(DType.FLOAT, (size,)).address(k, (k.index(0),))[0])

        outer = [loops.enter_context(k.loop(size)) for size in lead[:-1]]
        portion, number = 1, k.index(0)
        if lead:  # portions of the heads have memory of their own: threads can share them out
            portion = portion_of(lead[-1])
            number = loops.enter_context(k.loop(lead[-1] // portion))
            outer.append(number * portion + loops.enter_context(k.loop(portion)))
        index, portions = tuple(outer), lead[-1] // portion if lead else 1
        memory, totals = scratch(portions * most * stride), scratch(portions * most)
        own, sums = number * (most * stride), number * most
        for first, last, count in parts:
            with k.loop(first, last, count) as at:
                part = _Part(k, index, at, count, memory, own, totals, sums, stride)

                def put(k: Kernel, row: Value, index: Index, value: Value) -> None:
                    k.store(memory, own + row * stride + index[-1], value)

                rows(k, index, at, count, put)
                part.exponentiate(n)
                finish(part)


def _read_rows(view: TensorView) -> Rows:
    def rows(k: Kernel, lead: Index, first: Value, count: int, put: Put) -> None:
        with k.loop(count) as row:

            def one(column: Value) -> None:
                index = (*lead, first + row, column)
                put(k, row, index, view.read(k, index))

            _along(k, view.shape[-1], one)

    return rows


def _along(k: Kernel, count: int, body: Callable[[Value], None]) -> None:
    """body(column) for vectors of columns, then for single ones."""
    whole = count // _LANES * _LANES
    for first, last, lanes in ((0, whole, _LANES), (whole, count, 1)):
        with k.loop(first, last, lanes) as at:
            column = k.lane_axis(at) if at.constant is not None else at
            with k.lanes_over(column, lanes):
                body(column)
