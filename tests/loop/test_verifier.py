"""The verifier's rules, each broken once."""

from __future__ import annotations

import numpy as np
import pytest

from likewise.loop import F32, I32, Function, LoopError, Program, ProgramBuilder, S, verify
from likewise.loop.constants import constant
from likewise.loop.nodes import (
    Apply,
    Buffer,
    BufferParam,
    Call,
    For,
    If,
    Let,
    Load,
    Read,
    Ref,
    SetVar,
    Statement,
    Store,
    Variable,
)

ZERO, ONE = constant(0, I32), constant(1.0, F32)
X, Y = Buffer("x", S.f32, 4, "input"), Buffer("y", S.f32, 4, "output")

BROKEN: list[tuple[tuple[Statement, ...], str]] = [
    ((Store(Y, ZERO, Ref(3, F32)),), "a value is used where it is not bound"),
    ((Let(0, Load(X, ZERO, F32)), Store(Y, ZERO, Ref(0, I32))), "a value is used as another type"),
    ((Let(0, Load(X, ZERO, F32)), Let(0, Load(X, ZERO, F32))), "a value is bound twice"),
    ((For(0, ZERO, constant(4, I32), 1, ()), Store(Y, Ref(0, I32), ONE)), "is not bound"),
    ((For(0, ZERO, ZERO, 0, ()),), "a loop's step is not positive"),
    ((Store(X, ZERO, ONE),), "a buffer of kind input is written"),
    ((Store(Y, ONE, ONE),), "a i32 is needed here"),
    ((Store(Y, ZERO, ZERO),), "a value of another type stored"),
    ((Let(0, Load(X, ZERO, I32)),), "no load of i32"),
    ((Let(0, Apply("add", I32, (ONE, ONE))),), "add gives f32, not i32"),
    ((Let(0, Apply("add", F32, (ONE, ZERO))),), "add does not take these operands"),
    ((If(ZERO, ()),), "a bool is needed here"),
    ((Let(0, Read(Variable(9, F32))),), "an unknown variable"),
    ((SetVar(Variable(9, F32), ONE),), "an unknown variable"),
    ((Call("other", ()),), "a call of a function that does not stand before"),
    ((Store(BufferParam(0, S.f32), ZERO, ONE),), "a memory parameter that the function does not"),
    ((Store(Buffer("z", S.f32, 4, "output"), ZERO, ONE),), "a buffer that the program does not"),
]


@pytest.mark.parametrize(("body", "message"), BROKEN)
def test_broken_functions_are_refused(body: tuple[Statement, ...], message: str) -> None:
    with pytest.raises(LoopError) as caught:
        verify(Program((X, Y), (Function("run", (), (), body),)))
    assert message in str(caught.value)


def test_programs_end_with_run() -> None:
    with pytest.raises(LoopError, match="the last function must be `run`; given: \\['f'\\]"):
        verify(Program((), (Function("f", (), (), ()),)))


def test_constants_have_data_of_their_storage() -> None:
    wrong = Buffer("c", S.f32, 3, "constant", np.zeros(3))
    with pytest.raises(LoopError, match="c: a constant's data does not fit it; given: float64"):
        verify(Program((wrong,), (Function("run", (), (), ()),)))


def test_names_are_unique() -> None:
    program = ProgramBuilder()
    program.input("x", S.f32, 1)
    with pytest.raises(LoopError, match="two buffers have one name; given: x"):
        program.output("x", S.f32, 1)
