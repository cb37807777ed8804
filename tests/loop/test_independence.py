"""Which loops threads may share, and which not: one reason each."""

from __future__ import annotations

import random
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


def padded_pixels(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    """Pixels one after the other, in rows of 3 that lie 5 apart."""
    with b.loop(0, 9, 3) as first, b.loop(3) as down, b.loop(0, 8, 4) as column:
        pixel = first + down
        at = pixel.div(b.const(3, I32)) * 5 + pixel.rem(b.const(3, I32))
        b.store(y, at * 8 + column, b.load(x, column, 4))


def rows_that_go_back(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(9) as pixel:
        at = pixel.div(b.const(3, I32)) * 2 + pixel.rem(b.const(3, I32))
        b.store(y, at, b.load(x, pixel))


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
    (padded_pixels, True),
    (rows_that_go_back, False),
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


def test_what_is_said_to_be_independent_is() -> None:
    """Indices drawn at random, with rows and gaps, and every element that each round touches."""
    draw = random.Random(4)
    said = 0
    for _ in range(4000):
        step, rounds, inner = draw.choice((1, 1, 2, 4)), draw.randint(2, 5), draw.randint(1, 4)
        width, lanes = draw.randint(1, 5), draw.choice((1, 1, 4))
        a, c, d = (draw.choice((-1, 0, 1, 2, 3, 4, 6, 8, 12, 24)) for _ in range(3))
        by_outer, by_inner = draw.choice((0, 1, 1, 2, 3)), draw.choice((0, 0, 1, 2))
        b = FunctionBuilder("drawn")
        y = b.memory(S.f32)
        value = b.const(0.0, F32 if lanes == 1 else F32.with_lanes(4))
        with b.loop(0, rounds * step, step) as i, b.loop(inner) as j:
            n = i * by_outer + j * by_inner
            row, column = n.div(b.const(width, I32)), n.rem(b.const(width, I32))
            b.store(y, row * a + column + i * c + j * d + 99, value)
        function = b.finish()
        outer = next((one for one in loops_of(function.body)), None)
        if outer is None or outer.step != step or not independent(function, outer):
            continue
        said += 1
        touched: dict[int, int] = {}
        for at in range(0, rounds * step, step):
            for j_at in range(inner):
                number = at * by_outer + j_at * by_inner
                start = number // width * a + number % width + at * c + j_at * d
                for element in range(start, start + lanes):
                    drawn = f"{step=} {rounds=} {inner=} {width=} {a=} {c=} {d=} {lanes=}"
                    assert touched.setdefault(element, at) == at, drawn
    assert said > 300
