"""Which loops threads may share, and which not: one reason each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from likewise.loop import F32, I32, BufferParam, FunctionBuilder, S
from likewise.loop.independence import independent, loops_of

Write = Callable[[FunctionBuilder, BufferParam, BufferParam], None]


def elementwise(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(16) as i:
        b.store(y, i, b.load(x, i) + b.load(y, i))


def vectors(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(0, 16, 4) as i:
        b.store(y, i, b.load(x, i, 4))


def overlapping_vectors(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(0, 16, 3) as i:
        b.store(y, i, b.load(x, i, 4))


def the_next(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(15) as i:
        b.store(y, i + 1, b.load(y, i) + b.load(x, i))


def one_place(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(16) as i:
        b.store(y, 0, b.load(x, i))


def rows(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(5) as row, b.loop(7) as column:
        b.store(y, row * 7 + column, b.load(x, column * 5 + row))


def rows_that_overlap(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(5) as row, b.loop(8) as column:
        b.store(y, row * 7 + column, b.load(x, row))


def columns(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    """As a convolution writes channels: a block of them at every pixel, several pixels at once."""
    with b.loop(0, 32, 8) as column, b.loop(0, 10, 2) as pixel:
        for down in range(2):
            for part in (0, 4):
                at = (pixel + down) * 32 + column + part
                b.store(y, at, b.load(x, at, 4))


def columns_that_reach_the_next_pixel(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(0, 40, 8) as column, b.loop(10) as pixel:
        b.store(y, pixel * 32 + column, b.load(x, column, 4))


def divided(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    """Blocks at places of a padded image: what is no affine index is many distances away."""
    with b.loop(0, 8, 4) as column, b.loop(9) as pixel:
        at = pixel.div(b.const(3, I32)) * 5 + pixel.rem(b.const(3, I32))
        b.store(y, at * 8 + column, b.load(x, column, 4))


def by_data(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(16) as i:
        b.store(y, b.load(x, i).cast(I32), 1.0)


def carried(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    total = b.var(0.0, F32)
    with b.loop(16) as i:
        total.set(total.get() + b.load(x, i))
        b.store(y, i, total.get())


def own_sums(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(4) as i:
        total = b.var(0.0, F32)
        with b.loop(4) as j:
            total.set(total.get() + b.load(x, i * 4 + j))
        b.store(y, i, total.get())


def outside(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    b.store(y, 0, 1.0)
    with b.loop(1, 16) as i:
        b.store(y, i, b.load(x, i))


def filled(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(4) as i:
        b.fill(y, i * 8, 8)
        b.copy(y, i * 8 + 2, x, 0, 4)


def filled_too_far(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(4) as i:
        b.fill(y, i * 8, 9)
        b.store(y, i * 8, b.load(x, 0))


def backwards(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(16) as i:
        b.store(y, 15 - i, b.load(x, i))


CASES: list[tuple[Write, bool]] = [
    (elementwise, True),
    (vectors, True),
    (overlapping_vectors, False),
    (the_next, False),
    (one_place, False),
    (rows, True),
    (rows_that_overlap, False),
    (columns, True),
    (columns_that_reach_the_next_pixel, False),
    (divided, True),
    (by_data, False),
    (carried, False),
    (own_sums, True),
    (outside, False),
    (filled, True),
    (filled_too_far, False),
    (backwards, False),  # it would be, but no kernel is written so
]


@pytest.mark.parametrize(("write", "expected"), CASES)
def test_the_outer_loop_is_independent_or_not(write: Write, expected: bool) -> None:
    b = FunctionBuilder("written")
    write(b, b.memory(S.f32), b.memory(S.f32))
    function = b.finish()
    assert independent(function, next(loops_of(function.body))) == expected


def test_inner_loops_may_be_independent_where_outer_ones_are_not() -> None:
    b = FunctionBuilder("scan")
    x, y = b.memory(S.f32), b.memory(S.f32)
    with b.loop(1, 5) as step, b.loop(8) as column:
        b.store(y, step * 8 + column, b.load(y, step * 8 + column - 8) + b.load(x, column))
    function = b.finish()
    outer, inner = loops_of(function.body)
    assert not independent(function, outer)
    assert independent(function, inner)
