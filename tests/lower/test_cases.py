"""Every case of every operator, compiled: wasmtime strict and fast, small ones interpreted too.

`tests/expected/wasm_operators.toml` says what is refused or fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.ir import TensorType, Value, type_of
from likewise.loop import interpret
from likewise.ops import every_operator
from likewise.ops.build import GraphBuilder
from tests.conformance.compiling import compile_case, interpreted
from tests.conformance.ledger import expected_failures, listed
from tests.targets.wasm.running import assert_same_bits

if TYPE_CHECKING:
    from likewise.ir import Graph
    from likewise.ops.case import Case

INTERPRETED = 64
"""Elements of the outputs up to which the interpreter runs a case too: it is slow."""

CASES = {
    f"{operator.domain}.{operator.name}-{index}".lstrip("."): case
    for operator in every_operator()
    for index, case in enumerate(operator.cases())
    if not case.error
}
EXPECTED = expected_failures("wasm_operators", CASES)
FIXED = listed("wasm_operators", "fixed", CASES)


def graph_of(case: Case) -> tuple[Graph, dict[str, Any]]:
    """A graph of the one node, and what its inputs are fed."""
    builder, feeds = GraphBuilder(), {}
    inputs: list[Value | None] = []
    for index, given in enumerate(case.inputs):
        if given is None:
            inputs.append(None)
            continue
        kind = type_of(given)
        kind = TensorType(kind.dtype, kind.dims) if isinstance(kind, TensorType) else kind
        inputs.append(Value(f"input_{index}", kind))
        feeds[f"input_{index}"] = given
    made = builder.apply(case.operator, inputs)[: len(case.outputs)]
    live = [one for one in inputs if one is not None]
    return builder.graph("case", live, made), feeds


def run(name: str) -> bool:
    """Hold the case on every path; whether parameters had to be constants."""
    case = CASES[name]
    graph, feeds = graph_of(case)
    compiled = compile_case(graph, feeds)
    live = {name: feeds[name] for name in feeds if name not in compiled.constants}
    names = [one.name for one in compiled.lowered.outputs]
    results = [runner.run(live) for runner in compiled.runners()]
    for result in results:
        for output, expected in zip(names, case.outputs, strict=False):
            assert_close(result[output], np.asarray(expected), case)
    if sum(np.size(one) for one in case.outputs) <= INTERPRETED:
        flat = {
            f"in.{name}": array.view(np.uint16) if array.dtype.kind == "V" else array
            for name, array in live.items()
        }
        for fused, result in zip((False, True), results, strict=True):
            made = interpret(compiled.lowered.program, flat, fused=fused)
            for output, array in interpreted(compiled.lowered, made).items():
                assert_same_bits(result[output], array)
    return bool(compiled.constants)


def assert_close(made: Any, expected: Any, case: Case) -> None:
    """As close as the case says, a few units in the last place being allowed to any float."""
    assert made.dtype == expected.dtype
    assert made.shape == expected.shape
    if expected.dtype.kind not in "fV":
        np.testing.assert_array_equal(made, expected)
        return
    bits = {2: 8, 4: 24, 8: 53}[expected.dtype.itemsize]
    rtol = max(case.rtol, 2.0 ** (3 - bits))
    wide = np.asarray(expected, np.float64)
    np.testing.assert_allclose(
        np.asarray(made, np.float64), wide, rtol=rtol, atol=max(case.atol, 2.0**-bits)
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[pytest.mark.xfail(strict=True, reason=EXPECTED[name])]
            if name in EXPECTED
            else [],
        )
        for name in CASES
    ],
)
def test_case(name: str) -> None:
    assert run(name) == (name in FIXED), "fixed parameters: see the ledger"
