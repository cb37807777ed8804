"""Sorting in compiled code: the first elements of each row, in order, and where they stood."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from likewise.ir import DType
from likewise.loop import I32, I64
from likewise.ops.selection import counting, zeros

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.loop import BufferParam, Value, Var
    from likewise.lower import Kernel, Lowering, TensorView

    Before = Callable[[Value, Value], Value]

__all__ = ["Groups", "group_rows", "top_of_rows"]

FEW: Final = 48
"""As many elements at most are kept in order by insertion; more are merged."""


def top_of_rows(
    lowering: Lowering, rows: TensorView, count: int, *, largest: bool
) -> tuple[TensorView, TensorView]:
    """The first `count` elements of each row (the last axis) in order, and their indices (int64).

    The order is stable. NaN counts as larger than every number.
    """
    shape = (*rows.shape[:-1], count)
    values, indices = lowering.empty(rows.dtype, shape), lowering.empty(DType.INT64, shape)
    if values.size == 0:
        return values, indices

    def before(a: Value, b: Value) -> Value:
        found = a > b if largest else a < b
        if not a.type.is_float:
            return found
        first, second = (a, b) if largest else (b, a)
        return found | (first.ne(first) & second.eq(second))

    write = _insert if count <= FEW else _merge
    write(lowering, lowering.shared(rows, 2), values, indices, before)
    return values, indices


def _insert(
    lowering: Lowering, rows: TensorView, values: TensorView, indices: TensorView, before: Before
) -> None:
    """Each element moves to its place among the best so far."""
    size, count = rows.shape[-1], values.shape[-1]
    with lowering.kernel(f"{rows.storage}_topk_insert") as k, ExitStack() as stack:
        outer = tuple(stack.enter_context(k.loop(n)) for n in rows.shape[:-1])

        def value_at(at: Value) -> Value:
            return values.read(k, (*outer, at))

        def put(at: Value, value: Value, index: Value) -> None:
            k.write(*values.address(k, (*outer, at)), value)
            k.write(*indices.address(k, (*outer, at)), index)

        kept = k.var(0, I32)
        with k.loop(size) as number:
            value, many = rows.read(k, (*outer, number)), kept.get()
            room = many < count
            last = value_at(k.max(many - 1, 0))
            with k.if_(room | before(value, last)):
                place = k.var(k.select(room, many, count - 1))

                def smaller(place: Var = place, value: Value = value) -> Value:
                    at = place.get()
                    return (at > 0) & before(value, value_at(k.max(at - 1, 0)))

                with k.while_(smaller):
                    at = place.get()
                    put(at, value_at(at - 1), indices.read(k, (*outer, at - 1)))
                    place.set(at - 1)
                put(place.get(), value, number.cast(I64))
                kept.set(k.min(many + 1, count))


def _merge(
    lowering: Lowering, rows: TensorView, values: TensorView, indices: TensorView, before: Before
) -> None:
    """Runs of 1, 2, 4 … elements are merged, as indices, until one is left."""
    size, count = rows.shape[-1], values.shape[-1]
    order = lowering.empty(DType.INT32, (size,))
    merged = lowering.empty(DType.INT32, (size,))
    with lowering.kernel(f"{rows.storage}_topk_merge") as k, ExitStack() as stack:
        outer = tuple(stack.enter_context(k.loop(n)) for n in rows.shape[:-1])

        def key(at: Value) -> Value:
            return rows.read(k, (*outer, at))

        _sort(k, order, merged, lambda a, b: before(key(a), key(b)))
        with k.loop(count) as at:
            found = order.read(k, (at,))
            k.write(*values.address(k, (*outer, at)), key(found))
            k.write(*indices.address(k, (*outer, at)), found.cast(I64))


def _sort(k: Kernel, order: TensorView, merged: TensorView, before: Before) -> None:
    """Make `order` the numbers of elements in order; `merged` is memory of the same size."""
    (size,) = order.shape
    with k.loop(size) as at:
        k.write(*order.address(k, (at,)), at)
    width = k.var(1, I32)
    with k.while_(lambda: width.get() < size):
        _merge_runs(k, order, merged, width.get(), before)
        k.copy(*_start(k, order), *_start(k, merged), size)
        width.set(width.get() << 1)


def _start(k: Kernel, view: TensorView) -> tuple[BufferParam, Value]:
    buffer, position = view.address(k, (k.index(0),))
    return k.pointer(buffer), position


def _merge_runs(
    k: Kernel, order: TensorView, merged: TensorView, width: Value, before: Before
) -> None:
    """One pass: neighbouring runs of `width` in `order` become runs of twice that in `merged`."""
    size = order.shape[0]
    left, right = k.var(0, I32), k.var(width)
    with k.loop(size) as at:
        first = at - (at % (width << 1))
        middle = k.min(first + width, size)
        end = k.min(middle + width, size)
        with k.if_(at.eq(first)):
            left.set(first)
            right.set(middle)
        i, j = left.get(), right.get()
        a, b = (order.read(k, (k.min(one, size - 1),)) for one in (i, j))
        # Of equal elements the left run's come first: the order is stable.
        from_right = (j < end) & ((i >= middle) | before(b, a))
        k.write(*merged.address(k, (at,)), k.select(from_right, b, a))
        left.set(k.select(from_right, i, i + 1))
        right.set(k.select(from_right, j + 1, j))


@dataclass(frozen=True)
class Groups:
    """Equal rows together: `count` groups (an int32), of each its first row and its size.

    `first` and `sizes` are int64 and as long as there are rows, with zeros behind the groups.
    `group` is which one each row belongs to.
    """

    count: TensorView
    first: TensorView
    sizes: TensorView
    group: TensorView


def group_rows(lowering: Lowering, rows: TensorView, *, by_value: bool) -> Groups:
    """The different rows of `rows` [N, M] in memory, by value or as they first occur.

    NaNs are equal to each other and larger than every number.
    """
    length = rows.shape[0]
    order, merged = (lowering.empty(DType.INT32, (length,)) for _ in range(2))
    first, sizes, group = (lowering.empty(DType.INT64, (length,)) for _ in range(3))
    with counting(lowering, f"{rows.storage}_group_rows") as (k, number, count):
        for one in (first, sizes):
            zeros(k, one)
        if length:
            _sort(k, order, merged, lambda a, b: _row_before(k, rows, a, b))
        with k.loop(length) as at:
            row = order.read(k, (at,))
            new = k.var(at.eq(0))
            with k.if_(at > 0):
                new.set(_row_before(k, rows, order.read(k, (k.max(at - 1, 0),)), row))
            with k.if_(new.get()):
                k.write(*first.address(k, (number.get(),)), row.cast(I64))
                number.set(number.get() + 1)
            last = number.get() - 1
            _raise(k, sizes, last)
            k.write(*group.address(k, (row,)), last.cast(I64))
    found = Groups(count, first, sizes, group)
    return found if by_value else _by_first(lowering, found)


def _raise(k: Kernel, numbers: TensorView, at: Value) -> None:
    k.write(*numbers.address(k, (at,)), numbers.read(k, (at,)) + 1)


def _row_before(k: Kernel, rows: TensorView, a: Value, b: Value) -> Value:
    """Whether row `a` stands before row `b`: by their first elements that differ."""
    column, verdict = k.var(0, I32), k.var(0, I32)  # 1: before, 2: behind

    def equal_so_far() -> Value:
        return (column.get() < rows.shape[1]) & verdict.get().eq(0)

    with k.while_(equal_so_far):
        x, y = (rows.read(k, (row, column.get())) for row in (a, b))
        before, behind = x < y, y < x
        if x.type.is_float:
            before, behind = before | (x.eq(x) & y.ne(y)), behind | (x.ne(x) & y.eq(y))
        verdict.set(k.select(before, k.index(1), k.select(behind, k.index(2), k.index(0))))
        column.set(column.get() + 1)
    return verdict.get().eq(1)


def _by_first(lowering: Lowering, groups: Groups) -> Groups:
    """The groups in the order of their first rows."""
    (length,) = groups.group.shape
    first, sizes, group = (lowering.empty(DType.INT64, (length,)) for _ in range(3))
    place = lowering.empty(DType.INT32, (length,))
    with lowering.kernel("groups_by_first") as k:
        for one in (first, sizes):
            zeros(k, one)
        number = k.var(0, I32)
        with k.loop(length) as row:
            old = groups.group.read(k, (row,)).cast(I32)
            with k.if_(groups.first.read(k, (old,)).cast(I32).eq(row)):
                now = number.get()
                k.write(*place.address(k, (old,)), now)
                k.write(*first.address(k, (now,)), row.cast(I64))
                k.write(*sizes.address(k, (now,)), groups.sizes.read(k, (old,)))
                number.set(now + 1)
            k.write(*group.address(k, (row,)), place.read(k, (old,)).cast(I64))
    return Groups(groups.count, first, sizes, group)
