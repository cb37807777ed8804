"""The official ONNX cases as compiled modules under wasmtime, strict and fast.

`tests/expected/wasm.toml` says what is refused or fails, and for which cases the parameters
(axes, shapes, k, …) must be constants of the model, since the case itself feeds them.
"""

from __future__ import annotations

import pytest

from tests.conformance.compiling import compiled_data_sets
from tests.conformance.ledger import expected_failures, listed
from tests.conformance.onnx_cases import assert_similar, onnx_cases

CASES = onnx_cases()
EXPECTED = expected_failures("wasm", CASES)
FIXED = listed("wasm", "fixed", CASES)


def run(name: str) -> bool:
    """Hold the case in both numerics; whether parameters had to be constants."""
    case = CASES[name]
    fixed = False
    for compiled, live, outputs in compiled_data_sets(case):
        fixed |= bool(compiled.constants)
        for runner in compiled.runners():
            made = list(runner.run(live).values())
            assert len(made) == len(outputs)
            for one, other in zip(made, outputs, strict=True):
                assert_similar(one, other, case.rtol, case.atol)
    return fixed


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
def test_wasm_case(name: str) -> None:
    assert run(name) == (name in FIXED), "fixed parameters: see the ledger"
