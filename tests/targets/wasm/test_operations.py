"""Every operation of the loop IR gives the interpreter's bits as WebAssembly too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.loop import ProgramBuilder, S, Storage, Type, Value, type_named
from likewise.loop.types import F32, F64, STORAGES
from tests.loop.operation_table import corners, rows
from tests.targets.wasm.running import run_both

if TYPE_CHECKING:
    from likewise.loop.builder import FunctionBuilder
    from likewise.targets.wasm import Numerics

Array = np.ndarray[Any, Any]
ROUNDS = 24


def storage_of(one: Type) -> Storage:
    if one.is_bool:
        return S.bool if one.lanes == 1 else STORAGES[f"u{one.bits}"]
    return STORAGES[f"{one.kind}{one.bits}"]


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


CASES = [("strict", *row) for row in rows()]
CASES += [("fast", *row) for row in rows() if "madd" in row[0] or row[0] == "select"]


@pytest.mark.parametrize(
    ("numerics", "op", "types", "immediate"),
    [
        pytest.param(*case, id=f"{case[0]}-{case[1]}-{'-'.join(map(str, case[2]))}-{case[3]}")
        for case in CASES
    ],
)
def test_operation(
    numerics: Numerics, op: str, types: tuple[Type, ...], immediate: tuple[int, ...]
) -> None:
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


@pytest.mark.parametrize("lanes", [F32.with_lanes(4), F64.with_lanes(2)], ids=str)
@pytest.mark.parametrize("op", ["min", "max"])
def test_extremes_with_a_constant(op: str, lanes: Type) -> None:
    """They are other instructions, and give the same bits: zeros with their signs, NaNs."""
    x = corners(lanes).repeat(lanes.lanes)
    builder = ProgramBuilder()
    source = builder.input("x", storage_of(lanes), x.size)
    with builder.function("run") as b, b.loop(0, x.size, lanes.lanes) as i:
        value = b.load(source, i, lanes.lanes)
        for at, bound in enumerate([0.0, -0.0, 6.0, -1e-40, np.inf, -np.inf, np.nan]):
            pair = [value, b.const(bound, lanes)]
            for order, (left, right) in enumerate((pair, pair[::-1])):
                out = builder.output(f"y{at}.{order}", source.storage, x.size)
                b.store(out, i, b.apply(op, left, right))
    run_both(builder.finish(), {"x": x})
