"""Conversions of numbers that are known to be whole and small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.loop import ProgramBuilder, S, interpret
from likewise.loop.conversions import convert, whole_number
from likewise.loop.text import program_text
from likewise.targets.wasm import load
from tests.targets.wasm.running import module_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.loop import FunctionBuilder, Program, Storage, Value

NUMBERS = np.array([
    *(-1e30, -np.inf, -300.5, -2.5, -1.5, -0.5, -0.0, 0.49, 0.5, 1.5, 2.5, 3, 251.5, 252.5),
    *(254.49, 254.5, 255.5, 256, 70000, 1e30, np.inf, np.nan, -np.nan, 7),
], np.float32)  # fmt: skip


def written(
    numbers: np.ndarray[Any, Any],
    target: Storage,
    lanes: int,
    body: Callable[[FunctionBuilder, Value], Value],
) -> Program:
    program = ProgramBuilder()
    x = program.input("x", S.f32, numbers.size)
    y = program.output("y", target, numbers.size)
    with program.function("run") as b, b.loop(0, numbers.size, lanes) as at:
        b.store(y, at, body(b, b.load(x, at, lanes)))
    return program.finish()


def check(program: Program, numbers: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> None:
    given = {"x": numbers}
    np.testing.assert_array_equal(interpret(program, given)["y"], expected)
    np.testing.assert_array_equal(load(module_of(program)).run(given)["y"], expected)


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("shift", [None, 0, 3, -7, 128])
@pytest.mark.parametrize("target", [S.u8, S.i8, S.i32])
def test_a_rounded_number_within_bounds(lanes: int, shift: float | None, target: Storage) -> None:
    """What ends a quantization: NaN becomes 0, and all else the nearest that the bounds allow."""
    low, high = (-128, 127) if target is S.i8 else (0, 255)

    def body(b: FunctionBuilder, value: Value) -> Value:
        whole = b.apply("nearest", value)
        moved = whole if shift is None else whole + shift
        bounded = b.min(b.max(moved, float(low)), float(high))
        return convert(b, bounded, S.f32, target)

    program = written(NUMBERS, target, lanes, body)
    assert ("pmin(" in program_text(program)) == (low == 0)
    wanted = np.clip(np.rint(NUMBERS) + np.float32(shift or 0), low, high)
    check(program, NUMBERS, np.nan_to_num(wanted).astype(target.numpy))


@pytest.mark.parametrize("lanes", [1, 4])
def test_what_may_have_a_fraction_is_cut_off(lanes: int) -> None:
    def body(b: FunctionBuilder, value: Value) -> Value:
        return convert(b, b.min(b.max(value, 0.0), 255.0), S.f32, S.u8)

    wanted = np.trunc(np.clip(np.nan_to_num(NUMBERS), 0, 255)).astype(np.uint8)
    check(written(NUMBERS, S.u8, lanes, body), NUMBERS, wanted)


@pytest.mark.parametrize("lanes", [1, 4])
def test_whole_numbers_up_to_the_largest(lanes: int) -> None:
    most = 2**22 - 1
    numbers = np.array([0, -0.0, 1, -1, 77, -78, most, -most], np.float32)
    program = written(numbers, S.i32, lanes, lambda _, value: whole_number(value))
    check(program, numbers, numbers.astype(np.int32))
