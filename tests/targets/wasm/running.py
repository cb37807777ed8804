"""Running a program in the interpreter and in wasmtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.loop import Program, interpret
from likewise.lower.plan import plan_memory
from likewise.lower.port import Port
from likewise.lower.threads import share_out
from likewise.targets.wasm import Numerics, emit, load

if TYPE_CHECKING:
    from likewise.lower.graph import Lowered

Array = np.ndarray[Any, Any]


def ports(program: Program, kind: str) -> list[Port]:
    """Every buffer of that kind as a flat input or output of its own name."""
    return [
        Port(one.name, DType.of(one.storage.numpy), (one.size,), one.name)
        for one in program.buffers
        if one.kind == kind
    ]


def module_of(program: Program, numerics: Numerics = "strict") -> bytes:
    return emit(
        program,
        plan_memory(program),
        inputs=ports(program, "input"),
        outputs=ports(program, "output"),
        numerics=numerics,
    ).encode()


def shared_module(lowered: Lowered, numerics: Numerics, threads: int) -> bytes:
    """In as many parts as can be, however little each has to do."""
    program = share_out(lowered.program, threads, least=0)
    return emit(
        program,
        plan_memory(program),
        inputs=lowered.inputs,
        outputs=lowered.outputs,
        numerics=numerics,
        threads=threads,
    ).encode()


def assert_same_bits(given: Array, expected: Array, name: str = "") -> None:
    """Equal bits, any NaN being equal to any other."""
    if expected.dtype.kind == "f":
        np.testing.assert_array_equal(np.isnan(given), np.isnan(expected), name)
        zero = expected.dtype.type(0)
        given = np.where(np.isnan(given), zero, given)
        expected = np.where(np.isnan(expected), zero, expected)
    width = f"u{given.dtype.itemsize}"
    np.testing.assert_array_equal(given.view(width), expected.view(width), name)


def run_both(program: Program, feeds: dict[str, Array], numerics: Numerics = "strict") -> None:
    """The interpreter and wasmtime must agree on every output."""
    want = interpret(program, feeds, fused=numerics == "fast")
    got = load(module_of(program, numerics)).run(feeds)
    for name, expected in want.items():
        assert_same_bits(got[name], expected, name)
