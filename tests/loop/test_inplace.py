"""Which functions may write over what they read, and which not: one reason each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from likewise.loop import F32, I32, BufferParam, FunctionBuilder, S
from likewise.loop.inplace import writes_behind

Write = Callable[[FunctionBuilder, BufferParam, BufferParam], None]
SIZE = 32


def elementwise(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(0, 28, 4) as i:
        b.store(y, i, b.load(x, i, 4))
    with b.loop(28, SIZE) as i:
        b.store(y, i, b.load(x, i))


def after_reading_all(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(8) as row:
        total = b.var(0.0, F32)
        with b.loop(4) as i:
            total.set(total.get() + b.load(x, row * 4 + i))
        with b.loop(4) as i:
            b.store(y, row * 4 + i, b.load(x, row * 4 + i) / total.get())


def before_reading_all(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(8) as row:
        total = b.var(0.0, F32)
        with b.loop(4) as i:
            total.set(total.get() + b.load(x, row * 4 + i))
            b.store(y, row * 4 + i, total.get() * b.load(x, row * 4))


def backwards(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(SIZE) as i:
        b.store(y, SIZE - 1 - i, b.load(x, i))


def behind(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(SIZE - 1) as i:
        b.store(y, i, b.load(x, i + 1))


def ahead(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(SIZE - 1) as i:
        b.store(y, i + 1, b.load(x, i))


def transposed(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(4) as i, b.loop(8) as j:
        b.store(y, i * 8 + j, b.load(x, j * 4 + i))


def tiles(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    """As a product adds to what it writes: a block of columns at some rows, which it divides."""
    with b.loop(0, 8, 4) as column, b.loop(0, 4, 2) as row:
        for down in range(2):
            place = (row + down).div(b.const(2, I32)) * 16 + (row + down).rem(b.const(2, I32)) * 8
            b.store(y, place + column, b.load(x, (row + down) * 8 + column, 4))


def tiles_that_overlap(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    for column in (0, 4, 5):
        with b.loop(3) as row:
            b.store(y, row * 9 + column, b.load(x, row * 9 + column, 4))


def under_a_condition(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(SIZE + 4) as i, b.if_(i < SIZE):
        b.store(y, i, b.load(x, i))


def by_data(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(SIZE) as i:
        b.store(y, i, b.load(x, b.load(x, i).cast(I32)))


def again_and_again(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    """What is read so often is a product's operand, and not counted out."""
    total = b.var(0.0, F32)
    with b.loop(9), b.loop(SIZE) as i:
        total.set(total.get() + b.load(x, i))
    b.store(y, 0, total.get())


def copied(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    b.copy(y, 0, x, 0, SIZE)


def filled(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    b.fill(y, 0, SIZE)
    b.store(y, 1, b.load(x, 1))


def written_as_well(b: FunctionBuilder, x: BufferParam, y: BufferParam) -> None:
    with b.loop(SIZE) as i:
        b.store(y, i, b.load(x, i))
        b.store(x, i, 0.0)


CASES: list[tuple[Write, bool]] = [
    (elementwise, True),
    (after_reading_all, True),
    (before_reading_all, False),
    (backwards, False),
    (behind, True),
    (ahead, False),
    (transposed, False),
    (tiles, True),
    (tiles_that_overlap, False),
    (under_a_condition, True),
    (by_data, False),
    (again_and_again, False),
    (copied, False),
    (filled, False),
    (written_as_well, False),
]


@pytest.mark.parametrize(("write", "may"), CASES, ids=[write.__name__ for write, _ in CASES])
def test_what_is_read_last_may_be_written(write: Write, may: bool) -> None:
    b = FunctionBuilder("f")
    x, y = b.memory(S.f32), b.memory(S.f32)
    write(b, x, y)
    assert writes_behind(b.finish(), x, y, SIZE) is may


def test_what_is_too_large_is_not_counted_out() -> None:
    b = FunctionBuilder("f")
    x, y = b.memory(S.f32), b.memory(S.f32)
    elementwise(b, x, y)
    assert not writes_behind(b.finish(), x, y, 2**24 + 1)
