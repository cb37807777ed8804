"""Every operation of the loop IR gives the interpreter's bits as WebAssembly too."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likewise.loop import Program, ProgramBuilder, S, Storage, Type, Value, interpret, type_named
from likewise.loop.builder import FunctionBuilder
from likewise.loop.types import STORAGES
from likewise.lower.plan import plan_memory
from likewise.targets.wasm import Port, emit, load

sys.path.insert(0, str(Path(__file__).parents[2] / "loop"))
from operation_table import corners, rows  # noqa: E402

Array = np.ndarray[Any, Any]
ROUNDS = 24


def storage_of(one: Type) -> Storage:
    if one.is_bool:
        return S.bool if one.lanes == 1 else STORAGES[f"u{one.bits}"]
    return STORAGES[f"{one.kind}{one.bits}"]


def run_both(program: Program, feeds: dict[str, Array], numerics: str) -> None:
    """Interpreter and wasmtime must agree bit by bit, any NaN being equal to any other."""
    ports = {
        kind: [
            Port(one.name, one.storage.numpy.name, (one.size,), one)
            for one in program.buffers
            if one.kind == kind
        ]
        for kind in ("input", "output")
    }
    module = emit(
        program,
        plan_memory(program),
        inputs=ports["input"],
        outputs=ports["output"],
        numerics=numerics,  # type: ignore[arg-type]
    )
    want = interpret(program, feeds, fused=numerics == "fast")
    got = load(module).run(feeds)
    for name, expected in want.items():
        given = got[name]
        if expected.dtype.kind == "f":
            assert np.array_equal(np.isnan(given), np.isnan(expected)), name
            given, expected = np.nan_to_num(given, nan=0), np.nan_to_num(expected, nan=0)
        width = f"u{given.dtype.itemsize}"
        np.testing.assert_array_equal(given.view(width), expected.view(width), name)


def read(b: FunctionBuilder, memory: Any, index: Value, one: Type) -> Value:
    if one.lanes == 1:
        return b.load(memory, index)
    found = b.load(memory, index * one.lanes, one.lanes)
    return found.ne(0) if one.is_bool else found


def write(b: FunctionBuilder, memory: Any, index: Value, value: Value) -> None:
    one = value.type
    if one.is_bool and one.lanes > 1:
        value = value.cast(type_named(f"u{one.bits}x{one.lanes}"))
    b.store(memory, index * one.lanes, value)


@pytest.mark.parametrize("numerics", ["strict", "fast"])
@pytest.mark.parametrize(
    ("op", "types", "immediate"),
    [pytest.param(*row, id=f"{row[0]}-{'-'.join(map(str, row[1]))}-{row[2]}") for row in rows()],
)
def test_operation(
    op: str, types: tuple[Type, ...], immediate: tuple[int, ...], numerics: str
) -> None:
    if numerics == "fast" and op not in ("madd", "nmadd"):
        pytest.skip("the two numerics differ in fused operations only")
    builder = ProgramBuilder()
    rng = np.random.default_rng(7)
    feeds, inputs = {}, []
    for at, one in enumerate(types):
        inputs.append(builder.input(f"x{at}", storage_of(one), ROUNDS * one.lanes))
        values = corners(one)
        drawn = rng.choice(values, ROUNDS * one.lanes).astype(inputs[-1].storage.numpy)
        feeds[f"x{at}"] = drawn
    with builder.function("run") as b:
        result = None
        with b.loop(ROUNDS) as i:
            args = [read(b, memory, i, one) for memory, one in zip(inputs, types, strict=True)]
            result = b.apply(op, *args, immediate=immediate)
            storage = storage_of(result.type)
            if result.type.bits < 32 and result.type.lanes == 1 and not result.type.is_bool:
                storage = STORAGES[result.type.name]
            out = builder.output("y", storage, ROUNDS * result.type.lanes)
            write(b, out, i, result)
    run_both(builder.finish(), feeds, numerics)
