"""Scratch memory that rounds write before they read it: what is proven, and what is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from likewise.loop import BufferParam, FunctionBuilder, S, Value
from likewise.loop.independence import independent, loops_of, own_memory

Fill = Callable[[FunctionBuilder, BufferParam, Value], None]
ZERO = 0.0


def every_element(b: FunctionBuilder, t: BufferParam, i: Value) -> None:
    with b.loop(12) as at:
        b.store(t, at, ZERO)


def vectors_of_rows(b: FunctionBuilder, t: BufferParam, i: Value) -> None:
    vector = b.splat(b.const(ZERO, S.f32.value), S.f32.value.with_lanes(4))
    with b.loop(3) as row, b.loop(0, 4, 4) as column:
        b.store(t, row * 4 + column, vector)


def columns_of_points(b: FunctionBuilder, t: BufferParam, i: Value) -> None:
    """As transforms write: several places far apart in each round."""
    with b.loop(4) as at:
        for point in range(3):
            b.store(t, point * 4 + at, ZERO)


def neighbours_in_two_loops(b: FunctionBuilder, t: BufferParam, i: Value) -> None:
    with b.loop(2) as row:
        with b.loop(4) as at:
            b.store(t, row * 6 + at, ZERO)
        with b.loop(4, 6) as at:
            b.store(t, row * 6 + at, ZERO)


def all_but_one(b: FunctionBuilder, t: BufferParam, i: Value) -> None:
    with b.loop(11) as at:
        b.store(t, at, ZERO)


def every_other(b: FunctionBuilder, t: BufferParam, i: Value) -> None:
    with b.loop(0, 12, 2) as at:
        b.store(t, at, ZERO)


def perhaps(b: FunctionBuilder, t: BufferParam, i: Value) -> None:
    with b.loop(12) as at, b.if_(at > i):
        b.store(t, at, ZERO)


def some_times(b: FunctionBuilder, t: BufferParam, i: Value) -> None:
    with b.loop(i) as at:
        b.store(t, at, ZERO)


def another_place_each_round(b: FunctionBuilder, t: BufferParam, i: Value) -> None:
    with b.loop(12) as at:
        b.store(t, i + at, ZERO)


CASES: list[tuple[Fill, bool]] = [
    (every_element, True),
    (vectors_of_rows, True),
    (columns_of_points, True),
    (neighbours_in_two_loops, True),
    (all_but_one, False),
    (every_other, False),
    (perhaps, False),
    (some_times, False),
    (another_place_each_round, False),
]


@pytest.mark.parametrize(("fill", "proven"), CASES)
def test_what_is_read_was_written(fill: Fill, proven: bool) -> None:
    b = FunctionBuilder("f")
    y, t = b.memory(S.f32), b.memory(S.f32)
    with b.loop(5) as i:
        fill(b, t, i)
        with b.loop(12) as at:
            b.store(y, i * 12 + at, b.load(t, 11 - at))
    function = b.finish()
    loop = next(loops_of(function.body))
    assert own_memory(function, loop) == (frozenset({t}) if proven else frozenset())
    assert independent(function, loop, frozenset({t})) == proven
    assert not independent(function, loop)


def test_what_is_read_before_is_not() -> None:
    b = FunctionBuilder("f")
    y, t = b.memory(S.f32), b.memory(S.f32)
    with b.loop(5) as i:
        b.store(y, i, b.load(t, 3))
        every_element(b, t, i)
    function = b.finish()
    assert own_memory(function, next(loops_of(function.body))) == frozenset()
