"""Statements of the loop IR: the interpreter against plain Python, then against wasmtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from likewise.loop import F32, I32, LoopError, Program, ProgramBuilder, S, interpret
from tests.targets.wasm.running import run_both

Array = np.ndarray[Any, Any]


def sorting() -> tuple[Program, dict[str, Array]]:
    """Insertion sort: a while loop whose bound depends on data."""
    program = ProgramBuilder()
    x, y = program.input("x", S.f32, 40), program.output("y", S.f32, 40)
    with program.function("run") as b:
        b.copy(y, 0, x, 0, 40)
        with b.loop(1, 40) as i:
            key = b.load(y, i)
            at = b.var(i)
            go = b.var(1, I32)
            with b.while_(lambda: (at.get() > 0) & go.get().ne(0)):
                left = b.load(y, at.get() - 1)
                with b.if_(left > key):
                    b.store(y, at.get(), left)
                    at.set(at.get() - 1)
                with b.otherwise():
                    go.set(0)
            b.store(y, at.get(), key)
    x_data = np.random.default_rng(0).standard_normal(40).astype("f4")
    return program.finish(), {"x": x_data}


def bounds_from_data() -> tuple[Program, dict[str, Array]]:
    """Row sums whose lengths are data, steps and negative starts included."""
    program = ProgramBuilder()
    x, n = program.input("x", S.f32, 64), program.input("n", S.i64, 8)
    y = program.output("y", S.f32, 8)
    with program.function("run") as b, b.loop(8) as row:
        total = b.var(0.0, F32)
        with b.loop(row - 3, b.load(n, row).cast(I32), 2) as j:
            total.set(total.get() + b.load(x, row * 4 + b.max(j, 0)))
        b.store(y, row, total.get())
    lengths = np.array([0, -5, 3, 7, 1, 9, 4, 30])
    return program.finish(), {"x": np.arange(64, dtype="f4"), "n": lengths}


def calls() -> tuple[Program, dict[str, Array]]:
    """One function at two places of several buffers, with a scalar, calling another."""
    program = ProgramBuilder()
    x, y = program.input("x", S.f32, 16), program.output("y", S.f32, 16)
    t = program.scratch("t", S.f32, 20)
    with program.function("scale") as b:
        source, target, factor = b.memory(S.f32), b.memory(S.f32), b.scalar(F32)
        with b.loop(8) as i:
            b.store(target, i, b.load(source, i) * factor)
    scale = program.functions["scale"]
    with program.function("twice") as b:
        source, target = b.memory(S.f32), b.memory(S.f32)
        with b.loop(2) as half:
            b.call(scale, [(source, half * 8), (target, half * 8)], [half.cast(F32) + 2.0])
    twice = program.functions["twice"]
    with program.function("run") as b:
        b.fill(t, 0, 20)
        b.call(twice, [x, (t, 4)])
        b.call(twice, [(t, 1), y])
    return program.finish(), {"x": np.arange(16, dtype="f4")}


def order_of_reads_and_writes() -> tuple[Program, dict[str, Array]]:
    """A value read before a write keeps what it read, also through a variable."""
    program = ProgramBuilder()
    y = program.output("y", S.f32, 8)
    with program.function("run") as b:
        b.store(y, 0, 1.0)
        before = b.load(y, 0)
        b.store(y, 0, 2.0)
        b.store(y, 1, before)
        count = b.var(10.0, F32)
        old = count.get()
        count.set(old + 1.0)
        b.store(y, 2, old + count.get() * 100.0)
        with b.loop(3) as i:
            swapped = b.load(y, i)
            b.store(y, i, b.load(y, i + 1))
            b.store(y, i + 1, swapped)
    return program.finish(), {}


def overlapping_copies() -> tuple[Program, dict[str, Array]]:
    program = ProgramBuilder()
    x, y = program.input("x", S.i16, 10), program.output("y", S.i16, 30)
    with program.function("run") as b:
        b.copy(y, 0, x, 0, 10)
        b.copy(y, 2, y, 0, 10)
        b.fill(y, 20, 5, 0xFF)
        with b.loop(2, 4) as i:
            b.copy(y, i * 3 + 9, y, i, 2)
            b.fill(y, i, 1, 7)
    return program.finish(), {"x": np.arange(-5, 5, dtype="i2")}


def waiting_values() -> tuple[Program, dict[str, Array]]:
    """Values read once, and only after a write that changes what they were read from."""
    program = ProgramBuilder()
    x, y = program.input("x", S.f32, 8), program.output("y", S.f32, 32)
    with program.function("clear") as b:
        b.fill(b.memory(S.f32), 0, 8)
    clear = program.functions["clear"]
    with program.function("run") as b:
        flag = b.load(x, 1) > 0.0
        count = b.var(10.0, F32)
        old = count.get()
        count.set(99.0)
        b.store(y, 8, old)
        b.store(y, 0, 1.0)
        held = b.load(y, 0)
        b.store(y, 0, 2.0)
        b.store(y, 9, held)
        held = b.load(y, 0)
        b.fill(y, 0, 8)
        b.store(y, 10, held)
        b.copy(y, 0, x, 0, 8)
        held = b.load(y, 1)
        b.copy(y, 1, x, 3, 1)
        b.store(y, 11, held)
        held = b.load(y, 2)
        b.call(clear, [y])
        b.store(y, 12, held)
        old = count.get()
        with b.loop(b.load(x, 1).cast(I32)):
            count.set(count.get() + 1.0)
        b.store(y, 13, old)
        old = count.get()
        with b.if_(flag):
            count.set(0.0)
        b.store(y, 14, old)
        old = count.get()
        with b.while_(lambda: count.get() < 3.0):
            count.set(count.get() + 1.0)
        b.store(y, 15, old)
        b.store(y, 16, count.get())
        old = count.get()
        with b.if_(~flag):
            count.set(7.0)
        b.store(y, 17, old)
    return program.finish(), {"x": np.arange(1, 9, dtype="f4")}


PROGRAMS = [
    sorting,
    bounds_from_data,
    calls,
    order_of_reads_and_writes,
    overlapping_copies,
    waiting_values,
]


@pytest.mark.parametrize("make", PROGRAMS)
def test_statements_in_wasm_as_in_the_interpreter(make: Any) -> None:
    run_both(*make())


def test_results() -> None:
    program, feeds = sorting()
    np.testing.assert_array_equal(interpret(program, feeds)["y"], np.sort(feeds["x"]))
    program, feeds = bounds_from_data()
    want = [
        sum(feeds["x"][r * 4 + max(j, 0)] for j in range(r - 3, n, 2))
        for r, n in enumerate(feeds["n"])
    ]
    np.testing.assert_array_equal(interpret(program, feeds)["y"], np.array(want, "f4"))
    program, feeds = calls()
    doubled = feeds["x"] * np.repeat([2, 3], 8)
    moved = np.concatenate([np.zeros(4), doubled])[1:17]
    np.testing.assert_array_equal(interpret(program, feeds)["y"], moved * np.repeat([2, 3], 8))
    program, feeds = order_of_reads_and_writes()
    np.testing.assert_array_equal(interpret(program, feeds)["y"][:4], [1, 1110, 0, 2])
    program, feeds = waiting_values()
    np.testing.assert_array_equal(
        interpret(program, feeds)["y"][8:18], [10, 1, 2, 2, 3, 99, 101, 0, 3, 3]
    )


def test_an_access_outside_its_buffer_is_named() -> None:
    program = ProgramBuilder()
    y = program.output("y", S.f32, 8)
    with program.function("run") as b:
        b.store(y, 8, 1.0)
    with pytest.raises(LoopError) as caught:
        interpret(program.finish(), {})
    assert str(caught.value) == (
        "run: an access lies outside its buffer; given: 1 elements from 8; allowed: y has 8"
    )
