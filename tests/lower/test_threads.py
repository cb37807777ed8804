"""Sharing out: what is cut into parts, and that programs compute the same whatever runs first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from likewise.loop import F32, LoopError, ProgramBuilder, S, interpret, program_text, verify
from likewise.loop.constants import constant
from likewise.loop.nodes import Call, DeclareVar, For, Parts, Program, SetVar, Variable
from likewise.lower.kernel import Kernel
from likewise.lower.threads import share_out

if TYPE_CHECKING:
    from collections.abc import Callable


def program(*kernels: Callable[[Kernel], None], size: int = 64) -> Program:
    """`x` to `y` by kernels, which find them as `k.pointer(…)` of what they are called with."""
    made = ProgramBuilder()
    buffers = made.input("x", S.f32, size), made.output("y", S.f32, size)
    with made.function("run") as run:
        for at, write in enumerate(kernels):
            k = Kernel(f"k{at}")
            for one in buffers:
                k.pointer(one)
            write(k)
            run.call(made.add(k.finish()), k.arguments)
    return made.finish()


def double(k: Kernel) -> None:
    x, y = (k.pointer(one) for one in k.arguments)
    with k.loop(0, 60, 4) as at:
        k.store(y, at, k.load(x, at, 4) * 2.0)
    with k.loop(60, 64) as at:
        k.store(y, at, k.load(x, at) * 2.0)


def running_sum(k: Kernel) -> None:
    x, y = (k.pointer(one) for one in k.arguments)
    total = k.var(0.0, F32)
    with k.loop(64) as at:
        total.set(total.get() + k.load(x, at))
        k.store(y, at, total.get())


def two_phases(k: Kernel) -> None:
    """The second reads backwards what the first wrote: it must wait, and is not cut itself."""
    x, y = (k.pointer(one) for one in k.arguments)
    factor = k.load(x, 0)
    with k.loop(32) as at:
        k.store(y, at, k.load(x, at) * factor)
    with k.loop(32, 64) as at:
        k.store(y, at, k.load(y, 63 - at) + factor)


def parts_of(shared: Program) -> list[tuple[str, Parts | None]]:
    return [(one.function, one.parts) for one in shared.functions[-1].body if isinstance(one, Call)]


def test_every_independent_phase_is_cut() -> None:
    shared = share_out(program(double, running_sum, two_phases), 2, least=0)
    assert parts_of(shared) == [
        ("k0.0", Parts(0, 60, 4, 32)),
        ("k0.1", Parts(60, 64, 1, 2)),
        ("k1", None),
        ("k2.0", Parts(0, 32, 1, 16)),
        ("k2.1", None),
    ]
    assert "call k0.0(x[0], y[0], 0 to 60 by 32)" in program_text(shared)


def test_little_work_is_left_to_one() -> None:
    whole = program(double, two_phases)
    assert [parts for _, parts in parts_of(share_out(whole, 2))] == [None, None]


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_parts_compute_what_the_whole_does(threads: int) -> None:
    whole = program(double, running_sum, two_phases)
    shared = share_out(whole, threads, least=0)
    x = {"x": np.random.default_rng(3).standard_normal(64).astype(np.float32)}
    np.testing.assert_array_equal(interpret(shared, x)["y"], interpret(whole, x)["y"])


def test_parts_that_depend_on_each_other_are_refused() -> None:
    shared = share_out(program(two_phases), 2, least=0)
    first, second, run = shared.functions
    (loop,) = (one for one in first.body if isinstance(one, For))
    start = DeclareVar(Variable(99, F32), constant(0.0, F32))
    body = (
        *first.body[:-1],
        start,
        replace(loop, body=(*loop.body, SetVar(start.variable, start.initial))),
    )
    with pytest.raises(LoopError, match=r"run: parts that depend on each other; given: k0\.0"):
        verify(Program(shared.buffers, (replace(first, body=body), second, run)))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (Parts(0, 0, 1, 16), "parts that are no range"),
        (Parts(0, 32, 4, 6), "parts that are no range"),
        (Parts(0, 31, 1, 16), "parts that depend on each other"),
    ],
)
def test_parts_must_be_those_of_the_loop(parts: Parts, message: str) -> None:
    shared = share_out(program(two_phases), 2, least=0)
    *kernels, run = shared.functions
    first, *rest = run.body
    assert isinstance(first, Call)
    changed = replace(run, body=(replace(first, parts=parts), *rest))
    with pytest.raises(LoopError, match=message):
        verify(Program(shared.buffers, (*kernels, changed)))


def through_scratch(in_between: float) -> Program:
    """Rows are reversed by way of memory that each row writes first; another kernel may read it."""
    made = ProgramBuilder()
    x, y = made.input("x", S.f32, 64), made.output("y", S.f32, 64)
    scratch = made.scratch("t", S.f32, 8)
    with made.function("run") as run:
        k = Kernel("reverse")
        source, target, row = (k.pointer(one) for one in (x, y, scratch))
        with k.loop(8) as i:
            with k.loop(8) as at:
                k.store(row, at, k.load(source, i * 8 + at) * 2.0)
            with k.loop(8) as at:
                k.store(target, i * 8 + at, k.load(row, 7 - at))
        run.call(made.add(k.finish()), k.arguments)
        if in_between:
            k = Kernel("reads")
            k.store(k.pointer(y), 0, k.load(k.pointer(scratch), 0) + in_between)
            run.call(made.add(k.finish()), k.arguments)
    return made.finish()


def test_one_thread_takes_long_calls_in_parts_and_no_more_memory() -> None:
    whole = through_scratch(0)
    assert [parts for _, parts in parts_of(share_out(whole, 1))] == [None]
    shared = share_out(whole, 1, least=0)
    assert parts_of(shared) == [("reverse.0", Parts(0, 8, 1, 4))]
    assert [one.bytes for one in shared.buffers] == [one.bytes for one in whole.buffers]
    x = {"x": np.arange(64, dtype=np.float32)}
    np.testing.assert_array_equal(interpret(shared, x)["y"], interpret(whole, x)["y"])


def test_threads_have_scratch_memory_of_their_own() -> None:
    whole = through_scratch(0)
    shared = share_out(whole, 3, least=0)
    assert shared.buffer("t").size == 3 * 64
    (call,) = shared.functions[-1].body
    assert isinstance(call, Call)
    assert call.copies == ((2, 64),)
    x = {"x": np.arange(64, dtype=np.float32)}
    np.testing.assert_array_equal(interpret(shared, x)["y"], interpret(whole, x)["y"])


def test_scratch_memory_that_others_read_is_one() -> None:
    shared = share_out(through_scratch(1.0), 3, least=0)
    assert shared.buffer("t").size == 8
    assert [parts for _, parts in parts_of(shared)] == [None, None]


@pytest.mark.parametrize("apart", [0, 100, 128, 256])
def test_copies_must_lie_in_the_memory(apart: int) -> None:
    shared = share_out(through_scratch(0), 3, least=0)
    *kernels, run = shared.functions
    (call,) = run.body
    assert isinstance(call, Call)
    changed = replace(run, body=(replace(call, copies=((2, apart),)),))
    with pytest.raises(LoopError, match="run: copies that the memory does not hold"):
        verify(Program(shared.buffers, (*kernels, changed)))


def test_only_scratch_memory_has_copies() -> None:
    shared = share_out(through_scratch(0), 3, least=0)
    *kernels, run = shared.functions
    (call,) = run.body
    assert isinstance(call, Call)
    for copies, message in (
        (((1, 64),), "copies that the memory does not hold"),
        ((), "parts that depend on each other"),
    ):
        changed = replace(run, body=(replace(call, copies=copies),))
        with pytest.raises(LoopError, match=message):
            verify(Program(shared.buffers, (*kernels, changed)))
