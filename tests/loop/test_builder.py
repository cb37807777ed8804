"""Writing loop IR: what is simplified, where operations go, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.loop import (
    BOOL,
    F32,
    I32,
    I64,
    FunctionBuilder,
    LoopError,
    ProgramBuilder,
    S,
    Value,
    function_text,
    interpret,
    type_named,
)

if TYPE_CHECKING:
    from collections.abc import Callable

F32X4 = type_named("f32x4")


def text_of(write: Callable[[FunctionBuilder, Any, Any], None]) -> list[str]:
    """The body that `write` makes for an input x and an output y of 1000 f32."""
    program = ProgramBuilder()
    x, y = program.input("x", S.f32, 1000), program.output("y", S.f32, 1000)
    with program.function("run") as b:
        write(b, x, y)
    return function_text(program.finish().functions[-1]).splitlines()[1:]


def test_invariant_operations_stand_before_the_loop() -> None:
    def write(b: FunctionBuilder, x: Any, y: Any) -> None:
        scale = b.load(x, 0)
        with b.loop(4) as i, b.loop(3) as j:
            b.store(y, i * 3 + j, b.sqrt(scale) + b.load(x, i * 3))

    assert text_of(write) == [
        "  %0: f32 = x[0]",
        "  %5: f32 = sqrt(%0)",
        "  for %1 = 0 to 4",
        "    %3: i32 = %1 * 3",
        "    for %2 = 0 to 3",
        "      %4: i32 = %3 + %2",
        "      %6: f32 = x[%3]",
        "      %7: f32 = %5 + %6",
        "      y[%4] = %7",
    ]


def test_nothing_moves_out_of_a_branch() -> None:
    def write(b: FunctionBuilder, x: Any, y: Any) -> None:
        scale = b.load(x, 0)
        with b.loop(4) as i, b.if_(scale > 0.0):
            b.store(y, i, b.sqrt(scale))

    assert "      %3: f32 = sqrt(%0)" in text_of(write)


def test_division_and_remainder_of_split_indices_vanish() -> None:
    def write(b: FunctionBuilder, x: Any, y: Any) -> None:
        with b.loop(20) as i, b.loop(50) as j:
            position = i * 50 + j
            b.store(y, position // 50 * 50 + position % 50, b.load(x, (position + 100) // 50))

    assert text_of(write) == [
        "  for %0 = 0 to 20",
        "    %2: i32 = %0 * 50",
        "    %5: i32 = %0 + 2",
        "    for %1 = 0 to 50",
        "      %3: i32 = %2 + %1",
        "      %6: f32 = x[%5]",
        "      y[%3] = %6",
    ]


def test_ranges_decide_comparisons() -> None:
    def write(b: FunctionBuilder, x: Any, y: Any) -> None:
        with b.loop(10) as i:
            inside = (i >= 0) & (i < 10)
            b.store(y, i, b.select(inside, b.load(x, i), b.const(0.0, F32)))

    assert text_of(write) == ["  for %0 = 0 to 10", "    %1: f32 = x[%0]", "    y[%0] = %1"]


def test_loops_of_one_round_and_of_none_leave_no_loop() -> None:
    def write(b: FunctionBuilder, x: Any, y: Any) -> None:
        with b.loop(1) as i:
            b.store(y, i, b.load(x, i + 2))
        with b.loop(0) as i:
            b.store(y, i, b.load(x, i))

    assert text_of(write) == ["  %0: f32 = x[2]", "  y[0] = %0"]


@pytest.mark.parametrize("kind", ["i32", "i64", "u32", "u64"])
def test_floor_division_and_remainder_are_pythons(kind: str) -> None:
    numbers = [-7, -3, -1, 1, 2, 3, 7, 8] if kind[0] == "i" else [1, 2, 3, 7, 8]
    pairs = [(a, b) for a in [*numbers, 0] for b in numbers]
    program = ProgramBuilder()
    storage = getattr(S, kind)
    left_in, right_in = (program.input(name, storage, len(pairs)) for name in "ab")
    q, r = (program.output(name, storage, len(pairs)) for name in "qr")
    with program.function("run") as b, b.loop(len(pairs)) as i:
        left, right = b.load(left_in, i), b.load(right_in, i)
        b.store(q, i, left // right)
        b.store(r, i, left % right)
    left_data, right_data = (np.array(one, storage.numpy) for one in zip(*pairs, strict=True))
    made = interpret(program.finish(), {"a": left_data, "b": right_data})
    assert [*zip(made["q"].tolist(), made["r"].tolist(), strict=True)] == [
        divmod(one, two) for one, two in pairs
    ]


def _leak(b: FunctionBuilder, x: Any, y: Any) -> None:
    with b.loop(4) as i:
        inner = b.load(x, i)
    b.store(y, 0, inner)


def _foreign(b: FunctionBuilder, x: Any, y: Any) -> None:
    other = FunctionBuilder("other")
    b.store(y, 0, other.load(other.memory(S.f32), 0))


FAULTS: list[tuple[str, Callable[[FunctionBuilder, Any, Any], object], str]] = [
    ("mixed", lambda b, x, _: b.load(x, 0) + b.const(1, I32),
     "add does not take these operands; given: f32, i32; allowed: 2 of one type: int, uint, float"),
    ("truth", lambda b, x, _: bool(b.load(x, 0) > 0.0),
     ("a loop-IR value has no truth while the program is being written; given: %1: bool; "
     "use b.if_(condition) or b.select(condition, a, b)")),
    ("float index", lambda b, x, _: b.load(x, b.load(x, 0)),
     "an index is an i32; given: %0: f32; use .cast(I32)"),
    ("stored type", lambda b, _, y: b.store(y, 0, b.const(1, I64)),
     "a i64 does not go into memory of f32; allowed: f32 or its vectors"),
    ("input written", lambda b, x, _: b.store(x, 0, 1.0), "the input 'x' is not written to"),
    ("leak", _leak, "a value is used outside the block that bound it; given: %1: f32"),
    ("foreign", _foreign, "a value of another function; given: %0: f32"),
    ("step", lambda b, *_: b.loop(0, 4, 0).__enter__(),
     "a loop's step is a positive constant; given: 0"),
    ("if", lambda b, x, _: b.if_(b.load(x, 0)).__enter__(),
     "`if_` needs a bool; given: f32; allowed: bool"),
    ("operation", lambda b, x, _: b.apply("sinh", b.load(x, 0)), "no such operation; given: sinh"),
    ("lanes", lambda b, x, _: b.load(x, 0, 2), "no vector load of 2 elements of f32"),
    ("lane", lambda b, x, _: b.load(x, 0, 4).lane(4),
     "extract does not take these operands; given: f32x4 [4]; allowed: lane 0 to 3"),
    ("mask", lambda b, x, _: b.select(b.load(x, 0) > 0.0, b.load(x, 0), b.load(x, 0, 4)),
     "select does not take these operands; given: bool, f32, f32x4"),
    ("integer /", lambda b, *_: b.const(4, I32) / 2,
     "`/` divides floats; given: i32; use //, % or .div()"),
    ("float beside integer", lambda b, *_: b.const(4, I32) + 0.5,
     "a float beside a value of i32; given: 0.5"),
    ("variable", lambda b, x, _: b.var(0.0, F32).set(b.load(x, 0, 4)),
     "a variable keeps its type; given: f32x4; allowed: f32"),
]  # fmt: skip


@pytest.mark.parametrize(("write", "message"), [pytest.param(*f[1:], id=f[0]) for f in FAULTS])
def test_faults_say_function_line_and_what_is_allowed(
    write: Callable[[FunctionBuilder, Any, Any], object], message: str
) -> None:
    program = ProgramBuilder()
    x, y = program.input("x", S.f32, 8), program.output("y", S.f32, 8)
    b = FunctionBuilder("kernel")
    with pytest.raises(LoopError) as caught:
        write(b, x, y)
    function, line, what = str(caught.value).split(": ", 2)
    assert function == "kernel"
    assert line.startswith("test_builder.py:")
    assert what.startswith(message)


def test_otherwise_must_follow_its_if() -> None:
    b = FunctionBuilder("kernel")
    flag = b.scalar(BOOL)
    with b.if_(flag):
        pass
    b.var(0, I32)
    with pytest.raises(LoopError, match="`otherwise` must follow its `if_` at once"), b.otherwise():
        pass


def test_vectors_bool_and_halves_convert_at_memory() -> None:
    program = ProgramBuilder()
    x, y = program.input("x", S.f16, 8), program.output("y", S.bf16, 8)
    flags = program.output("flags", S.bool, 8)
    with program.function("run") as b, b.loop(0, 8, 4) as i:
        value: Value = b.load(x, i, 4)
        assert value.type is F32X4
        b.store(y, i, value * 1.5)
        b.store(flags, i, value > 2.0)
    made = interpret(program.finish(), {"x": np.arange(8, dtype=np.float16)})
    assert made["flags"].tolist() == [False, False, False, *[True] * 5]
    floats = (made["y"].astype(np.uint32) << 16).view(np.float32)
    assert floats.tolist() == [0, 1.5, 3, 4.5, 6, 7.5, 9, 10.5]
